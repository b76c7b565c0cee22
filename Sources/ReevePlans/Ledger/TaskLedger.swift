// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel

/// What can be used in a period, and how much of each part is: a fold over what was used, in the order in which it was.
///
/// A copy is a snapshot: to go on from it comes to the same as to begin anew.
package struct TaskLedger: Hashable, Sendable {
    /// Where tasks come from.
    package struct Source: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            /// What the plan and package have in each period.
            case plan
            /// What was left of that in the period before.
            case carried
            /// Tasks beyond those, which have a price.
            case overage
            case grant(Identifier<TaskGrant>)
        }
        package let kind: Kind
        package let priority: Int
        package let from: Timestamp
        /// `nil` when it does not expire.
        package let until: Timestamp?
        /// When it was to expire when it was given: what was used by that stays used, also when it ends before.
        package let expires: Timestamp?
        package let granted: Timestamp
        package fileprivate(set) var tasks: Int64
        package fileprivate(set) var used: Int64 = 0

        package init(
            _ kind: Kind, priority: Int = TaskGrant.usualPriority, from: Timestamp, until: Timestamp?,
            expires: Timestamp?? = nil, granted: Timestamp, tasks: Int64
        ) {
            self.kind = kind
            self.priority = priority
            self.from = from
            self.until = until
            self.expires = expires ?? until
            self.granted = granted
            self.tasks = max(0, tasks)
        }

        package var left: Int64 { tasks - used }

        package func isThere(at instant: Timestamp) -> Bool {
            from <= instant && until.map { instant < $0 } ?? true
        }

        /// Whether it is used before another.
        package func comesBefore(_ other: Source) -> Bool {
            guard (kind == .overage) == (other.kind == .overage) else { return other.kind == .overage }
            return (priority, expires ?? .end, granted) < (other.priority, other.expires ?? .end, other.granted)
        }
    }

    /// In the order in which they are used.
    package private(set) var sources: [Source]
    /// What was used when there was nothing; what is there later makes up for it first.
    package private(set) var beyond: Int64 = 0
    /// Until when it was told what was used.
    private var told = Timestamp(microseconds: .min)

    package init(_ sources: [Source]) {
        // Of those that are alike the one that was given first.
        self.sources = sources.enumerated().sorted { left, right in
            left.element.comesBefore(right.element)
                || !right.element.comesBefore(left.element) && left.offset < right.offset
        }.map(\.element)
    }

    /// Counts what was used at an instant, after all that was used before it. Complexity: O(sources).
    package mutating func use(_ tasks: Int64, at instant: Timestamp) {
        if beyond > 0 {
            for start in sources.map(\.from).filter({ $0 > told && $0 <= instant }).sorted() { take(0, at: start) }
        }
        told = max(told, instant)
        take(max(0, tasks), at: instant)
    }

    private mutating func take(_ tasks: Int64, at instant: Timestamp) {
        var open = beyond + tasks
        for index in sources.indices where sources[index].isThere(at: instant) {
            let taken = min(open, sources[index].left)
            sources[index].used += taken
            open -= taken
        }
        beyond = open
    }

    /// Begins the count of the plan's tasks anew at an instant, with so many of them used; of everything else there is what is left.
    package mutating func turn(plan: Int64, overage: Int64, used: Int64, at instant: Timestamp) {
        use(0, at: instant)
        for index in sources.indices {
            let left = sources[index].left
            sources[index].tasks =
                switch sources[index].kind {
                case .plan: plan
                case .overage: overage
                case .carried, .grant: left
                }
            sources[index].used = 0
        }
        beyond = 0
        let own = sources.firstIndex { $0.kind == .plan }
        let taken = own.map { min(max(0, used), sources[$0].left) } ?? 0
        if let own { sources[own].used = taken }
        use(used - taken, at: instant)
    }

    /// How many tasks can be used altogether, as it is at an instant: what is there, and what was used of what is there no more.
    package func limit(at instant: Timestamp) -> Int64 {
        let sum = sources.reduce(Int64(0)) { $0 + ($1.isThere(at: instant) ? $1.tasks : $1.used) }
        return min(sum, PlanRoom.maximumCount)
    }

    /// What there is at the beginning of the next period: what is left of grants, and of the plan's tasks as far as they are carried
    /// over.
    package func closing(
        at end: Timestamp, carrying rollover: Rollover?, _ grants: [TaskGrant]
    ) -> Opening {
        let own = sources.filter { $0.kind == .plan || $0.kind == .carried }.reduce(Int64(0)) { $0 + $1.left }
        var opening = Opening(carried: rollover?.applied(to: own) ?? 0)
        for source in sources {
            guard case .grant(let id) = source.kind, source.until.map({ $0 > end }) ?? true else { continue }
            let most = grants.first { $0.id == id }?.mostCarriedOver ?? .max
            opening.left.append(.init(grant: id, tasks: min(source.left, Int64(most))))
        }
        return opening
    }

    /// What there is at an instant from before it, besides the plan's own tasks.
    package struct Opening: Hashable, Sendable, Codable {
        /// What is left of a grant.
        package struct Left: Hashable, Sendable, Codable {
            package let grant: Identifier<TaskGrant>
            package let tasks: Int64
        }
        /// What was carried over of the plan's tasks.
        package fileprivate(set) var carried: Int64 = 0
        /// What is left of grants; of others it is all.
        package fileprivate(set) var left: [Left] = []

        package init(carried: Int64 = 0) {
            self.carried = carried
        }

        package func left(of grant: TaskGrant) -> Int64 {
            left.first { $0.grant == grant.id }?.tasks ?? Int64(grant.tasks)
        }

        var isValid: Bool {
            let counts = 0...PlanRoom.maximumCount
            return counts.contains(carried) && left.allSatisfy { counts.contains($0.tasks) }
        }
    }
}

extension Timestamp {
    /// Later than all others.
    fileprivate static let end = Timestamp(microseconds: .max)
}
