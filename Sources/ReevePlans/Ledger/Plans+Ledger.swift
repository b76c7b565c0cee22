// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

extension Plans {
    // MARK: Grants

    /// Gives a company tasks beside its plan's, once; they cost nothing.
    ///
    /// `tasks` is 1 to 10^12; `priority` 0 to 100, of which the lowest is used first. They can be used `from` an instant that has not
    /// passed, now by default, until they are used up or `expires` has come; `mostCarriedOver` of them, 0 to 10^12, are left in the next
    /// period. With the `id` of a grant that was given, also one that is over, it changes nothing and returns that one, so that a call
    /// whose outcome is unknown can be made again; it is known as long as it is there or among the last 64 that are over.
    /// The reason is the one in the permit's context. Waiting jobs go on with what is given. Throws
    /// ``PlanError/Code/tooManyGrants`` when 32 are there already. Complexity: one commit.
    @discardableResult
    public func grant(
        _ tasks: Int, to company: Identifier<Company>, priority: Int = TaskGrant.usualPriority,
        from: Timestamp? = nil, expires: Timestamp? = nil, mostCarriedOver: Int? = nil,
        id: Identifier<TaskGrant>? = nil, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> TaskGrant {
        let id = id ?? Identifier(at: authority.time.now)
        return try await changingAccount("plans.grant", of: company, permit) {
            (account, now) throws(PlanError) in
            if let known = account.grant(id) { return (known, known.details.merging(["repeated": "true"]) { $1 }) }
            guard (1...PlanRoom.maximumCount).contains(Int64(tasks)) else { throw PlanError(.invalidCount) }
            guard (0...100).contains(priority), mostCarriedOver.map(PlanRoom.isCount) ?? true,
                expires.map({ $0 > from ?? now }) ?? true
            else { throw PlanError(.invalidGrant) }
            guard from.map({ $0 >= now }) ?? true else { throw PlanError(.inThePast) }
            let grant = TaskGrant(
                id: id, tasks: tasks, priority: priority, from: from ?? now, expires: expires,
                mostCarriedOver: mostCarriedOver, granted: now)
            try account.add(grant)
            return (grant, grant.details)
        }
    }

    /// Ends a grant now: what is left of it cannot be used any more, and what was used of it and of others stays so.
    ///
    /// Throws ``PlanError/Code/unknownGrant`` when there is none, or it expired in a period that is closed.
    public func revoke(
        _ grant: Identifier<TaskGrant>, of company: Identifier<Company>, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        try await changingAccount("plans.revoke", of: company, permit) { (account, now) throws(PlanError) in
            try account.end(grant, at: now)
            return ((), ["grant": grant.description])
        }
    }

    /// What a company can use in the present period, where it comes from, and how much of each is used. What processes hold counts as
    /// used until they say otherwise.
    public func balance(of company: Identifier<Company>) async throws(PlanError) -> TaskBalance {
        let now = authority.time.now
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let terms = try await terms(of: company, at: now, in: &transaction)
            let pool = try await turnedPool(of: company, terms, [:], in: &transaction)
            let ledger = try await ledger(
                of: company, terms.period, terms.history, [terms.period.start: pool], at: terms.at, in: &transaction
            ).ledger
            return TaskBalance(ledger, terms.period, at: terms.at)
        }
    }

    private func changingAccount<Value>(
        _ action: String, of company: Identifier<Company>, _ permit: Permit<ChangePlan>,
        _ body: (inout TaskAccount, Timestamp) throws(PlanError) -> (Value, [String: String])
    ) async throws(PlanError) -> Value {
        try await acting(action, permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            var history = try await history(of: company, in: &transaction)
            guard history.facts.status != .former else { throw PlanError(.companyInactive) }
            let now = history.facts.instant(authority.time.now)
            let period = try history.period(at: now)
            // What is settled is forgotten first, so that there is room.
            let before = history
            history.noteGrant(at: now)
            let known = try await ledger(of: company, period, history, [:], at: now, in: &transaction).account
            var account = known ?? TaskAccount(opened: period.start)
            let result = try body(&account, now)
            try await tables.accounts.write(account, .platform, [company.description], in: &transaction)
            try await tables.facts.write(history.facts, .platform, [company.description], in: &transaction)
            try await recall(company, before, at: authority.time.now, in: &transaction)
            return result
        }
    }

