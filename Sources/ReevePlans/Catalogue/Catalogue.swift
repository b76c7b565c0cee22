// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A plan: what a company may use in one period. Plans have no price here; nothing in Reeve charges anyone.
public struct Plan: Hashable, Sendable, Codable {
    /// The plan's name, for example `trial`.
    public let name: String
    /// Tasks in one monthly period; 0 to 10^12.
    public let tasksPerPeriod: Int

    /// A plan with a limit.
    public init(name: String, tasksPerPeriod: Int) {
        self.name = name
        self.tasksPerPeriod = tasksPerPeriod
    }
}

/// The plans on offer and the plan that each status brings, as one immutable version.
public struct Catalogue: Hashable, Sendable, Codable {
    /// The version, from 1.
    public let version: Int
    /// The plans.
    public let plans: [Plan]
    /// The plan of each status; a status without one admits nothing new.
    public let statusRules: [Company.Status: String]

    /// A version of a catalogue.
    public init(version: Int, plans: [Plan], statusRules: [Company.Status: String]) {
        self.version = version
        self.plans = plans
        self.statusRules = statusRules
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
        if Set(plans.map(\.name)).count < plans.count { defects.append("two plans have the same name") }
        for plan in plans where !(0...PlanRoom.maximumCount).contains(Int64(plan.tasksPerPeriod)) || plan.name.isEmpty {
            defects.append("plan `\(plan.name)` needs a name and a limit of 0 to 10^12 tasks")
        }
        for (status, name) in statusRules where plan(name) == nil {
            defects.append("status `\(status.rawValue)` names plan `\(name)`, which the catalogue does not have")
        }
        return defects.sorted()
    }

    /// The plan of a name.
    public func plan(_ name: String) -> Plan? { plans.first { $0.name == name } }
}

enum PlanRoom {
    static let maximumCount: Int64 = 1_000_000_000_000
}
