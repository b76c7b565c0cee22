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
    /// The beginning of a period, and what there was then.
    private(set) var opened: Timestamp
    private(set) var opening = TaskLedger.Opening()
    /// The beginnings of periods after it in which something may have been used.
    private(set) var later: [Timestamp] = []

    static let table = Table<TaskAccount>("plans.account")
    /// As many grants are kept that can still be used, or count to a period that is not closed.
    static let maximumGrants = 32

    init(opened: Timestamp) {
        self.opened = opened
    }

    var isValid: Bool {
        opening.isValid && grants.count <= Self.maximumGrants
            && grants.allSatisfy { grant in
                (1...PlanRoom.maximumCount).contains(Int64(grant.tasks)) && (0...100).contains(grant.priority)
                    && grant.rollover?.isValid ?? true
            }
    }

    /// The instants within a period at which something else can be used than before.
    func bounds(in period: Period) -> [Timestamp] {
        grants.flatMap { [$0.from, $0.expires].compactMap(\.self) }.filter { $0 > period.start && $0 < period.end }
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
        grants.removeAll { grant in
            let isUsedUp = opening.left(of: grant) == 0 && grant.rollover?.least ?? 0 == 0 && grant.from < start
            return isUsedUp || grant.expires.map { $0 <= start } ?? false
        }
    }

    mutating func add(_ grant: TaskGrant) throws(PlanError) {
        guard grants.count < Self.maximumGrants else { throw PlanError(.tooManyGrants) }
        grants.append(grant)
    }

    /// Ends all grants that were given until an instant, at that instant.
    mutating func endAll(grantedUntil instant: Timestamp) {
        for index in grants.indices where grants[index].granted <= instant {
            grants[index].expires = min(grants[index].expires ?? instant, instant)
        }
    }

    /// Ends a grant; what was used of it stays used.
    mutating func end(_ id: Identifier<TaskGrant>, at instant: Timestamp) throws(PlanError) {
        guard let index = grants.firstIndex(where: { $0.id == id }) else { throw PlanError(.unknownGrant) }
        grants[index].expires = min(grants[index].expires ?? instant, instant)
    }
}
