// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a company may use under its plan.
public struct Entitlements: Hashable, Sendable, Codable {
    /// Tasks in one period; 0 to 10^12.
    public var tasksPerPeriod: Int
    /// What is switched on, by names of the host's, for example `version-history`.
    public var features: Set<String>
    /// Where jobs may run.
    public var environments: Set<Environment>
    /// Which classes of connectors may be used, by names of the host's, for example `enterprise`; `nil` for all.
    public var connectorClasses: Set<String>?
    /// How long job data is kept, in days, 1 to 36,500; `nil` where the plan says nothing about it.
    public var retentionDays: Int?
    /// How many of the tasks that are left at the end of a period can be used in the next one; `nil` for none.
    public var rollover: Rollover?
    /// How fast the tasks may be used; `nil` where it does not matter.
    public var pace: Pace?
    /// Limits within that of all tasks, at most 32. What is used counts against one from when it is there; in a plan none is for a
    /// workspace.
    public var sublimits: [Sublimit]

    /// Entitlements; by default every environment and every class of connectors, no features, nothing carried over, at any pace,
    /// no sublimits.
    public init(
        tasksPerPeriod: Int, features: Set<String> = [], environments: Set<Environment> = Set(Environment.allCases),
        connectorClasses: Set<String>? = nil, retentionDays: Int? = nil, rollover: Rollover? = nil, pace: Pace? = nil,
        sublimits: [Sublimit] = []
    ) {
        self.sublimits = sublimits
        self.rollover = rollover
        self.pace = pace
        self.tasksPerPeriod = tasksPerPeriod
        self.features = features
        self.environments = environments
        self.connectorClasses = connectorClasses
        self.retentionDays = retentionDays
    }

    /// Whether a feature is switched on.
    public func includes(feature: String) -> Bool { features.contains(feature) }
    /// Whether connectors of a class may be used.
    public func includes(connectorClass: String) -> Bool { connectorClasses?.contains(connectorClass) ?? true }

    /// Reads entitlements; what is left out is as by default.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            tasksPerPeriod: try container.decode(Int.self, forKey: .tasksPerPeriod),
            features: try container.decodeIfPresent(Set<String>.self, forKey: .features) ?? [],
            environments: try container.decodeIfPresent(Set<Environment>.self, forKey: .environments)
                ?? Set(Environment.allCases),
            connectorClasses: try container.decodeIfPresent(Set<String>.self, forKey: .connectorClasses),
            retentionDays: try container.decodeIfPresent(Int.self, forKey: .retentionDays),
            rollover: try container.decodeIfPresent(Rollover.self, forKey: .rollover),
            pace: try container.decodeIfPresent(Pace.self, forKey: .pace),
            sublimits: try container.decodeIfPresent([Sublimit].self, forKey: .sublimits) ?? [])
    }

    private enum CodingKeys: String, CodingKey {
        case tasksPerPeriod, features, environments, connectorClasses, retentionDays, rollover, pace
        case sublimits
    }

    /// Writes the entitlements, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tasksPerPeriod, forKey: .tasksPerPeriod)
        if !features.isEmpty { try container.encode(features.sorted(), forKey: .features) }
        try container.encode(environments.sorted(), forKey: .environments)
        try container.encodeIfPresent(connectorClasses?.sorted(), forKey: .connectorClasses)
        try container.encodeIfPresent(retentionDays, forKey: .retentionDays)
        try container.encodeIfPresent(rollover, forKey: .rollover)
        try container.encodeIfPresent(pace, forKey: .pace)
        if !sublimits.isEmpty { try container.encode(sublimits, forKey: .sublimits) }
    }
}

/// What a company has in place of its plan's, or beyond it: its customised package (clause S4.1). What it says nothing about
/// is as the plan has it.
public struct Package: Hashable, Sendable, Codable {
    /// Tasks in one period in place of the plan's; 0 to 10^12.
    public var tasksPerPeriod: Int?
    /// Tasks in one period beyond those; 0 to 10^12.
    public var addedTasks: Int
    /// Features beyond the plan's.
    public var addedFeatures: Set<String>
    /// The plan's features that it does not have.
    public var removedFeatures: Set<String>
    /// Where jobs may run, in place of the plan's.
    public var environments: Set<Environment>?
    /// Which classes of connectors may be used, in place of the plan's.
    public var connectorClasses: Set<String>?
    /// How long job data is kept, in days, in place of the plan's; 1 to 36,500.
    public var retentionDays: Int?
    /// How fast the tasks may be used, in place of the plan's pace.
    public var pace: Pace?
    /// Limits within that of all tasks, in place of the plan's; at most 32.
    public var sublimits: [Sublimit]?
    /// What it costs, in place of the plan's price.
    public var price: Price?

