// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveCrypto
public import ReeveModel

/// What beside the amounts a company must know of a price before it can agree to it.
public struct PriceConditions: Hashable, Sendable, Codable {
    /// Whether taxes are in the amounts.
    public enum Tax: String, Hashable, Sendable, Codable, CaseIterable {
        /// They are.
        case included
        /// They come on top.
        case added
        /// There are none.
        case none
    }

    /// Whether taxes are in the amounts.
    public var tax: Tax
    /// When and how the amounts become due, in a sentence or two.
    public var payment: String
    /// How long the company is bound, and how it ends the plan, in a sentence or two.
    public var ending: String

    /// Conditions; each text has 1 to 2,000 bytes on one line.
    public init(tax: Tax, payment: String, ending: String) {
        self.tax = tax
        self.payment = payment
        self.ending = ending
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        [("payment", payment), ("ending", ending)]
            .filter { !(1...2000).contains($0.1.utf8.count) || PlanRoom.hasControls($0.1) }
            .map { "`\($0.0)` must have 1 to 2,000 bytes without control characters" }
    }
}

/// The full pricing of a change, as it is put before a company: immutable, and named by its digest (clause S4.4).
public struct PriceDocument: Hashable, Sendable, Codable {
    /// The proposal that it is the pricing of.
    public let proposal: Identifier<PriceProposal>
    /// The company that is asked.
    public let company: Identifier<Company>
    /// What is to change, and when.
    public let change: PlanChange
    /// The plan's name.
    public let plan: String
    /// The version of the catalogue that has the plan so.
    public let catalogue: Int
    /// What the company is asked to pay now.
    public let before: Charges
    /// What it would be asked to pay, and the tasks that it would get.
    public let after: Charges
    /// What else it would get.
    public let entitlements: Entitlements
    /// The length of a period in months.
    public let months: Int
    /// What else it must know.
    public let conditions: PriceConditions

    /// SHA-256 over all of it, in an injective encoding: one changed character is another document.
    ///
    /// Throws ``PlanError/Code/digestFailed`` when this process cannot compute one.
    public func digest() throws(PlanError) -> Digest {
        var bytes = CanonicalBytes(label: "reeve/plans/price-document/1")
        bytes.add(proposal)
        bytes.add(company)
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            bytes.add(Array(try encoder.encode(change)))
            bytes.add(Array(try encoder.encode(entitlements)))
        } catch {
            throw PlanError(.digestFailed)
        }
        bytes.add(plan)
        bytes.add(Int64(catalogue))
        for charges in [before, after] {
            bytes.add(Int64(charges.tasksPerPeriod))
            bytes.add(Int64(charges.mostTasksOver))
            let amounts = [charges.price?.perPeriod, charges.price?.setUp, charges.price?.perThousandOver]
            bytes.addList(amounts) { bytes, amount in
                bytes.add(amount?.currency.description)
                bytes.add(amount?.minorUnits ?? 0)
            }
        }
        bytes.add(Int64(months))
        bytes.add(conditions.tax.rawValue)
        bytes.add(conditions.payment)
        bytes.add(conditions.ending)
        do throws(CryptoError) {
            return try Digest(of: bytes)
        } catch {
            throw PlanError(.digestFailed)
        }
    }

    /// The document in plain words, line by line, to be sent or shown.
    public var text: String {
        func lines(_ charges: Charges) -> [String] {
            let more = charges.mostTasksOver > 0 ? ", and \(charges.mostTasksOver) more for nothing" : ""
            guard let price = charges.price, !charges.isFree else {
                return ["costs nothing, with \(charges.tasksPerPeriod) tasks in a period\(more)"]
            }
            let period = months == 1 ? "a month" : "every \(months) months"
            var lines = ["\(price.perPeriod) \(period), with \(charges.tasksPerPeriod) tasks in it"]
            if let setUp = price.setUp, setUp.minorUnits > 0 { lines.append("\(setUp) once, when it begins") }
            if let over = price.perThousandOver, over.minorUnits > 0, charges.mostTasksOver > 0 {
                lines.append("\(over) for each thousand tasks more, at most \(charges.mostTasksOver) tasks")
            } else if charges.mostTasksOver > 0 {
                lines.append("nothing for at most \(charges.mostTasksOver) tasks more")
            } else {
                lines.append("nothing beyond these tasks: at the limit no more are run")
            }
            return lines
        }
        let tax =
            switch conditions.tax {
            case .included: "Taxes are in the amounts."
            case .added: "Taxes come on top of the amounts."
            case .none: "There are no taxes on the amounts."
            }
        func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
        var gets = [
            "features: \(list(entitlements.features.sorted()))",
            "environments: \(list(entitlements.environments.sorted().map(\.rawValue)))",
        ]
        if let classes = entitlements.connectorClasses { gets.append("connectors: \(list(classes.sorted()))") }
        if let pace = entitlements.pace {
            gets.append("at most \(pace.tasks) tasks in \(pace.seconds) seconds, \(pace.burst) at once")
        }
        for sublimit in entitlements.sublimits {
            gets.append("at most \(sublimit.tasksPerPeriod) of these tasks in one period for \(sublimit.jobs)")
        }
        if let rollover = entitlements.rollover {
            gets.append(
                "carried over to the next period: what is left, at least \(rollover.least) and at most \(rollover.most) tasks"
            )
        }
        if let days = entitlements.retentionDays { gets.append("job data is kept for \(days) days") }
        let start =
            switch change.timing {
            case .immediately: "as soon as it is approved and its notice is over"
            case .nextPeriod: "with the next period"
            case .at(let instant): "on \(instant)"
            }
        return
            (["Plan: \(plan)", "From: \(start)", "Now:"] + lines(before).map { "- \($0)" } + ["Proposed:"]
            + (lines(after) + gets).map { "- \($0)" } + [tax, conditions.payment, conditions.ending]).joined(
                separator: "\n")
    }
}
