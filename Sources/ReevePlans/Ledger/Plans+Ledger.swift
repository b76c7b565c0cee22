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
    /// passed, now by default, until they are used up or `expires` has come; `rollover` says what of them is there in the next
    /// period. With the `id` of a grant that was given it changes nothing, so that a call whose outcome is unknown can be made again.
    /// The reason is the one in the permit's context. Waiting jobs go on with what is given. Throws
    /// ``PlanError/Code/tooManyGrants`` when 32 are there already. Complexity: one commit.
    @discardableResult
    public func grant(
        _ tasks: Int, to company: Identifier<Company>, priority: Int = TaskGrant.usualPriority,
        from: Timestamp? = nil, expires: Timestamp? = nil, rollover: Rollover? = nil,
        id: Identifier<TaskGrant>? = nil, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> TaskGrant {
        let id = id ?? Identifier(at: authority.time.now)
        return try await changingAccount("plans.grant", of: company, permit) {
            (account, now) throws(PlanError) in
            if let known = account.grants.first(where: { $0.id == id }) {
                return (known, ["grant": id.description, "tasks": String(known.tasks)])
            }
            guard (1...PlanRoom.maximumCount).contains(Int64(tasks)) else { throw PlanError(.invalidCount) }
            guard (0...100).contains(priority), rollover?.isValid ?? true, expires.map({ $0 > from ?? now }) ?? true
            else { throw PlanError(.invalidGrant) }
            guard from.map({ $0 >= now }) ?? true else { throw PlanError(.inThePast) }
            let grant = TaskGrant(
                id: id, tasks: tasks, priority: priority, from: from ?? now, expires: expires, rollover: rollover,
                granted: now)
            try account.add(grant)
            return (grant, ["grant": id.description, "tasks": String(tasks)])
        }
    }

    /// Ends a grant now: what is left of it cannot be used any more, and what was used of it stays used.
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
            history.keepAccount(since: now)
            let (_, known) = try await ledger(of: company, period, history, [:], at: now, in: &transaction)
            var account = known ?? TaskAccount(opened: period.start)
            let result = try body(&account, now)
            try await TaskAccount.table.write(account, .platform, [company.description], in: &transaction)
            if history.facts != before.facts {
                try await write(history, from: before, of: company, in: &transaction)
            } else {
                try await recall(company, before, at: authority.time.now, in: &transaction)
            }
            return result
        }
    }

    // MARK: The fold

    /// How much can be used of a pool's period with what was granted and carried over, and until when that holds. The account is written
    /// where it has changed, if it is to be.
    func limit(
        of pool: QuotaPool, _ company: Identifier<Company>, _ terms: PlanTerms,
        _ pools: [Timestamp: QuotaPool], isWriting: Bool = false, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> (tasks: Int64, until: Timestamp) {
        guard terms.history.facts.keepsAccount else { return (terms.limit, terms.until) }
        var pools = pools
        pools[terms.period.start] = pool
        let (ledger, account) = try await ledger(
            of: company, terms.period, terms.history, pools, at: terms.at, in: &transaction)
        if isWriting, let account { try await write(account, of: company, in: &transaction) }
        let next = account?.bounds(in: terms.period).filter { $0 > terms.at }.min()
        return (ledger.limit(at: terms.at), min(terms.until, next ?? terms.until))
    }

    private func write(
        _ account: TaskAccount, of company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard try await knownAccounts.read([company.description], in: &transaction) != account else { return }
        try await TaskAccount.table.write(account, .platform, [company.description], in: &transaction)
    }

    /// The company's account, if there is to be one: with the end of all that it has, what it was given ends as well.
    func account(
        of company: Identifier<Company>, _ history: PlanHistory, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> TaskAccount? {
        guard let since = history.facts.accountSince else { return nil }
        let first = TaskAccount(opened: try history.period(at: since).start)
        var account = try await knownAccounts.read([company.description], in: &transaction) ?? first
        if let ended = history.facts.ended?.at { account.endAll(grantedUntil: ended) }
        return account
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
        _ pools: [Timestamp: QuotaPool], at instant: Timestamp, isCountingHeld: Bool = true,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> (ledger: TaskLedger, account: TaskAccount?) {
        var opening = TaskLedger.Opening()
        var account = try await account(of: company, history, in: &transaction)
        if let kept = account {
            (opening, account) = try await self.opening(of: period, company, history, kept, pools, in: &transaction)
        }
        let pool = try await pool(of: company, period.start, pools, in: &transaction)
        let ledger = try ledger(period, history, account, opening, pool, at: instant, isCountingHeld: isCountingHeld)
        return (ledger, account)
    }

    /// What there is at the beginning of a period, from what was used since the account's. What can no longer change is
    /// settled in the account.
    private func opening(
        of period: Period, _ company: Identifier<Company>, _ history: PlanHistory, _ account: TaskAccount,
        _ pools: [Timestamp: QuotaPool], in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> (TaskLedger.Opening, TaskAccount?) {
        var (opening, new) = (account.opening, account)
        var past = try history.period(at: account.opened)
        let now = history.facts.instant(authority.time.now)
        var isSettled = true
        while past.start < period.start {
            let pool =
                account.mayHaveUse(in: past)
                ? try await pool(of: company, past.start, pools, in: &transaction) : nil
            let last = past.end.advanced(by: .microseconds(-1))
            let plan = try history.effective(at: last)
            opening = try ledger(past, history, account, opening, pool, at: last).closing(
                at: past.end, carrying: plan.stop == nil ? plan.entitlements.rollover : nil, account.grants)
            isSettled = isSettled && !isOpen(past, at: now)
            let next = try history.period(at: past.end)
            if isSettled { new.advance(to: next.start, opening) }
            guard next.start > past.start else { break }
            past = next
        }
        new.touch(period)
        return (opening, new)
    }

    /// The ledger of a period from what there is at its beginning, or at that of its count.
    private func ledger(
        _ period: Period, _ history: PlanHistory, _ account: TaskAccount?, _ opening: TaskLedger.Opening,
        _ pool: QuotaPool?, at instant: Timestamp, isCountingHeld: Bool = true
    ) throws(PlanError) -> TaskLedger {
        let instant = min(max(instant, period.start), period.end.advanced(by: .microseconds(-1)))
        let opening = pool?.opening ?? opening
        let begins = pool?.turn ?? period.start
        let plan = try history.effective(at: instant)
        func own(_ kind: TaskLedger.Source.Kind, _ tasks: Int64, granted: Timestamp) -> TaskLedger.Source {
            TaskLedger.Source(kind, from: period.start, until: period.end, granted: granted, tasks: tasks)
        }
        var sources = [
            own(.plan, Int64(plan.entitlements.tasksPerPeriod), granted: period.start),
            own(.overage, Int64(plan.charges.mostTasksOver), granted: period.start),
            own(.carried, opening.carried, granted: Timestamp(microseconds: .min)),
        ]
        sources.removeAll { $0.tasks == 0 && $0.kind != .plan }
        for grant in account?.grants ?? [] {
            guard grant.from < period.end, grant.expires.map({ $0 > begins }) ?? true else { continue }
            sources.append(
                TaskLedger.Source(
                    .grant(grant.id), priority: grant.priority, from: grant.from, until: grant.expires,
                    granted: grant.granted, tasks: opening.left(of: grant)))
        }
        var ledger = TaskLedger(sources)
        guard let pool else { return ledger }
        var uses = pool.uses
        // What is held counts as used until its holder says otherwise.
        if isCountingHeld { uses += pool.leases.map { QuotaPool.Use(from: $0.given, used: $0.amount) } }
        if pool.turn != nil {
            // What was used before the count began, as far as it counts.
            uses.removeAll { $0.from < begins }
            let all = pool.settled + (isCountingHeld ? pool.held : 0)
            ledger.usePlan(all - uses.reduce(Int64(0)) { $0 + $1.used }, at: begins)
        }
        for use in uses.sorted(by: { $0.from < $1.from }) { ledger.use(use.used, at: max(use.from, period.start)) }
        ledger.use(0, at: instant)
        return ledger
    }
}
