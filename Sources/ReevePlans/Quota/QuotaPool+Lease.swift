// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
import ReeveStorage

extension QuotaPool {
    /// A part of the limit that a holder may spend by itself.
    package struct Lease: Hashable, Sendable {
        /// Chosen by the holder, a new one for each lease: asking again with it changes nothing.
        package let id: Identifier<QuotaLeaseRecord>
        /// The process or the job that may spend it.
        package let holder: String
        /// Tasks.
        package let amount: Int64
        /// When it is counted as used, by the clock of who looks.
        package let ends: Timestamp
        /// When it was given, by the clock of its holder: what is used of it counts to then.
        package let given: Timestamp
        /// How often holders had been asked to give back what they have when it was given.
        package let recalls: Int64
        /// The sublimits that it counts against.
        package internal(set) var sublimits: [SublimitJobs] = []

        package init(
            id: Identifier<QuotaLeaseRecord>, holder: String, amount: Int64, ends: Timestamp, given: Timestamp,
            recalls: Int64
        ) {
            self.id = id
            self.holder = holder
            self.amount = amount
            self.ends = ends
            self.given = given
            self.recalls = recalls
        }

        /// One that its holder may still state something about, and that nobody spends.
        init(closing lease: Lease, at given: Timestamp) {
            self.init(
                id: lease.id, holder: "", amount: lease.amount, ends: Timestamp(microseconds: 0), given: given,
                recalls: 0)
            sublimits = lease.sublimits
        }
    }

    /// Tasks that came back.
    package struct Returned: Hashable, Sendable {
        let tasks: Int64
        let taken: Timestamp
    }

    /// What a statement came to.
    package enum Statement: Hashable, Sendable {
        /// The lease is closed, and so much came back.
        case settled(returned: Int64)
        /// The lease had been counted as used, and so much came back.
        case refunded(Int64)
        /// There is no such lease any more: nothing changes.
        case known
    }

    /// Tasks that were used from an instant on, until the next of these or the end of the day in UTC.
    package struct Use: Hashable, Sendable {
        package let from: Timestamp
        package var used: Int64
    }

