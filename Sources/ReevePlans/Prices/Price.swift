// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a plan or a package costs. Nothing in Reeve charges it: a host that does reads it from the plan in force.
public struct Price: Hashable, Sendable, Codable {
    /// For each period.
    public var perPeriod: Money
    /// Once, when it begins; `nil` for nothing.
    public var setUp: Money?
    /// For each thousand tasks beyond the limit, where a company may go beyond it; `nil` for nothing.
    public var perThousandOver: Money?

    /// A price, by default without anything beside the periods'.
    public init(perPeriod: Money, setUp: Money? = nil, perThousandOver: Money? = nil) {
        self.perPeriod = perPeriod
        self.setUp = setUp
        self.perThousandOver = perThousandOver
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        let amounts = [perPeriod, setUp, perThousandOver].compactMap(\.self)
        var defects: [String] = []
        if Set(amounts.map(\.currency)).count > 1 { defects.append("a price must be in one currency") }
        if amounts.contains(where: { !(0...PlanRoom.maximumCount).contains($0.minorUnits) }) {
            defects.append("an amount must be 0 to 10^12 of the smallest unit")
        }
        return defects
    }
}

/// Everything that a company may be asked to pay under its plan, and what it gets for that.
public struct Charges: Hashable, Sendable, Codable {
    /// The price; `nil` when nothing costs anything.
    public var price: Price?
    /// Tasks in one period that it covers.
    public var tasksPerPeriod: Int
    /// Tasks beyond them that may be used, at the price for those; 0 unless that was agreed.
    public var mostTasksOver: Int

    /// Charges; by default none.
    public init(price: Price? = nil, tasksPerPeriod: Int, mostTasksOver: Int = 0) {
        self.price = price
        self.tasksPerPeriod = tasksPerPeriod
        self.mostTasksOver = mostTasksOver
    }

    /// Nothing, for nothing.
    static let none = Charges(tasksPerPeriod: 0)

    /// Whether somebody may be asked for money under them.
    public var isFree: Bool { perPeriod == 0 && setUp == 0 && (perThousandOver == 0 || mostTasksOver == 0) }

    func with(tasks: Int) -> Charges {
        Charges(price: price, tasksPerPeriod: tasks, mostTasksOver: mostTasksOver)
    }

    fileprivate var perPeriod: Int64 { price?.perPeriod.minorUnits ?? 0 }
    fileprivate var setUp: Int64 { price?.setUp?.minorUnits ?? 0 }
    fileprivate var perThousandOver: Int64 { price?.perThousandOver?.minorUnits ?? 0 }
}

/// What a change does to what a company may be asked to pay.
public enum PriceImpact: String, Hashable, Sendable, Codable, CaseIterable {
    /// The same.
    case none
    /// Nothing costs more, and something less.
    case decrease
    /// Something costs more, or each task of fewer does.
    case increase
    /// Some costs more and some less, or the currency is another one.
    case incomparable

    /// Whether the change needs the company's approval (clauses S4.3, S4.4).
    public var needsApproval: Bool { self == .increase || self == .incomparable }

    /// The impact of going from some charges to others.
    public static func between(_ before: Charges, _ after: Charges) -> PriceImpact {
        if after.isFree { return before.isFree ? .none : .decrease }
        if before.isFree { return .increase }
        guard before.price?.perPeriod.currency == after.price?.perPeriod.currency else { return .incomparable }
        // Where nobody may go beyond the limit, the price of doing so is none.
        func over(_ charges: Charges) -> (price: Int64, most: Int) {
            charges.mostTasksOver == 0 || charges.perThousandOver == 0
                ? (0, 0) : (charges.perThousandOver, charges.mostTasksOver)
        }
        let (old, new) = (over(before), over(after))
        let rises = [
            after.perPeriod > before.perPeriod, after.setUp > before.setUp, new.price > old.price, new.most > old.most,
            // Fewer tasks for less is a smaller plan, unless each of them costs more.
            after.tasksPerPeriod < before.tasksPerPeriod
                && Int128(after.perPeriod) * Int128(before.tasksPerPeriod)
                    > Int128(before.perPeriod) * Int128(after.tasksPerPeriod),
        ]
        let falls = [
            after.perPeriod < before.perPeriod, after.setUp < before.setUp, new.price < old.price, new.most < old.most,
            after.tasksPerPeriod > before.tasksPerPeriod,
        ]
        return switch (rises.contains(true), falls.contains(true)) {
        case (false, false): .none
        case (false, true): .decrease
        case (true, false): .increase
        case (true, true): .incomparable
        }
    }
}
