// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

/// Admits jobs against the plan's limit: exact in every process over the same store, whatever runs at the same time.
///
/// A process takes a part of what is left from the limit in one commit, a lease, and admits jobs on it by itself; so few admissions
/// ask the store, and together they never exceed the limit, whatever crashes or is late. When nothing is left, the others are
/// asked to give back what they hold before anybody is refused. All calls may be made concurrently.
public final class TaskMeter: Sendable {
    /// How much a process takes at once, and how long it keeps it.
    public struct Configuration: Hashable, Sendable, Codable {
        /// How long a process spends a lease before it gives it back, in seconds, 1 to 3,600. After twice this time others count it
        /// as used, until its holder says otherwise.
        public var leaseSeconds: Int
        /// How long an admission waits for tasks that other processes hold, in milliseconds, 0 to 60,000. They look every time that
        /// ``TaskMeter/settle()`` is called, as background work does. A test whose clock stands still needs 0.
        public var recallMilliseconds: Int
        /// The largest part of a limit in one lease, in thousandths of it, 1 to 1,000; a job that needs more gets that. It is what
        /// a crash may cost the company in this period.
        public var leasePerMille: Int
        /// Of which parts of a limit it is announced that they are used, in hundredths, 1 to 100
        /// (``Plans/thresholdReached``).
        public var thresholds: [Int]

        /// A configuration; by default leases of at most a minute and a hundredth of the limit, two and a half seconds for others to
        /// give back theirs, and an event for each tenth of a limit.
        public init(
            leaseSeconds: Int = 60, recallMilliseconds: Int = 2500, leasePerMille: Int = 10,
            thresholds: [Int] = Array(stride(from: 10, through: 100, by: 10))
        ) {
            self.leaseSeconds = leaseSeconds
            self.recallMilliseconds = recallMilliseconds
            self.leasePerMille = leasePerMille
            self.thresholds = thresholds
        }

        /// All defects, each as a line; empty when there is none.
        public func validate() -> [String] {
            var defects = ConfigurationDefects()
            defects.check("leaseSeconds", leaseSeconds, 1...3600)
            defects.check("recallMilliseconds", recallMilliseconds, 0...60_000)
            defects.check("leasePerMille", leasePerMille, 1...1000)
            for threshold in thresholds { defects.check("thresholds", threshold, 1...100) }
            return defects.lines
        }

        /// The nearest values that are in range.
        var clamped: Configuration {
            Configuration(
                leaseSeconds: min(max(leaseSeconds, 1), 3600),
                recallMilliseconds: min(max(recallMilliseconds, 0), 60_000),
                leasePerMille: min(max(leasePerMille, 1), 1000),
                thresholds: thresholds.map { min(max($0, 1), 100) })
        }
    }

    let plans: Plans
    let configuration: Configuration
    var held: HeldTasks { plans.held }
    var time: any TimeSource { plans.authority.time }

    /// A meter for the plans of a store. Values out of range count as the nearest.
    public init(plans: Plans, configuration: Configuration = .init()) {
        self.plans = plans
        self.configuration = configuration.clamped
    }

    /// What this process holds of a company's tasks: for the one place in a host that starts all its jobs, where even the way
    /// here is too long.
    public func handle(for company: Identifier<Company>) -> TaskHandle { held.handle(for: company, .common) }

    /// Takes `tasks` from the company's limit for a job, or says why not.
    ///
    /// Throws ``PlanError/Code/limitReached`` with the first instant at which they can fit, after those that other
    /// processes hold were asked back, and ``PlanError/Code/sublimitReached`` when it is a ``Sublimit`` that they do not fit in; nothing is
    /// taken then. The entry in the log of the job's workspace says how many tasks this
    /// process took with it: the jobs that are admitted on those need none of their own. While the store is away, what is held is
    /// spent, and then nothing is admitted.
    public func admit(
        _ job: Job, of company: Identifier<Company>, tasks: Int = 1
    ) async throws(PlanError) -> Admission {
        let taken = try await take(tasks, for: job.id, job.scope, of: company, as: "plans.admit")
        return Admission(job: job, tasks: tasks, handle: taken.handle, source: taken.source)
    }

    /// Tasks that were taken, and what of: a part that is given back goes there.
    struct Taken {
        let handle: TaskHandle
        let source: TaskHandle.Source
    }

    /// Takes tasks for a job; who is refused is recorded.
    func take(
        _ tasks: Int, for job: Identifier<Job>, _ scope: Scope, of company: Identifier<Company>, as action: String,
        isCount: Bool = true
    ) async throws(PlanError) -> Taken {
        let handle = held.handle(for: company, scope)
        if isCount, let source = handle.take(tasks, in: scope.environment) {
            return Taken(handle: handle, source: source)
        }
        let context = ActContext(actor: .job(job), scope: scope, origin: .job)
        do throws(PlanError) {
            guard isCount, (1...PlanRoom.maximumCount).contains(Int64(tasks)) else { throw PlanError(.invalidCount) }
            return try await take(tasks, of: company, context, as: action)
        } catch {
            // What may have been taken is not called refused: it counts as used until it is told.
            if error.store == .outcomeUnknown { throw error }
            try await plans.recordRefusal(
                action, error, context, company, details: ["tasks": String(tasks)])
            throw error
        }
    }