    /// A package; by default all is as the plan has it.
    public init(
        tasksPerPeriod: Int? = nil, addedTasks: Int = 0, addedFeatures: Set<String> = [],
        removedFeatures: Set<String> = [], environments: Set<Environment>? = nil,
        connectorClasses: Set<String>? = nil, retentionDays: Int? = nil, pace: Pace? = nil,
        sublimits: [Sublimit]? = nil, price: Price? = nil
    ) {
        self.sublimits = sublimits
        self.pace = pace
        self.tasksPerPeriod = tasksPerPeriod
        self.addedTasks = addedTasks
        self.addedFeatures = addedFeatures
        self.removedFeatures = removedFeatures
        self.environments = environments
        self.connectorClasses = connectorClasses
        self.retentionDays = retentionDays
        self.price = price
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        PlanRoom.defects(tasks: tasksPerPeriod ?? 0, addedTasks, retentionDays)
            + PlanRoom.defects(names: addedFeatures, removedFeatures, connectorClasses ?? [])
            + PlanRoom.defects(pace) + Sublimits.defects(sublimits ?? []) + (price?.validate() ?? [])
    }

    /// What a plan's entitlements are with this package.
    public func applied(to plan: Entitlements) -> Entitlements {
        Entitlements(
            tasksPerPeriod: min(
                (tasksPerPeriod ?? plan.tasksPerPeriod).saturatingAdd(addedTasks), Int(PlanRoom.maximumCount)),
            features: plan.features.union(addedFeatures).subtracting(removedFeatures),
            environments: environments ?? plan.environments,
            connectorClasses: connectorClasses ?? plan.connectorClasses,
            retentionDays: retentionDays ?? plan.retentionDays, rollover: plan.rollover, pace: pace ?? plan.pace,
            sublimits: sublimits ?? plan.sublimits)
    }

    private enum CodingKeys: String, CodingKey {
        case tasksPerPeriod, addedTasks, addedFeatures, removedFeatures, environments, connectorClasses, retentionDays
        case pace, sublimits, price
    }

    /// Reads a package; what is left out is as the plan has it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            tasksPerPeriod: try container.decodeIfPresent(Int.self, forKey: .tasksPerPeriod),
            addedTasks: try container.decodeIfPresent(Int.self, forKey: .addedTasks) ?? 0,
            addedFeatures: try container.decodeIfPresent(Set<String>.self, forKey: .addedFeatures) ?? [],
            removedFeatures: try container.decodeIfPresent(Set<String>.self, forKey: .removedFeatures) ?? [],
            environments: try container.decodeIfPresent(Set<Environment>.self, forKey: .environments),
            connectorClasses: try container.decodeIfPresent(Set<String>.self, forKey: .connectorClasses),
            retentionDays: try container.decodeIfPresent(Int.self, forKey: .retentionDays),
            pace: try container.decodeIfPresent(Pace.self, forKey: .pace),
            sublimits: try container.decodeIfPresent([Sublimit].self, forKey: .sublimits),
            price: try container.decodeIfPresent(Price.self, forKey: .price))
    }

    /// Writes the package, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(tasksPerPeriod, forKey: .tasksPerPeriod)
        if addedTasks != 0 { try container.encode(addedTasks, forKey: .addedTasks) }
        if !addedFeatures.isEmpty { try container.encode(addedFeatures.sorted(), forKey: .addedFeatures) }
        if !removedFeatures.isEmpty { try container.encode(removedFeatures.sorted(), forKey: .removedFeatures) }
        try container.encodeIfPresent(environments?.sorted(), forKey: .environments)
        try container.encodeIfPresent(connectorClasses?.sorted(), forKey: .connectorClasses)
        try container.encodeIfPresent(retentionDays, forKey: .retentionDays)
        try container.encodeIfPresent(pace, forKey: .pace)
        try container.encodeIfPresent(sublimits, forKey: .sublimits)
        try container.encodeIfPresent(price, forKey: .price)
    }
}

/// What numbers and names of plans may be.
enum PlanRoom {
    static let maximumCount: Int64 = 1_000_000_000_000
    /// As many names in a set, each with as many bytes.
    static let (maximumNames, maximumNameBytes) = (64, 64)

    /// Names stand in texts that people read: they have no line ends or other control characters.
    static func isName(_ name: String) -> Bool {
        (1...maximumNameBytes).contains(name.utf8.count) && !hasControls(name)
    }

    static func hasControls(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    static func clamped(_ value: Int) -> Int { min(max(0, value), Int(maximumCount)) }

    static func isCount(_ value: Int) -> Bool { (0...maximumCount).contains(Int64(value)) }

    static func defects(_ pace: Pace?) -> [String] {
        pace?.isValid ?? true ? [] : ["a pace is 1 to 10^12 tasks in 1 to 86,400 seconds, and 1 to 10^12 at once"]
    }

    static func defects(tasks: Int, _ added: Int, _ retentionDays: Int?) -> [String] {
        var defects: [String] = []
        if !isCount(tasks) || !isCount(added) { defects.append("counts of tasks must be 0 to 10^12") }
        if let retentionDays, !(1...36_500).contains(retentionDays) {
            defects.append("`retentionDays` must be 1 to 36,500")
        }
        return defects
    }

    static func defects(names sets: Set<String>...) -> [String] {
        let isRight = sets.allSatisfy { names in
            names.count <= maximumNames && names.allSatisfy(isName)
        }
        return isRight
            ? [] : ["there may be 64 features or classes, with names of 1 to 64 bytes without control characters"]
    }
}

extension Int {
    func saturatingAdd(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
