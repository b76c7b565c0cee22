// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
import ReeveStorage

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
        package let granted: Timestamp
        package let tasks: Int64
        package fileprivate(set) var used: Int64 = 0

        package init(
            _ kind: Kind, priority: Int = TaskGrant.usualPriority, from: Timestamp, until: Timestamp?,
            granted: Timestamp, tasks: Int64
        ) {
            self.kind = kind
            self.priority = priority
            self.from = from
            self.until = until
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
            return (priority, until ?? .end, granted) < (other.priority, other.until ?? .end, other.granted)
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

    /// Counts what was used of the plan's own tasks, and only beyond those of others.
    package mutating func usePlan(_ tasks: Int64, at instant: Timestamp) {
        guard let index = sources.firstIndex(where: { $0.kind == .plan }) else { return use(tasks, at: instant) }
        let taken = min(max(0, tasks), sources[index].left)
        sources[index].used += taken
        use(tasks - taken, at: instant)
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
            let rollover = grants.first { $0.id == id }?.rollover
            opening.left.append(.init(grant: id, tasks: rollover?.applied(to: source.left) ?? source.left))
        }
        return opening
    }

    /// What was used of what is not granted, also beyond it, and how much of that there is.
    package var own: (used: Int64, tasks: Int64) {
        sources.reduce((beyond, 0)) { sum, source in
            if case .grant = source.kind { sum } else { (sum.0 + source.used, sum.1 + source.tasks) }
        }
    }

    /// What there is of everything but the plan's tasks, where their count begins anew.
    package func opening() -> Opening {
        var opening = Opening(carried: 0)
        for source in sources {
            switch source.kind {
            case .carried: opening.carried = source.left
            case .grant(let id): opening.left.append(.init(grant: id, tasks: source.left))
            case .plan, .overage: continue
            }
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

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("carried", carried)
                writer.name("left")
                writer.list(left) { writer, left in
                    writer.object { writer in
                        writer.field("grant", left.grant)
                        writer.field("tasks", left.tasks)
                    }
                }
            }
        }

        init(from reader: inout JSONReader) throws(JSONError) {
            self = try reader.object { (reader) throws(JSONError) in
                var opening = Opening(carried: try reader.count("carried", upTo: PlanRoom.maximumCount))
                try reader.name("left")
                opening.left = try reader.list { (reader) throws(JSONError) in
                    try reader.object { (reader) throws(JSONError) in
                        let grant = try reader.text("grant", as: Identifier<TaskGrant>.self)
                        return Left(grant: grant, tasks: try reader.count("tasks", upTo: PlanRoom.maximumCount))
                    }
                }
                return opening
            }
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
