// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// Why a plan was not changed or a job not admitted.
public struct PlanError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The period's tasks are used up; ``PlanError/retryAt`` says when the next period begins.
        case limitReached
        /// The company has no plan: tell Reeve its status first.
        case noPlan
        /// The company is a former one: nothing new is admitted.
        case companyInactive
        /// The catalogue has no such plan.
        case unknownPlan
        /// There is no such time zone in the IANA database that this system has, and no other one is used in its place.
        case unknownZone
        /// A period must be 1 to 120 months long, and begin at a time of day.
        case invalidPeriod
        /// A count of tasks must be 1 or more, and a limit 0 or more, and at most 10^12.
        case invalidCount
        /// The task was cancelled while it waited for tasks that others hold; nothing was taken.
        case cancelled
        /// The permit was not taken; ``PlanError/access`` says why.
        case refused
        /// The store failed; ``PlanError/store`` says how.
        case storeFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// When the same call can succeed.
    public let retryAt: Timestamp?
    /// Why the permit was not taken.
    public let access: AccessError?
    /// How the store failed.
    public let store: StoreError?

    /// An error with a code, and when the same call can succeed.
    public init(_ code: Code, retryAt: Timestamp? = nil) {
        self.code = code
        self.retryAt = retryAt
        access = nil
        store = nil
    }

    init(_ error: AccessError) {
        code = .refused
        retryAt = nil
        access = error
        store = nil
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension PlanError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) {
        code = .storeFailed
        retryAt = nil
        access = nil
        store = error
    }
}

extension PlanError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        switch code {
        case .limitReached:
            "the plan's tasks are used up; more are there at \(retryAt.map(String.init(describing:)) ?? "the next period")"
        case .noPlan: "the company has no plan; record its status first"
        case .companyInactive: "the company is a former customer; running jobs finish, new ones are not admitted"
        case .unknownPlan: "the catalogue has no such plan; the status rules must name plans of the catalogue"
        case .unknownZone:
            "this system knows no time zone of that name; use one of the IANA database, such as `Europe/Berlin`"
        case .invalidPeriod: "a period is 1 to 120 months long and begins at a second of the day, 0 to 86,399"
        case .invalidCount: "task counts are 1 to 10^12, and limits 0 to 10^12"
        case .cancelled: "the call was cancelled while it waited; nothing was taken"
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        }
    }
}
