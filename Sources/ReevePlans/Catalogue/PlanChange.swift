// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A change of what a company may use: to what, when, and what becomes of the period that it falls in.
public struct PlanChange: Hashable, Sendable, Codable {
    /// To what. In JSON it is one field: `plan`, `package` or `mostTasksOver`.
    public enum Kind: Hashable, Sendable {
        /// Another plan of the catalogue that is in force; the same name again brings the plan's present version.
        case plan(String)
        /// A package of the company's own, on top of whatever plan it has; `nil` for none any more.
        case package(Package?)
        /// So many tasks beyond the limit in each period, at the price that the plan or package has for those; 0 for none. With
        /// a price it needs approval, like every increase.
        case overage(mostTasks: Int)
    }

    /// When it takes effect. Its text, also in JSON, is `immediately`, `nextPeriod` or the instant.
    public enum Timing: Hashable, Sendable, TextCodable {
        /// At once.
        case immediately
        /// When the next period begins.
        case nextPeriod
        /// At an instant that has not passed.
        case at(Timestamp)

        /// `immediately`, `nextPeriod` or the instant.
        public var description: String {
            switch self {
            case .immediately: "immediately"
            case .nextPeriod: "nextPeriod"
            case .at(let instant): instant.description
            }
        }

        /// Reads what `description` writes.
        public init?(_ text: String) {
            switch text {
            case "immediately": self = .immediately
            case "nextPeriod": self = .nextPeriod
            default:
                guard let instant = Timestamp(text) else { return nil }
                self = .at(instant)
            }
        }
    }

    /// Whether periods are counted anew.
    public enum Alignment: String, Hashable, Sendable, Codable, CaseIterable {
        /// Periods go on as they were.
        case keepsPeriods
        /// A period begins with the change, and the later ones are counted from it. Nothing is used of it yet: it goes with
        /// ``Usage/reset``.
        case startsPeriods
    }

    /// What becomes of the tasks that were used in the period so far.
    public enum Usage: String, Hashable, Sendable, Codable, CaseIterable {
        /// They count against the new limit.
        case kept
        /// They do not: the new limit is there as a whole, but for what processes hold at that moment.
        case reset
        /// As large a part of the new limit counts as used as was of the old one, rounded up; what processes hold at that moment
        /// counts as it is. The limit is the plan's: what was used of grants counts as if it had been of that.
        case scaled
    }

    /// To what.
    public var kind: Kind
    /// When it takes effect.
    public var timing: Timing
    /// Whether periods are counted anew.
    public var alignment: Alignment
    /// What becomes of the tasks that were used in the period so far.
    public var usage: Usage
    /// When a package ends that costs nothing of its own, and what was before is in force again; `nil` for never.
    public var until: Timestamp?

    /// A change; by default it takes effect at once and for good, and periods and what is used of them go on.
    public init(
        _ kind: Kind, timing: Timing = .immediately, alignment: Alignment = .keepsPeriods, usage: Usage = .kept,
        until: Timestamp? = nil
    ) {
        self.kind = kind
        self.timing = timing
        self.alignment = alignment
        self.usage = usage
        self.until = until
    }

    /// Another plan, at once.
    public static func plan(_ name: String) -> PlanChange { PlanChange(.plan(name)) }
    /// A package, at once; `nil` for none any more.
    public static func package(_ package: Package?) -> PlanChange { PlanChange(.package(package)) }
    /// So many tasks beyond the limit, at once; 0 for none.
    public static func overage(mostTasks: Int) -> PlanChange { PlanChange(.overage(mostTasks: mostTasks)) }
}

extension PlanChange.Kind: Codable {
    private enum CodingKeys: String, CodingKey {
        case plan, package, mostTasksOver
    }

    /// Reads the one field.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch (container.allKeys.count, container.allKeys.first) {
        case (1, .plan): self = .plan(try container.decode(String.self, forKey: .plan))
        case (1, .package): self = .package(try container.decode(Package?.self, forKey: .package))
        case (1, .mostTasksOver):
            self = .overage(mostTasks: try container.decode(Int.self, forKey: .mostTasksOver))
        default:
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "one of plan, package and mostTasksOver"))
        }
    }

    /// Writes the one field.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .plan(let name): try container.encode(name, forKey: .plan)
        case .package(let package): try container.encode(package, forKey: .package)
        case .overage(let mostTasks): try container.encode(mostTasks, forKey: .mostTasksOver)
        }
    }
}

