// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import ReeveStorage

/// A plan: what a company may use in one period, and what that costs.
public struct Plan: Hashable, Sendable, Codable {
    /// The plan's name, for example `trial`; 1 to 64 bytes.
    public let name: String
    /// What a company may use under it.
    public var entitlements: Entitlements
    /// What it costs; `nil` for nothing.
    public var price: Price?
    /// What else a company must know of the price; every plan with a price has them.
    public var conditions: PriceConditions?
    /// After how many days a company's time on it ends, counted from when it was first on it, 1 to 3,650; `nil` for never.
    public var trialDays: Int?

    /// A plan; by default it costs nothing and does not end.
    public init(
        name: String, entitlements: Entitlements, price: Price? = nil, conditions: PriceConditions? = nil,
        trialDays: Int? = nil
    ) {
        self.name = name
        self.entitlements = entitlements
        self.price = price
        self.conditions = conditions
        self.trialDays = trialDays
    }

    /// A plan that costs nothing and whose limit is all that matters.
    public init(name: String, tasksPerPeriod: Int) {
        self.init(name: name, entitlements: Entitlements(tasksPerPeriod: tasksPerPeriod))
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        var defects = PlanRoom.defects(tasks: entitlements.tasksPerPeriod, 0, entitlements.retentionDays)
        defects += PlanRoom.defects(names: entitlements.features, entitlements.connectorClasses ?? [])
        defects += PlanRoom.defects(entitlements.pace)
        defects += Sublimits.defects(entitlements.sublimits)
        if entitlements.sublimits.contains(where: { $0.workspace != nil }) {
            defects.append("a sublimit for a workspace is for the package of its company")
        }
        if entitlements.rollover?.isValid == false {
            defects.append("tasks carried over must be 0 to 10^12, and at least no more than at most")
        }
        if !PlanRoom.isName(name) || name == "none" {
            defects.append("a plan needs a name of 1 to 64 bytes without control characters, other than `none`")
        }
        if let trialDays, !(1...3650).contains(trialDays) { defects.append("`trialDays` must be 1 to 3,650") }
        defects += price?.validate() ?? []
        if price != nil, conditions == nil { defects.append("a price needs conditions: tax, payment and ending") }
        defects += conditions?.validate() ?? []
        return defects.map { "plan `\(name.prefix(64))`: \($0)" }
    }
}

/// The plan that a status brings, and how the change to it goes. In JSON one that says no more than the plan is its name.
public struct StatusRule: Hashable, Sendable, Codable, ExpressibleByStringLiteral {
    /// The plan's name.
    public var plan: String
    /// When the change takes effect.
    public var timing: PlanChange.Timing
    /// Whether periods are counted anew.
    public var alignment: PlanChange.Alignment
    /// What becomes of the tasks that were used in the period.
    public var usage: PlanChange.Usage

    /// A rule; by default the change is immediate, and periods and what is used of them go on.
    public init(
        _ plan: String, timing: PlanChange.Timing = .immediately, alignment: PlanChange.Alignment = .keepsPeriods,
        usage: PlanChange.Usage = .kept
    ) {
        self.plan = plan
        self.timing = timing
        self.alignment = alignment
        self.usage = usage
    }

    /// A rule for a plan by its name.
    public init(stringLiteral plan: String) { self.init(plan) }

    private enum CodingKeys: String, CodingKey {
        case plan, timing, alignment, usage
    }

    /// Reads a rule, or the name of its plan.
    public init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            self.init(name)
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .plan),
            timing: try container.decodeIfPresent(PlanChange.Timing.self, forKey: .timing) ?? .immediately,
            alignment: try container.decodeIfPresent(PlanChange.Alignment.self, forKey: .alignment) ?? .keepsPeriods,
            usage: try container.decodeIfPresent(PlanChange.Usage.self, forKey: .usage) ?? .kept)
    }

    /// Writes the rule.
    public func encode(to encoder: any Encoder) throws {
        guard self != StatusRule(plan) else {
            var container = encoder.singleValueContainer()
            return try container.encode(plan)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(plan, forKey: .plan)
        try container.encode(timing, forKey: .timing)
        try container.encode(alignment, forKey: .alignment)
        try container.encode(usage, forKey: .usage)
    }

    var change: PlanChange { PlanChange(.plan(plan), timing: timing, alignment: alignment, usage: usage) }
}

