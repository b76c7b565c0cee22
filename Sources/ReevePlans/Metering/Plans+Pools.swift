// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage

/// What admissions of a company go by at an instant.
struct PlanTerms {
    let plan: String
    let limit: Int64
    let period: Period
    /// When other terms may hold, or the period is over.
    let until: Timestamp
    let environments: EnvironmentSet
    let pace: Pace?
    let sublimits: Sublimits
    /// Since when these hold, or the period is under way.
    let since: Timestamp
    /// The instant that they are of.
    let at: Timestamp
    let history: PlanHistory

    init(_ plan: EffectivePlan, _ history: PlanHistory) throws(PlanError) {
        self.plan = try plan.running.name
        limit = Int64(plan.limit)
        period = plan.period
        until = min(plan.changesAt ?? plan.period.end, plan.period.end)
        environments = EnvironmentSet(plan.entitlements.environments).withNone
        pace = plan.entitlements.pace
        sublimits = Sublimits(plan.entitlements.sublimits)
        since = max(history.latestChange(until: plan.at), plan.period.start)
        at = plan.at
        self.history = history
    }
}

/// A set of environments in a byte, for the path that admits jobs.
struct EnvironmentSet: Hashable {
    let bits: UInt8

    init(bits: UInt8) { self.bits = bits }

    init(_ environments: Set<Environment>) { bits = environments.reduce(0) { $0 | Self.bit($1) } }

    /// These, and jobs of no environment.
    var withNone: EnvironmentSet { EnvironmentSet(bits: bits | Self.none) }

    /// Whether a job may run there.
    func contains(_ environment: Environment?) -> Bool {
        bits & (environment.map(Self.bit) ?? Self.none) != 0
    }

    func subtracting(_ other: EnvironmentSet) -> EnvironmentSet { EnvironmentSet(bits: bits & ~other.bits) }

    private static let none: UInt8 = 8

    private static func bit(_ environment: Environment) -> UInt8 {
        switch environment {
        case .development: 1
        case .test: 2
        case .production: 4
        }
    }
}