/// What a change would do, found before it is made: exactly what it then does, unless something else changes in between.
public struct PlanChangePreview: Hashable, Sendable {
    /// When it takes effect.
    public let effective: Timestamp
    /// What is in force at that instant without it.
    public let before: EffectivePlan
    /// What is in force at that instant with it.
    public let after: EffectivePlan
    /// The worst that it does to the price, then or later.
    public let impact: PriceImpact

    /// Whether the company must approve it: ``Plans/propose(_:for:conditions:_:)`` is the way then, and
    /// ``Plans/change(_:of:review:_:)`` refuses.
    public var needsApproval: Bool { impact.needsApproval }
}

/// What is in force for a company at an instant: a value, so that a check of a feature costs nothing.
public struct EffectivePlan: Hashable, Sendable {
    /// Why nothing new is admitted.
    public enum Stop: String, Hashable, Sendable, Codable, CaseIterable {
        /// The company never had a status that brings a plan.
        case noPlan
        /// The company is a former one.
        case former
        /// The plan's time is over.
        case trialEnded
        /// There is no plan, or its time is over, and the one that the status brings has a price that the company has not approved yet.
        case awaitingApproval
    }

    /// The instant.
    public let at: Timestamp
    /// The plan; `nil` when there is none.
    public let plan: Plan?
    /// The version of the catalogue that the plan is from; 0 when there is none.
    public let catalogue: Int
    /// The company's own package.
    public let package: Package?
    /// Plan and package together; nothing when there is no plan.
    public let entitlements: Entitlements
    /// What the company may be asked to pay, and for what.
    public let charges: Charges
    /// What it would be asked if the plan's time were not over: what prices are compared by.
    let asked: Charges
    /// Why nothing new is admitted; `nil` when jobs are.
    public let stop: Stop?
    /// When the plan's time is over; `nil` when it does not end.
    public let trialEnds: Timestamp?
    /// The proposal that a status opened and that has not come into force; the plan stays as it is until then. It may have expired:
    /// see how it stands.
    public let awaiting: Identifier<PriceProposal>?
    /// Whether nothing is admitted for now, whatever the plan: it is as it is now, also in what is in force at another instant.
    public let pause: Pause?
    /// The length of a period in months.
    public let months: Int
    /// The period that its tasks are counted in.
    public let period: Period
    /// The next instant at which something of this is another, as far as it is decided; `nil` when nothing is.
    public let changesAt: Timestamp?

    /// The plan, when jobs are admitted under it.
    var running: Plan {
        get throws(PlanError) {
            switch stop {
            case .noPlan: throw PlanError(.noPlan)
            case .former: throw PlanError(.companyInactive)
            case .trialEnded: throw PlanError(.trialEnded)
            case .awaitingApproval: throw PlanError(.awaitingApproval)
            case nil:
                guard let plan else { throw PlanError(.noPlan) }
                return plan
            }
        }
    }

    /// Whether the plan's time is over.
    var isOver: Bool { plan != nil && trialEnds.map { $0 <= at } ?? false }

    /// Tasks in the period altogether, without what was granted or carried over: ``Plans/balance(of:)``.
    public var limit: Int { entitlements.tasksPerPeriod + charges.mostTasksOver }
    /// Whether jobs may be admitted in an environment; a job of no environment may.
    public func admits(_ environment: Environment?) -> Bool {
        stop == nil && pause == nil && (environment.map(entitlements.environments.contains) ?? true)
    }
    /// Whether a feature is switched on, and jobs are admitted.
    public func includes(feature: String) -> Bool { stop == nil && entitlements.includes(feature: feature) }
    /// Whether connectors of a class may be used, and jobs are admitted.
    public func includes(connectorClass: String) -> Bool {
        stop == nil && entitlements.includes(connectorClass: connectorClass)
    }
}