    /// A change that counts anew what was used, and what it made of it.
    package struct Turn: Hashable, Sendable {
        package let at: Timestamp
        let usage: PlanChange.Usage
        /// What counted before it.
        var before: Int64
        /// The limit before it, and after it.
        let limit: Int64
        let new: Int64
        /// What of the limit before it was the plan's, and what of that has a price.
        let tasks: Int64
        let overage: Int64

        /// What counts after it of what counted before it.
        var after: Int64 {
            switch usage {
            case .kept: return before
            case .reset: return 0
            case .scaled:
                guard limit > 0 else { return max(0, before) }
                let used = Int128(min(max(0, before), limit)) * Int128(new)
                return Int64((used + Int128(limit) - 1) / Int128(limit))
            }
        }

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("at", at)
                writer.field("before", before)
                writer.field("limit", limit)
                writer.field("new", new)
                writer.field("overage", overage)
                writer.field("tasks", tasks)
                writer.field("usage", usage.rawValue)
            }
        }

        init(
            at: Timestamp, usage: PlanChange.Usage, before: Int64, limit: Int64, new: Int64, tasks: Int64,
            overage: Int64
        ) {
            (self.at, self.usage, self.before, self.limit, self.new) = (at, usage, before, limit, new)
            (self.tasks, self.overage) = (tasks, overage)
        }

        init(from reader: inout JSONReader) throws(JSONError) {
            self = try reader.object { (reader) throws(JSONError) in
                let at = try reader.text("at", as: Timestamp.self)
                let before = try reader.integer("before")
                guard before.magnitude <= UInt64(4 * PlanRoom.maximumCount) else { throw reader.unexpected() }
                let limit = try reader.count("limit", upTo: PlanRoom.maximumCount)
                let new = try reader.count("new", upTo: PlanRoom.maximumCount)
                let overage = try reader.count("overage", upTo: PlanRoom.maximumCount)
                let tasks = try reader.count("tasks", upTo: PlanRoom.maximumCount)
                return Turn(
                    at: at, usage: try reader.choice("usage", as: PlanChange.Usage.self), before: before, limit: limit,
                    new: new, tasks: tasks, overage: overage)
            }
        }
    }

    /// The instant of the last change that counts anew and was applied here.
    package var turn: Timestamp? { turns.last?.at }

    /// The last change that counts anew until an instant.
    func turn(before instant: Timestamp) -> Timestamp? { turns.last { $0.at <= instant }?.at }

    /// When what is used at an instant begins to be told from what was used before.
    func bucket(of instant: Timestamp) -> Timestamp {
        let day = Timestamp(microseconds: Int64(instant.day.daysSince1970) * 86_400_000_000)
        return bounds.last { $0 <= instant }.map { max(day, $0) } ?? day
    }

    /// What was used when, with what is held, in its order. What came back beyond what was used counts less on what was used before, and
    /// what is left of that on what was used later.
    func net() -> [Use] {
        var uses = Dictionary(uniqueKeysWithValues: self.uses.map { ($0.from, $0.used) })
        for lease in leases {
            uses[bucket(of: max(lease.given, turn ?? lease.given)), default: 0] += lease.amount
        }
        var net = uses.map { Use(from: $0.key, used: $0.value) }.sorted { $0.from < $1.from }
        // What counted before a change that counts anew is another count.
        var start = 0
        for turn in turns.map(\.at) {
            let end = net.firstIndex { $0.from >= turn } ?? net.count
            Self.level(&net[start..<end])
            start = end
        }
        Self.level(&net[start...])
        return net
    }

    private static func level(_ uses: inout ArraySlice<Use>) {
        var back: Int64 = 0
        for index in Array(uses.indices.reversed()) + Array(uses.indices) {
            let used = uses[index].used + back
            back = min(0, used)
            uses[index].used = max(0, used)
        }
    }

    /// Notes whether the company has a pace.
    mutating func pace(_ isPaced: Bool) { self.isPaced = isPaced }

    /// What came back, once.
    mutating func takeReturned() -> [Returned] {
        defer { returned = [] }
        return returned
    }

    /// Whether its record has no room for further leases: at most as many bytes as this comes to.
    var isLarge: Bool {
        // The name of a sublimit is an identifier and an environment.
        let open = leases.reduce(0) { $0 + 190 + $1.holder.utf8.count + 48 * $1.sublimits.count }
        let closed = (overdue + direct).reduce(0) { $0 + 120 + 48 * $1.sublimits.count }
        let rest = 60 * uses.count + 32 * bounds.count + 240 * turns.count + 200 * sublimits.count
        return open + closed + rest > Self.mostBytes
    }

    /// Whether something of a lease may still come back.
    func knows(_ id: Identifier<QuotaLeaseRecord>) -> Bool {
        [leases, overdue].contains { $0.contains { $0.id == id } }
    }

    /// Whether a lease was asked back since it was given.
    package func isRecalled(_ lease: Lease) -> Bool { lease.recalls < recalls }

    /// What nobody holds and nobody used; never less than 0, also when the limit was lowered below what is out.
    package var free: Int64 { max(0, limit - settled - held) }
    /// What holders may still spend.
    package var held: Int64 { leases.reduce(0) { $0 + $1.amount } }
    /// What counts as used unseen.
    package var unseen: Int64 { overdue.reduce(0) { $0 + $1.amount } }

    static func counted(_ tasks: Int64) -> Int64 {
        min(max(tasks, -3 * PlanRoom.maximumCount), 3 * PlanRoom.maximumCount)
    }

    /// When what is told of a lease counts.
    func counted(_ lease: Lease) -> Timestamp { max(lease.given, turn ?? lease.given) }
}