extension Plans {
    /// What holds for a company at an instant; throws when nothing may be admitted.
    func terms(
        of company: Identifier<Company>, at instant: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PlanTerms {
        let history = try await history(of: company, in: &transaction)
        // A former company is one for every clock.
        guard history.facts.status != .former else { throw PlanError(.companyInactive) }
        let terms = try PlanTerms(history.effective(at: history.facts.instant(instant)), history)
        // Where another process has seen a change take effect, it has.
        let pool = try await pool(of: company, terms.period.start, [:], in: &transaction)
        let seen = Self.seen(pool, at: terms.at, now: instant)
        return seen == terms.at ? terms : try PlanTerms(history.effective(at: seen), history)
    }

    /// The latest instant at which something of the period under way was counted, unless by a clock that is far ahead.
    func counted(
        of company: Identifier<Company>, _ history: PlanHistory, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Timestamp? {
        let now = authority.time.now
        let period = try history.period(at: history.facts.instant(now))
        let latest = try await pool(of: company, period.start, [:], in: &transaction)?.latest
        return latest.flatMap { latest in
            let after = latest.advanced(by: .microseconds(1))
            return after <= now.advanced(by: CompanyFacts.skew) && after < period.end ? latest : nil
        }
    }

    /// The latest instant that another process has seen of a pool, unless its clock is far ahead.
    private static func seen(_ pool: QuotaPool?, at instant: Timestamp, now: Timestamp) -> Timestamp {
        [pool?.turn, pool?.limitSet].compactMap(\.self).filter { $0 <= now.advanced(by: CompanyFacts.skew) }
            .reduce(instant, max)
    }

    /// Throws unless the plan has jobs in an environment.
    func requireEnvironment(
        _ environment: Environment?, of company: Identifier<Company>
    ) async throws(PlanError) {
        let now = authority.time.now
        let present = try await store.transaction {
            (transaction: inout Transaction<PlanError>) throws(PlanError) -> PlanTerms in
            try await terms(of: company, at: now, in: &transaction)
        }
        guard present.environments.contains(environment) else { throw PlanError(.environmentNotIncluded) }
    }

    static func ids(_ company: Identifier<Company>, _ period: Timestamp) -> [String] {
        [company.description, period.description]
    }

    /// The pool of a period, as it is among those given, or as it is stored.
    func pool(
        of company: Identifier<Company>, _ period: Timestamp, _ known: [Timestamp: QuotaPool],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> QuotaPool? {
        if let pool = known[period] { return pool }
        return try await knownPools.read(Self.ids(company, period), in: &transaction)
    }

    /// The pool of the present period, with the changes applied to it that count anew.
    func turnedPool(
        of company: Identifier<Company>, _ terms: PlanTerms, _ known: [Timestamp: QuotaPool],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> QuotaPool {
        let stored = try await pool(of: company, terms.period.start, known, in: &transaction)
        var pool = stored ?? QuotaPool(limit: terms.limit)
        try await turn(&pool, of: company, terms.period, terms.history, known, at: terms.at, in: &transaction)
        pool.setSublimits(terms.sublimits.limits, since: terms.since)
        return pool
    }

    /// Applies the changes to a pool that count its period anew, each once, and tells apart what is used before and after a grant
    /// begins or ends.
    private func turn(
        _ pool: inout QuotaPool, of company: Identifier<Company>, _ period: Period, _ history: PlanHistory,
        _ known: [Timestamp: QuotaPool], at instant: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        if let account = try await account(of: company, history, in: &transaction) {
            pool.divide(at: account.bounds(in: period))
        }
        for turn in history.turns(in: period, until: instant) where pool.turn.map({ $0 < turn.at }) ?? true {
            try pool.turn(turn, of: history, in: period)
        }
    }

    /// The pool of a period that something is told about, with the changes applied to it that count anew: an empty one where there is
    /// none, so that a commit which makes the first one and is still under way is too late then.
    func turnedPool(
        of company: Identifier<Company>, _ start: Timestamp, _ known: [Timestamp: QuotaPool], _ history: PlanHistory?,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> QuotaPool {
        if let pool = known[start] { return pool }
        var pool = try await pool(of: company, start, known, in: &transaction) ?? QuotaPool(limit: 0)
        if let history {
            let period = try history.period(at: start)
            let instant = history.facts.instant(authority.time.now)
            if period.start == start {
                try await turn(&pool, of: company, period, history, known, at: instant, in: &transaction)
                let last = min(instant, period.end.advanced(by: .microseconds(-1)))
                let sublimits = Sublimits(try history.effective(at: last).entitlements.sublimits)
                if !sublimits.all.isEmpty {
                    let since = max(history.latestChange(until: last), start)
                    pool.setSublimits(sublimits.limits, since: since)
                }
            }
        }
        return pool
    }

    /// The pools that statements are about, after them, and after the changes that count anew before them.
    func pools(
        of company: Identifier<Company>, after statements: [HeldTasks.Statement], _ history: PlanHistory?,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> [Timestamp: QuotaPool] {
        var pools: [Timestamp: QuotaPool] = [:]
        for statement in statements {
            var pool = try await turnedPool(of: company, statement.period, pools, history, in: &transaction)
            _ = pool.settle(statement.lease, used: statement.used)
            pools[statement.period] = pool
        }
        return pools
    }

    /// A company's facts for what this process has to say: `nil` when there are none that can be read.
    func historyIfKnown(
        of company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PlanHistory? {
        do throws(PlanError) {
            return try await history(of: company, in: &transaction)
        } catch {
            guard error.store == nil else { throw error }
            return nil
        }
    }

    /// Sets the present limit in the pool of the present period, before it is said how much of it is used.
    func setLimits(
        in pools: inout [Timestamp: QuotaPool], of company: Identifier<Company>, _ history: PlanHistory?,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard let history else { return }
        try await touch(pools.keys, of: company, history, in: &transaction)
        let now = authority.time.now
        let instant = history.facts.instant(now)
        guard var pool = pools[try history.period(at: instant).start] else { return }
        let plan = try history.effective(at: Self.seen(pool, at: instant, now: now))
        guard plan.stop == nil, pools[plan.period.start] != nil else { return }
        let terms = try PlanTerms(plan, history)
        let limit = try await limit(of: pool, company, terms, pools, isWriting: true, in: &transaction)
        pool.setLimit(limit.tasks, granted: limit.granted, at: plan.at)
        pool.notice(terms.since)
        pool.setSublimits(terms.sublimits.limits, since: terms.since)
        pools[plan.period.start] = pool
    }

    /// Gives tasks back to the limits of their periods.
    func refund(
        _ returned: [ReturnedTasks.Origin: Int64], of company: Identifier<Company>,
        to pools: inout [Timestamp: QuotaPool], _ history: PlanHistory?, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        for (origin, count) in returned {
            var pool = try await turnedPool(of: company, origin.period, pools, history, in: &transaction)
            pool.refund(count, at: origin.taken, within: origin.sublimits)
            pools[origin.period] = pool
        }
    }

    /// What a company has used that has not run off, after what came back to pools; `nil` when nothing did, or it has no pace.
    private func pace(
        of company: Identifier<Company>, after pools: inout [Timestamp: QuotaPool],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PaceRecord? {
        let returned = pools.keys.flatMap { pools[$0]?.takeReturned() ?? [] }
        guard !returned.isEmpty else { return nil }
        var record = try await PaceRecord.table.read(.platform, [company.description], in: &transaction)
        for returned in returned { record?.giveBack(returned.tasks, taken: returned.taken, at: authority.time.now) }
        return record
    }

    /// What a company has used that has not run off at the pace of its terms, after what came back to pools; `nil` without a pace.
    func pace(
        of company: Identifier<Company>, _ terms: PlanTerms, after pools: inout [Timestamp: QuotaPool],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PaceRecord? {
        guard let pace = terms.pace else { return nil }
        let (now, changed) = (authority.time.now, try await self.pace(of: company, after: &pools, in: &transaction))
        var record = changed
        if record == nil {
            record = try await PaceRecord.table.read(.platform, [company.description], in: &transaction)
        }
        var known = record ?? PaceRecord(pace, at: now)
        known.adopt(pace, at: now)
        return known
    }

    /// Writes what has not run off, where it has changed.
    func write(
        _ pace: PaceRecord?, of company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        let ids = [company.description]
        guard let pace, try await PaceRecord.table.read(.platform, ids, in: &transaction) != pace else { return }
        try await PaceRecord.table.write(pace, .platform, ids, in: &transaction)
    }

    /// Writes pools, also those that did not change: a commit that is still under way does not take effect then. Says in the same
    /// commit which parts of a limit are used now, each once.
    func write(
        _ pools: [Timestamp: QuotaPool], of company: Identifier<Company>, announcing thresholds: [Int] = [],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard try await !isErased(company, in: &transaction) else { return }
        let now = authority.time.now
        var pools = pools
        if let record = try await pace(of: company, after: &pools, in: &transaction) {
            try await PaceRecord.table.write(record, .platform, [company.description], in: &transaction)
        }
        for (period, known) in pools {
            var pool = known
            if let reached = pool.announce(thresholds) {
                let event = DomainEvent(
                    Self.thresholdReached, at: now, scope: .platform, subject: company.description,
                    details: [
                        "limit": String(pool.limit), "limit.version": String(pool.version), "meter": "tasks",
                        "period": period.description, "threshold": String(reached), "used": String(pool.settled),
                    ])
                try await transaction.publish(event)
            }
            try await QuotaPool.table.write(pool, .platform, Self.ids(company, period), in: &transaction)
        }
    }

    /// Runs what changes a company's terms: what this process holds was taken under others, also when it is not known whether the
    /// change took effect. The body returns `false` when it changes nothing.
    @discardableResult func closingWhatIsHeld(
        of company: Identifier<Company>, _ body: (inout Transaction<PlanError>) async throws(PlanError) -> Bool
    ) async throws(PlanError) -> Bool {
        do throws(PlanError) {
            let isChanged = try await store.transaction(body)
            if isChanged { held.close(company) }
            return isChanged
        } catch {
            if error.store == .outcomeUnknown { held.close(company) }
            throw error
        }
    }

    /// Runs an act under a permit: its entry is committed with it, and a refusal leaves one of its own.
    func acting<Action: PermitAction, Value>(
        _ action: String, _ permit: Permit<Action>, on resource: Resource, in scope: Scope,
        of company: Identifier<Company>?,
        _ body: (inout Transaction<PlanError>) async throws(PlanError) -> (Value, [String: String])
    ) async throws(PlanError) -> Value {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: resource, in: scope)
        } catch {
            throw PlanError(error)
        }
        do throws(PlanError) {
            let value = try await store.transaction {
                (transaction: inout Transaction<PlanError>) throws(PlanError) -> Value in
                let (value, details) = try await body(&transaction)
                try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                return value
            }
            if let company { held.close(company) }
            return value
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown {
                if let company { held.close(company) }
                throw error
            }
            do throws(StoreError) {
                try await authority.recordRefusal(of: action, permit, code: error.code.rawValue)
            } catch let failure {
                throw PlanError(failure)
            }
            throw error
        }
    }

    /// Records that something was refused.
    func recordRefusal(
        _ action: String, _ error: PlanError, _ context: ActContext, _ company: Identifier<Company>,
        details: [String: String] = [:]
    ) async throws(PlanError) {
        let entry = AuditEntry(
            at: authority.time.now, context: context, action: action, resource: company.description,
            outcome: .refused, refusal: error.code.rawValue, details: details)
        do throws(StoreError) {
            try await store.record(entry, in: authority.trail)
        } catch let failure {
            throw PlanError(failure)
        }
    }

    /// Asks all processes to give back what they hold of the period under way: other terms are in force, or will be.
    func recall(
        _ company: Identifier<Company>, _ before: PlanHistory, at now: Timestamp,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        let period = try before.period(at: before.facts.instant(now)).start
        guard var pool = try await pool(of: company, period, [:], in: &transaction), !pool.leases.isEmpty else {
            return
        }
        pool.recall()
        try await write([period: pool], of: company, in: &transaction)
        try await RecallBoard.add(company, in: &transaction)
    }
}

extension QuotaPool {
    /// Applies a change that counts its period anew.
    mutating func turn(
        _ turn: CompanyFacts.Turn, of history: PlanHistory, in period: Period
    ) throws(PlanError) {
        let last = turn.at.advanced(by: .microseconds(-1))
        let plan = try history.effective(at: last)
        // It is a part of the plan's own that is scaled.
        setLimit(Int64(plan.limit))
        setSublimits(
            Sublimits(plan.entitlements.sublimits).limits,
            since: max(history.latestChange(until: last), period.start))
        _ = apply(
            turn.usage, to: Int64(turn.limit), at: turn.at, tasks: Int64(plan.entitlements.tasksPerPeriod),
            overage: Int64(plan.charges.mostTasksOver),
            sublimits: Sublimits(try history.effective(at: turn.at).entitlements.sublimits).limits)
    }
}
