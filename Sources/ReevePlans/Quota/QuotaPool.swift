// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel

/// A limit for one period, what of it is used, and who holds how much of the rest.
///
/// The rules that keep it exact: what a holder may spend was taken from the pool before (escrow, P. O'Neil 1986), and comes back
/// only by one statement of a holder that has stopped spending. A lease whose time is over is counted as used altogether,
/// since nobody knows what its holder spent; a late statement gives back the rest, once. So what is spent never exceeds the
/// limit, whatever is lost, repeated, late or out of order, and whatever clocks say.
///
/// A value without a clock: the caller applies each operation to what the store has, in one commit that expects it unchanged.
package struct QuotaPool: Hashable, Sendable {
    /// Tasks in the period.
    package internal(set) var limit: Int64
    /// When what is in force was set last, by the clock of who did: what was before is over, whatever another clock says.
    package internal(set) var limitSet: Timestamp?
    /// How often the limit was another one.
    package internal(set) var version: Int64 = 0
    /// The highest part of this version of the limit, in hundredths, whose use was announced.
    package internal(set) var announced: Int64 = 0
    /// The latest instant at which something was taken or counted, by whatever clock said so.
    package internal(set) var latest: Timestamp?
    /// What was used when, the latest last; also what counts no longer.
    package internal(set) var uses: [Use] = []
    /// Instants at which other tasks can be used than before: what is used before and after is told apart.
    package internal(set) var bounds: [Timestamp] = []
    /// Tasks that are used: stated by holders, or of leases whose time was over, less what jobs gave back. Less than 0 as long as
    /// something was given back whose holder has not said yet that it was used: what it holds counts that much too much.
    package internal(set) var settled: Int64 = 0
    /// What holders may spend.
    package internal(set) var leases: [Lease] = []
    /// What was counted as used unseen, and may still be stated, the latest last.
    package internal(set) var overdue: [Lease] = []
    /// What was used at once, the latest last.
    package internal(set) var direct: [Lease] = []
    /// The changes that count anew and were applied here, the last one last.
    package internal(set) var turns: [Turn] = []
    /// What of the limit comes from elsewhere than the plan.
    package internal(set) var granted: Int64 = 0
    /// Whether the company has a pace, so that what comes back counts for it.
    package internal(set) var isPaced = false
    /// What came back since the pool was read, and when it was taken: for the pace.
    package internal(set) var returned: [Returned] = []
    /// Limits within this one, and what is used of them.
    package internal(set) var sublimits: [SublimitUse] = []
    /// How often holders were asked to give back what they have.
    package internal(set) var recalls: Int64 = 0

    /// At most so many leases are open at once.
    package static let maximumLeases = 256
    /// Of so many that were counted as used unseen a statement is still taken.
    package static let maximumOverdue = 128
    /// Of so many that were used at once a statement is still taken.
    package static let maximumDirect = 64
    /// As many days are told apart, besides what bounds tell apart; what was used before them counts to the first.
    package static let maximumDays = 70
    /// As many bounds are kept, the earliest.
    package static let maximumBounds = 100
    /// Of as many changes that count anew it is known what was used before them.
    package static let maximumTurns = 24
    /// Of the 90,000 that a record may have: what is used at once is kept as well.
    static let mostBytes = 75_000
    static let maximumUsed = 1000 * PlanRoom.maximumCount
    /// A holder is given this part of what is left, divided by the number of holders.
    package static let share: Int64 = 2

    package init(limit: Int64) {
        self.limit = min(max(0, limit), PlanRoom.maximumCount)
    }

    /// Gives a holder a part of what is left: half of it divided by the number of holders, so that early leases are large and
    /// the last ones single tasks, at least `need` and at most `most`, and `conforming` where not all may be used at once. `nil`, and no
    /// change, when `need` is not there, or does not fit in one of the `sublimits`.
    ///
    /// With the id of a lease that is open it is that lease again, whatever is asked.
    package mutating func acquire(
        _ id: Identifier<QuotaLeaseRecord>, for holder: String, need: Int64 = 1, most: Int64 = .max,
        at given: Timestamp = Timestamp(microseconds: 0), until ends: Timestamp, atOnce conforming: Int64? = nil,
        within sublimits: [SublimitJobs] = []
    ) -> Lease? {
        if let open = leases.first(where: { $0.id == id }) { return open }
        var (free, most) = (free(within: sublimits), most)
        guard need >= 1, need <= free else { return nil }
        if let conforming {
            guard need <= conforming else { return nil }
            (free, most) = (min(free, conforming), min(most, conforming))
        }
        let parts = Self.share * Int64(Set(leases.lazy.map(\.holder)).union([holder]).count)
        // Where there is no room for another holder, nobody gets more than is used at once.
        let hasRoom = leases.count < Self.maximumLeases && !isLarge
        let amount = hasRoom ? min(max((free + parts - 1) / parts, need), max(most, need), free) : need
        var lease = Lease(id: id, holder: holder, amount: amount, ends: ends, given: given, recalls: recalls)
        lease.sublimits = sublimits
        leases.append(lease)
        note(given)
        return lease
    }

    private mutating func giveBack(_ tasks: Int64, taken: Timestamp) {
        if isPaced, tasks > 0 { returned.append(Returned(tasks: tasks, taken: taken)) }
    }

    /// Takes the last word of a holder that has stopped spending a lease: `used` of it counts, the rest comes back.
    package mutating func settle(_ id: Identifier<QuotaLeaseRecord>, used: Int64) -> Statement {
        if let index = leases.firstIndex(where: { $0.id == id }) {
            let lease = leases.remove(at: index)
            let used = min(max(used, 0), lease.amount)
            count(used, of: lease)
            giveBack(lease.amount - used, taken: lease.given)
            return .settled(returned: lease.amount - used)
        }
        let unseen = overdue.firstIndex { $0.id == id }.map { overdue.remove(at: $0) }
        guard let lease = unseen ?? direct.firstIndex(where: { $0.id == id }).map({ direct.remove(at: $0) }) else {
            return .known
        }
        let rest = lease.amount - min(max(used, 0), lease.amount)
        count(-rest, at: lease.given, within: lease.sublimits)
        giveBack(rest, taken: lease.given)
        return .refunded(rest)
    }

    /// Applies a change that counts anew to what is used, once: nothing of it counts any more, or as large a part of a new limit as of
    /// the present one, rounded up. What holders have counts as used when they say so.
    ///
    /// `tasks` and `overage` are what the plan had before it. Returns whether it was applied just now.
    package mutating func apply(
        _ usage: PlanChange.Usage, to new: Int64, at instant: Timestamp, tasks: Int64 = 0, overage: Int64 = 0,
        sublimits: [SublimitJobs: Int64] = [:]
    ) -> Bool {
        guard turns.last.map({ $0.at < instant }) ?? true else { return false }
        let new = min(max(0, new), PlanRoom.maximumCount)
        let turn = Turn(
            at: instant, usage: usage, before: settled, limit: limit, new: new, tasks: tasks, overage: overage)
        turns.append(turn)
        turns.removeFirst(max(0, turns.count - Self.maximumTurns))
        settled = turn.after
        for index in self.sublimits.indices {
            self.sublimits[index].turn(usage, to: sublimits[self.sublimits[index].jobs], at: instant)
        }
        divide(at: bounds)
        limit = new
        version += 1
        announced = new > 0 ? min(100, max(0, settled) * 100 / new) : 0
        return true
    }

    /// Takes back tasks that count as used, or that their holder will say were used, because a job that had them did not use
    /// them: for one call a job. Of what was taken before a change that counts anew only that comes back which still counts.
    package mutating func refund(
        _ tasks: Int64, at taken: Timestamp = Timestamp(microseconds: 0), within sublimits: [SublimitJobs] = []
    ) {
        let tasks = min(max(tasks, 0), PlanRoom.maximumCount)
        count(-tasks, at: taken, within: sublimits)
        giveBack(tasks, taken: taken)
    }

    /// Counts tasks that were used without having been taken before, also beyond the limit, as far as there is room to count; returns
    /// how many more count by it now: of what was used before a change that counts anew these are others.
    @discardableResult package mutating func add(
        _ tasks: Int64, at instant: Timestamp, within sublimits: [SublimitJobs] = []
    ) -> Int64 {
        let before = settled
        count(min(max(tasks, 0), max(0, 2 * PlanRoom.maximumCount - settled)), at: instant, within: sublimits)
        return settled - before
    }

    /// Counts tasks as used at an instant, or no longer. What changes that count anew made of what was used before them
    /// is made of it anew.
    private mutating func count(_ tasks: Int64, at instant: Timestamp, within sublimits: [SublimitJobs]) {
        guard tasks != 0 else { return }
        note(instant)
        for index in self.sublimits.indices where sublimits.contains(self.sublimits[index].jobs) {
            self.sublimits[index].count(tasks, at: instant)
        }
        var change = tasks
        for index in turns.indices where turns[index].at > instant {
            let before = turns[index].after
            // No less than nothing was used before it.
            let known = turns[index].before
            turns[index].before = max(Self.counted(known + change), min(known, 0))
            // What comes back may have counted after it: then no more comes back than was taken.
            change = max(turns[index].after - before, min(tasks, 0))
        }
        settled = Self.counted(settled + change)
        let from = bucket(of: instant)
        let index = uses.firstIndex { $0.from >= from } ?? uses.count
        if index < uses.count, uses[index].from == from {
            uses[index].used = Self.clamped(uses[index].used + tasks)
        } else {
            uses.insert(Use(from: from, used: Self.clamped(tasks)), at: index)
        }
        guard uses.count > Self.maximumDays + bounds.count else { return }
        // The oldest that nothing tells apart but the day.
        for index in uses.indices.dropFirst()
        where !bounds.contains(where: { $0 > uses[index - 1].from && $0 <= uses[index].from }) {
            uses[index - 1].used = Self.clamped(uses[index - 1].used + uses[index].used)
            uses.remove(at: index)
            return
        }
    }

    private mutating func note(_ instant: Timestamp) { latest = max(latest ?? instant, instant) }

    /// What is told of a lease counts after the changes that count anew.
    private mutating func count(_ tasks: Int64, of lease: Lease) {
        count(tasks, at: counted(lease), within: lease.sublimits)
    }

    /// Tells what is used before some instants from what is used after them, from now on.
    package mutating func divide(at instants: [Timestamp]) {
        bounds = Array(Set(instants).union(turns.map(\.at)).sorted().prefix(Self.maximumBounds))
    }

    /// Counts a lease as used at once, with its holder's word. As long as it is among the last of these, a statement may still
    /// say that it was not: whoever took it does not know whether it was given.
    package mutating func use(_ id: Identifier<QuotaLeaseRecord>) {
        guard let index = leases.firstIndex(where: { $0.id == id }) else { return }
        let lease = leases.remove(at: index)
        count(lease.amount, of: lease)
        direct.append(Lease(closing: lease, at: counted(lease)))
        direct.removeFirst(max(0, direct.count - Self.maximumDirect))
    }

    /// Counts as used what is held past its time. Returns how many leases that were.
    @discardableResult package mutating func expire(at now: Timestamp) -> Int {
        let over = leases.filter { $0.ends <= now }
        for lease in over { expire(lease.id) }
        return over.count
    }

    /// Counts a lease as used altogether, until its holder states what it used.
    package mutating func expire(_ id: Identifier<QuotaLeaseRecord>) {
        guard let index = leases.firstIndex(where: { $0.id == id }) else { return }
        let lease = leases.remove(at: index)
        count(lease.amount, of: lease)
        overdue.append(Lease(closing: lease, at: counted(lease)))
        // The oldest stay used for good.
        overdue.removeFirst(max(0, overdue.count - Self.maximumOverdue))
    }

    /// Asks all holders to give back what they have.
    package mutating func recall() { recalls += 1 }

    /// Asks the others to give back what they have, unless each was asked since it took it; whether somebody was asked.
    package mutating func recall(for holder: String) -> Bool {
        guard leases.contains(where: { $0.holder != holder && !isRecalled($0) }) else { return false }
        recall()
        return true
    }

    /// Changes the limit. What is out stays out: below what is used and held nothing is given until enough came back.
    ///
    /// After a raise, parts of the limit are announced again from what is used of the new one on. `granted` is what of it comes from
    /// elsewhere than the plan.
    package mutating func setLimit(_ new: Int64, granted: Int64 = 0, at instant: Timestamp? = nil) {
        let new = min(max(0, new), PlanRoom.maximumCount)
        self.granted = min(max(0, granted), new)
        // Who makes the pool has seen what is in force as well.
        if limitSet == nil || new != limit { limitSet = instant ?? limitSet }
        guard new != limit else { return }
        if new > limit { announced = min(announced, max(0, settled) * 100 / new) }
        limit = new
        version += 1
    }

    /// Notes that what began to be in force at an instant was seen.
    package mutating func notice(_ since: Timestamp) { limitSet = max(limitSet ?? since, since) }

    private static func clamped(_ used: Int64) -> Int64 { min(max(used, -maximumUsed), maximumUsed) }

    /// The highest of some parts of the limit, in hundredths, that is used and was not announced yet: once.
    package mutating func announce(_ thresholds: [Int]) -> Int? {
        guard limit > 0 else { return nil }
        let reached = thresholds.filter { max(0, settled) * 100 >= limit * Int64($0) }.max() ?? 0
        guard reached > announced else { return nil }
        announced = Int64(reached)
        return reached
    }
}
