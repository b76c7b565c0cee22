// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a company can use in a period, where it comes from, and how much of each is used.
public struct TaskBalance: Hashable, Sendable, Codable {
    /// A part of it.
    public struct Part: Hashable, Sendable, Codable {
        /// Where tasks come from.
        public enum Origin: Hashable, Sendable, Codable {
            /// What plan and package have in each period.
            case plan
            /// What was left of that in the period before, as far as it is carried over.
            case carriedOver
            /// Tasks beyond the limit, which have a price.
            case overage
            /// A grant.
            case grant(Identifier<TaskGrant>)
        }

        /// Where they come from.
        public let origin: Origin
        /// Tasks that were there when the period, or its count, began, or when they were given.
        public let tasks: Int
        /// How many of them are used.
        public let used: Int
        /// From when they can be used.
        public let from: Timestamp
        /// The first instant at which they cannot be used any more; `nil` when they do not expire.
        public let expires: Timestamp?
        /// How many are left; what has expired is not.
        public let left: Int
    }

    /// The instant.
    public let at: Timestamp
    /// The period.
    public let period: Period
    /// The parts, in the order in which they are used.
    public let parts: [Part]
    /// What was used beyond all of them: reported later, or used before the limit was lowered.
    public let beyond: Int
    /// How many can still be used, besides what processes hold.
    public var left: Int { parts.reduce(0) { $0 + $1.left } }

    init(_ ledger: TaskLedger, _ period: Period, at instant: Timestamp) {
        at = instant
        self.period = period
        parts = ledger.sources.filter { $0.tasks > 0 || $0.kind == .plan }.map { source in
            Part(
                origin: Part.Origin(source.kind), tasks: Int(source.tasks), used: Int(source.used),
                from: source.from, expires: source.until, left: source.isThere(at: instant) ? Int(source.left) : 0)
        }
        beyond = Int(ledger.beyond)
    }
}

extension TaskBalance.Part.Origin {
    fileprivate init(_ kind: TaskLedger.Source.Kind) {
        self =
            switch kind {
            case .plan: .plan
            case .carried: .carriedOver
            case .overage: .overage
            case .grant(let id): .grant(id)
            }
    }
}
