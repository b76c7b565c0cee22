// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// How far a piece of background work has come.
public struct Progress: Hashable, Sendable, Codable {
    /// Units done.
    public var completed: Int
    /// Units in all; `nil` while that is not known.
    public var total: Int?
    /// Units that could not be done and will be tried again.
    public var failed: Int

    /// Progress with counts of zero or more.
    public init(completed: Int = 0, total: Int? = nil, failed: Int = 0) {
        self.completed = completed
        self.total = total
        self.failed = failed
    }

    /// The done part between 0 and 1; `nil` while the total is not known.
    public var fraction: Double? {
        guard let total else { return nil }
        return total <= 0 ? 1 : min(1, Double(completed) / Double(total))
    }
}
