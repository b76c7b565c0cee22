// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Tasks that a company was given once, beside those that its plan has in each period.
///
/// They cost nothing, and are there until they are used or expire, also over several periods. What is used is taken from what has the
/// lowest priority, of those from what expires first, and of those from the oldest; the plan's own tasks have priority 50
/// and expire with their period. Tasks beyond the limit that have a price come last.
public struct TaskGrant: Hashable, Sendable, Codable {
    /// The priority of what a plan has, and of a grant for which nothing else is said.
    public static let usualPriority = 50

    /// Names the grant; to give it again under this id changes nothing.
    public let id: Identifier<TaskGrant>
    /// Tasks, 1 to 10^12.
    public let tasks: Int
    /// 0 to 100; what has a lower one is used first.
    public let priority: Int
    /// From when it can be used.
    public let from: Timestamp
    /// The first instant at which it cannot be used any more; `nil` when it does not expire.
    public let expires: Timestamp?
    /// At most so many are left of it in the next period, 0 to 10^12; `nil` for all.
    public let mostCarriedOver: Int?
    /// When it was given.
    public let granted: Timestamp
    /// When it was revoked, or all that the company had ended; `nil` when that has not happened. The order in which tasks are used goes by
    /// when it would have expired.
    public internal(set) var ended: Timestamp?

    /// The first instant at which it cannot be used any more.
    var end: Timestamp? { [expires, ended].compactMap(\.self).min() }

    /// What an entry says of it.
    var details: [String: String] {
        var details = [
            "grant": id.description, "tasks": String(tasks), "priority": String(priority), "from": from.description,
        ]
        details["expires"] = expires?.description
        details["mostCarriedOver"] = mostCarriedOver.map(String.init)
        return details
    }
}

extension TaskGrant: IdentifiedEntity {
    /// `tgr`
    public static var identifierPrefix: String { "tgr" }
}

/// How many of the tasks that are left at the end of a period are there in the next one.
public struct Rollover: Hashable, Sendable, Codable {
    /// At least so many, also when fewer are left; 0 to 10^12.
    public let least: Int
    /// At most so many, `least` to 10^12.
    public let most: Int

    /// As many as are left, but no more than `most`, and no fewer than `least`.
    public init(least: Int = 0, most: Int) {
        self.least = least
        self.most = most
    }

    var isValid: Bool { PlanRoom.isCount(least) && PlanRoom.isCount(most) && least <= most }

    func applied(to left: Int64) -> Int64 { min(Int64(most), max(Int64(least), left)) }
}