    /// Writes to the store what was given back, and what is held no longer than it may be; answers who asks for tasks, and lets waiting
    /// jobs try again for which there is enough.
    ///
    /// Background work calls it each second or so; until then others wait for what this process holds. What cannot be written of
    /// one company keeps none of the others from being written; the first error is thrown at the end. Complexity: a read,
    /// and a commit for each company of which there is something to say.
    public func settle() async throws(PlanError) {
        var failure: PlanError?
        await attempt({ () throws(PlanError) in try await inherit() }, &failure)
        await attempt(answerRecalls, &failure)
        let now = time.now
        for handle in held.handles {
            if let present = handle.present, present.held.until <= now { held.close(handle) }
        }
        let companies = Set(held.statements().map(\.company)).union(held.returned.companies)
        for company in companies.union(held.charges.companies) {
            let tell = { () async throws(PlanError) in
                try await self.held.turns.run(company) { () throws(PlanError) in try await self.tell(company) }
            }
            await attempt(tell, &failure)
        }
        await attempt(wakeWaiting, &failure)
        await attempt(tidyJournal, &failure)
        if let failure { throw failure }
    }

    /// Does what keeps nothing else from being done when it fails: the first error is kept.
    private func attempt(_ work: () async throws(PlanError) -> Void, _ failure: inout PlanError?) async {
        do throws(PlanError) {
            try await work()
        } catch {
            failure = failure ?? error
        }
    }

    /// Gives back all that this process holds: call it before a process ends, or what it holds counts as used. Jobs that are
    /// admitted later are admitted on new leases; what running ones give back later needs a further call.
    public func giveBackAll() async throws(PlanError) {
        for handle in held.handles { held.close(handle) }
        try await settle()
    }

    private func tell(_ company: Identifier<Company>) async throws(PlanError) {
        var most = Self.mostJobs
        repeat {
            let told = held.charges.take(most, of: company)
            do throws(PlanError) {
                try await tell(company, told)
            } catch {
                guard case .limitExceeded = error.store, told.count > 1 else { throw error }
                most = told.count / 2
            }
        } while held.charges.companies.contains(company)
    }

    /// What so many jobs were charged goes into one commit, unless it is too large.
    private static let mostJobs = 60

    private func tell(_ company: Identifier<Company>, _ told: [ToldCharges]) async throws(PlanError) {
        let (statements, returned) = (held.statements(of: company), held.returned.take(of: company))
        do throws(PlanError) {
            try await plans.store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
                let history = try await plans.historyIfKnown(of: company, in: &transaction)
                var pools = try await plans.pools(of: company, after: statements, history, in: &transaction)
                try await plans.refund(returned, of: company, to: &pools, history, in: &transaction)
                _ = try await plans.count(told, of: company, to: &pools, history, in: &transaction)
                try await plans.setLimits(in: &pools, of: company, history, in: &transaction)
                try await plans.write(
                    pools, of: company, announcing: configuration.thresholds, in: &transaction)
            }
            held.forget(statements)
        } catch {
            // What may have been given back is not given back again: it counts as used. A statement may be told twice.
            let isUncertain = error.store == .outcomeUnknown
            if !isUncertain { keep(returned, of: company) }
            held.charges.putBack(told.map { isUncertain ? $0.uncertain : $0 }, of: company)
            throw error
        }
    }

    func keep(_ returned: [ReturnedTasks.Origin: Int64], of company: Identifier<Company>) {
        for (origin, count) in returned { held.returned.add(count, to: .init(company: company, origin: origin)) }
    }

    /// Closes the leases of this process that were asked back since it looked, and those that it is just being given.
    private func answerRecalls() async throws(PlanError) {
        guard !held.handles.isEmpty else { return }
        let board = try await reading { () throws(StoreError) in try await RecallBoard.read(in: plans.store) }
        guard let board, let named = held.news(of: board) else { return }
        var (failure, isTold) = (nil as PlanError?, true)
        for company in named {
            do throws(PlanError) {
                try await plans.tellRunning(of: company)
            } catch {
                (failure, isTold) = (error, false)
            }
            for handle in held.handles(of: company) {
                do throws(PlanError) {
                    if try await isStillOurs(handle) { continue }
                } catch {
                    failure = error
                }
                held.close(handle)
            }
        }
        if isTold { held.hasRead(board) }
        if let failure { throw failure }
    }

    /// Whether something is held, and was not asked back.
    private func isStillOurs(_ handle: TaskHandle) async throws(PlanError) -> Bool {
        guard let lease = handle.present?.held else { return false }
        let pool = try await reading { () throws(StoreError) in
            try await QuotaPool.table.read(
                .platform, Plans.ids(handle.company, lease.period.start), in: plans.store)
        }
        guard let own = pool?.leases.first(where: { $0.id == lease.id }) else { return false }
        return pool?.isRecalled(own) == false
    }

    private func reading<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(PlanError) -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            throw PlanError(error)
        }
    }
}