/// The plans on offer and the plan that each status brings, as one immutable version.
public struct Catalogue: Hashable, Sendable, Codable {
    /// The version, from 1.
    public let version: Int
    /// The plans.
    public let plans: [Plan]
    /// The plan of each status; a status without one admits nothing new.
    public let statusRules: [Company.Status: StatusRule]
    /// How long before a price can take effect a company must have been told it, in days, 1 to 365 (clause S4.3).
    public let noticeDays: Int
    /// How long after that a company may still agree, in days, 1 to 365. Silence is no agreement.
    public let answerDays: Int

    /// A version of a catalogue; by default prices are told thirty days ahead, and may be agreed to for thirty more.
    public init(
        version: Int, plans: [Plan], statusRules: [Company.Status: StatusRule], noticeDays: Int = 30,
        answerDays: Int = 30
    ) {
        self.version = version
        self.plans = plans
        self.statusRules = statusRules
        self.noticeDays = noticeDays
        self.answerDays = answerDays
    }

    /// A company in proof of concept gets `trial` (1,000 tasks a month), a customer `bronze` (10,000); both cost
    /// nothing, and a former company gets no plan (clause S4.2).
    public static let reference = Catalogue(
        version: 1,
        plans: [Plan(name: "trial", tasksPerPeriod: 1000), Plan(name: "bronze", tasksPerPeriod: 10_000)],
        statusRules: [.proofOfConcept: "trial", .customer: "bronze"])

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        var defects: [String] = []
        if version < 1 { defects.append("version must be 1 or more") }
        if plans.count > 200 { defects.append("there may be 200 plans") }
        if Set(plans.map(\.name)).count < plans.count { defects.append("two plans have the same name") }
        defects += plans.flatMap { $0.validate() }
        if !(1...365).contains(noticeDays) { defects.append("`noticeDays` must be 1 to 365") }
        if !(1...365).contains(answerDays) { defects.append("`answerDays` must be 1 to 365") }
        if statusRules[.former] != nil { defects.append("a former company has no plan") }
        // As large as a record may be, with some room.
        let size = (try? Stored(self).recordBytes(schema: 1).count) ?? .max
        if size > 80_000 { defects.append("a catalogue may have 80,000 bytes as JSON, not \(size)") }
        for (status, rule) in statusRules where rule.alignment == .startsPeriods && rule.usage != .reset {
            defects.append("status `\(status.rawValue)`: a rule that starts periods must reset what is used")
        }
        for (status, rule) in statusRules where plan(rule.plan) == nil {
            defects.append("status `\(status.rawValue)` names plan `\(rule.plan)`, which the catalogue does not have")
        }
        return defects.sorted()
    }

    private enum CodingKeys: String, CodingKey {
        case version, plans, statusRules, noticeDays, answerDays
    }

    /// Reads a version; days that are left out are as by default. ``validate()`` says what is wrong with it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            version: try container.decode(Int.self, forKey: .version),
            plans: try container.decode([Plan].self, forKey: .plans),
            statusRules: try container.decode([Company.Status: StatusRule].self, forKey: .statusRules),
            noticeDays: try container.decodeIfPresent(Int.self, forKey: .noticeDays) ?? 30,
            answerDays: try container.decodeIfPresent(Int.self, forKey: .answerDays) ?? 30)
    }

    /// The plan of a name.
    public func plan(_ name: String) -> Plan? { plans.first { $0.name == name } }
}
