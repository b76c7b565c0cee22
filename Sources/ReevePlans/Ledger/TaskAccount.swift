// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// The grants of a company, and what there was of them when the last period began before which everything is settled.
///
/// Only companies have one that were given something or whose plan carries tasks over. What there is now is a fold over what was
/// used since (``TaskLedger``): what is kept here only spares reading periods that no longer change.
struct TaskAccount: Hashable, Codable, RecordCodable {
    private(set) var grants: [TaskGrant] = []
    /// The grants that were used up or had expired when a period was settled, the last ones: to give them again changes nothing.
    private(set) var past: [TaskGrant] = []
    /// The beginning of a period, and what there was then.
    private(set) var opened: Timestamp
    private(set) var opening = TaskLedger.Opening()
    /// The beginnings of periods after it in which something may have been used.
    private(set) var later: [Timestamp] = []
    /// What the plan had at the end of periods that are over and not settled: facts about the past are forgotten when there are many.
    private(set) var ends: [End] = []

    /// What the plan had at the end of a period.
    struct End: Hashable, Codable {
        let period: Timestamp
        let tasks: Int64
        let overage: Int64
        let rollover: Rollover?
    }

    /// As many grants are kept that can still be used, or count to a period that is not closed.
    static let maximumGrants = 32
    private static let maximumPast = 64

    init(opened: Timestamp) {
        self.opened = opened
    }

    var isValid: Bool {
        opening.isValid && grants.count <= Self.maximumGrants
            && grants.allSatisfy { grant in
                (1...PlanRoom.maximumCount).contains(Int64(grant.tasks)) && (0...100).contains(grant.priority)
                    && grant.mostCarriedOver.map(PlanRoom.isCount) ?? true
            }
    }

    /// The instants within a period at which something else can be used than before.
    func bounds(in period: Period) -> [Timestamp] {
        grants.flatMap { [$0.from, $0.end].compactMap(\.self) }.filter { $0 > period.start && $0 < period.end }
    }

    /// Whether something may have been used in a period.
    func mayHaveUse(in period: Period) -> Bool { period.start == opened || later.contains(period.start) }

    /// Notes that something may be used in a period.
    mutating func touch(_ period: Period) {
        guard period.start > opened, !later.contains(period.start) else { return }
        later = (later + [period.start]).sorted()
    }

    /// Begins with a later period: all before it is settled.
    mutating func advance(to start: Timestamp, _ opening: TaskLedger.Opening) {
        guard start > opened else { return }
        (opened, self.opening) = (start, opening)
        later.removeAll { $0 <= start }
        ends.removeAll { $0.period < start }
        func isOver(_ grant: TaskGrant) -> Bool {
            opening.left(of: grant) == 0 && grant.from < start || grant.end.map { $0 <= start } ?? false
        }
        past = (past + grants.filter(isOver)).suffix(Self.maximumPast)
        grants.removeAll(where: isOver)
    }

    /// The grant of an id, also when it is over.
    func grant(_ id: Identifier<TaskGrant>) -> TaskGrant? { (grants + past).first { $0.id == id } }

    /// Notes what the plan had at the end of a period, once.
    mutating func note(_ end: End) {
        if !ends.contains(where: { $0.period == end.period }) { ends.append(end) }
    }

    mutating func add(_ grant: TaskGrant) throws(PlanError) {
        guard grants.count < Self.maximumGrants else { throw PlanError(.tooManyGrants) }
        grants.append(grant)
    }

    /// Ends all grants.
    mutating func endAll(at instant: Timestamp) {
        for index in grants.indices {
            grants[index].ended = min(grants[index].ended ?? instant, instant)
        }
    }

    /// Ends a grant; what was used of it stays used.
    mutating func end(_ id: Identifier<TaskGrant>, at instant: Timestamp) throws(PlanError) {
        guard let index = grants.firstIndex(where: { $0.id == id }) else { throw PlanError(.unknownGrant) }
        grants[index].ended = min(grants[index].ended ?? instant, instant)
    }
}