    // MARK: The fold

    /// How much can be used of a period.
    struct Limit {
        /// With what was granted and carried over.
        var tasks: Int64
        /// What of it comes from there.
        var granted: Int64 = 0
        /// Until when it holds.
        var until: Timestamp
        /// What it is made of; `nil` when the company has no account.
        var ledger: TaskLedger?
        /// What was granted.
        var grants: [TaskGrant] = []
    }

    /// How much can be used of a pool's period with what was granted and carried over. The account is written where it has changed, if
    /// it is to be.
    func limit(
        of pool: QuotaPool, _ company: Identifier<Company>, _ terms: PlanTerms,
        _ pools: [Timestamp: QuotaPool], isWriting: Bool = false, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Limit {
        let (period, at) = (terms.period, terms.at)
        guard terms.history.facts.keepsAccount else {
            return Limit(tasks: terms.limit, until: terms.until)
        }
        var pools = pools
        pools[period.start] = pool
        let (ledger, account) = try await ledger(of: company, period, terms.history, pools, at: at, in: &transaction)
        if isWriting, let account { try await write(account, of: company, in: &transaction) }
        let next = account?.bounds(in: period).filter { $0 > at }.min()
        let tasks = ledger.limit(at: at)
        return Limit(
            tasks: tasks, granted: tasks - terms.limit, until: min(terms.until, next ?? terms.until),
            ledger: ledger, grants: account?.grants ?? [])
    }

    /// Settles what can no longer change before facts of a company are changed, and notes what it had at the end of periods that are
    /// over: nothing else may remember it after that.
    func settleAccount(
        of company: Identifier<Company>, _ history: PlanHistory, isEnding: Bool = false,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard history.facts.keepsAccount else { return }
        let now = history.facts.instant(authority.time.now)
        let period = try history.period(at: now)
        guard var account = try await ledger(of: company, period, history, [:], at: now, in: &transaction).account
        else { return }
        if isEnding { account.endAll(at: now) }
        try await write(account, of: company, in: &transaction)
    }

    private func write(
        _ account: TaskAccount, of company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard try await knownAccounts.read([company.description], in: &transaction) != account else { return }
        try await tables.accounts.write(account, .platform, [company.description], in: &transaction)
    }

    /// The company's account, if there is to be one.
    func account(
        of company: Identifier<Company>, _ history: PlanHistory, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> TaskAccount? {
        guard let since = history.facts.accountSince else { return nil }
        if let known = try await knownAccounts.read([company.description], in: &transaction) { return known }
        return TaskAccount(opened: try history.period(at: since).start)
    }

    /// Notes in the company's account in which periods something was used: what is left of them is found by that.
    func touch(
        _ periods: some Sequence<Timestamp>, of company: Identifier<Company>, _ history: PlanHistory,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard var account = try await account(of: company, history, in: &transaction) else { return }
        for start in periods { account.touch(try history.period(at: start)) }
        try await write(account, of: company, in: &transaction)
    }

    /// What there is in a period and what of it is used, with the company's account as it is after that; no account where nothing was
    /// granted or carried over. `pools` are those that are changed in this transaction.
    func ledger(
        of company: Identifier<Company>, _ period: Period, _ history: PlanHistory,
        _ pools: [Timestamp: QuotaPool], at instant: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> (ledger: TaskLedger, account: TaskAccount?) {
        var opening = TaskLedger.Opening()
        var account = try await account(of: company, history, in: &transaction)
        if let kept = account {
            (opening, account) = try await self.opening(of: period, company, history, kept, pools, in: &transaction)
        }
        let pool = try await pool(of: company, period.start, pools, in: &transaction)
        let instant = min(max(instant, period.start), period.end.advanced(by: .microseconds(-1)))
        let end = Self.end(of: period, try history.effective(at: instant))
        return (Self.ledger(period, account, opening, pool, end, history, at: instant), account)
    }

    /// What a plan has at the end of a period.
    private static func end(of period: Period, _ plan: EffectivePlan) -> TaskAccount.End {
        TaskAccount.End(
            period: period.start, tasks: Int64(plan.entitlements.tasksPerPeriod),
            overage: Int64(plan.charges.mostTasksOver), rollover: plan.stop == nil ? plan.entitlements.rollover : nil)
    }

    /// What there is at the beginning of a period, from what was used since the account's. What can no longer change is
    /// settled in the account.
    private func opening(
        of period: Period, _ company: Identifier<Company>, _ history: PlanHistory, _ account: TaskAccount,
        _ pools: [Timestamp: QuotaPool], in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> (TaskLedger.Opening, TaskAccount?) {
        var (opening, new) = (account.opening, account)
        var past = try history.period(at: account.opened)
        // Others whose clocks are behind still take usage of it.
        let now = history.facts.instant(authority.time.now).advanced(
            by: .seconds(-CompanyFacts.skew.components.seconds))
        var (isSettled, pools) = (true, pools)
        while past.start < period.start {
            var pool: QuotaPool?
            if account.mayHaveUse(in: past) || !history.turns(in: past, until: past.end).isEmpty {
                pool = try await turnedPool(of: company, past.start, pools, history, in: &transaction)
                pools[past.start] = pool
            }
            let last = past.end.advanced(by: .microseconds(-1))
            // What it had then is noted once, because facts about the past are forgotten.
            var end = account.ends.first { $0.period == past.start }
            if end == nil { end = Self.end(of: past, try history.effective(at: last)) }
            guard let end else { break }
            let ledger = Self.ledger(past, account, opening, pool, end, history, at: last)
            opening = ledger.closing(at: past.end, carrying: end.rollover, account.grants)
            let next = try history.period(at: past.end)
            isSettled = isSettled && !isOpen(past, at: now)
            if isSettled { new.advance(to: next.start, opening) } else if past.end <= now { new.note(end) }
            guard next.start > past.start else { break }
            past = next
        }
        new.touch(period)
        return (opening, new)
    }

    /// The ledger of a period from what there is at its beginning: what was used in its order, counted anew where it was.
    private static func ledger(
        _ period: Period, _ account: TaskAccount?, _ opening: TaskLedger.Opening, _ pool: QuotaPool?,
        _ end: TaskAccount.End, _ history: PlanHistory, at instant: Timestamp
    ) -> TaskLedger {
        var turns = pool?.turns[...] ?? []
        func plan() -> Int64 { turns.first?.tasks ?? end.tasks }
        // What a count says of tasks beyond the limit is believed as far as there were any then.
        func overage() -> Int64 {
            guard let turn = turns.first else { return end.overage }
            let before = try? history.effective(at: turn.at.advanced(by: .microseconds(-1)))
            return min(turn.overage, Int64(before?.charges.mostTasksOver ?? 0))
        }
        func own(
            _ kind: TaskLedger.Source.Kind, _ tasks: Int64, until: Timestamp? = nil, granted: Timestamp
        ) -> TaskLedger.Source {
            TaskLedger.Source(
                kind, from: period.start, until: until ?? period.end, granted: granted, tasks: tasks)
        }
        // What was carried over ends with all that the company has.
        let until = history.facts.ended.map(\.at).flatMap { $0 > period.start && $0 < period.end ? $0 : nil }
        var sources = [
            own(.plan, plan(), granted: period.start),
            own(.overage, overage(), granted: period.start),
            own(.carried, opening.carried, until: until, granted: Timestamp(microseconds: .min)),
        ]
        for grant in account?.grants ?? [] {
            guard grant.from < period.end, grant.end.map({ $0 > period.start }) ?? true else { continue }
            sources.append(
                TaskLedger.Source(
                    .grant(grant.id), priority: grant.priority, from: grant.from, until: grant.end,
                    expires: grant.expires,
                    granted: grant.granted, tasks: opening.left(of: grant)))
        }
        var ledger = TaskLedger(sources)
        func turn(until instant: Timestamp) {
            while let turn = turns.first, turn.at <= instant {
                turns.removeFirst()
                ledger.turn(plan: plan(), overage: overage(), used: turn.after, at: turn.at)
            }
        }
        // What is held counts as used until its holder says otherwise.
        for use in pool?.net() ?? [] {
            turn(until: use.from)
            ledger.use(use.used, at: max(use.from, period.start))
        }
        turn(until: instant)
        ledger.use(0, at: instant)
        return ledger
    }
}
