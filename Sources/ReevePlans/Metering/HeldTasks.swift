// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// What this process holds of all companies' tasks, and what it still has to tell the store about it.
final class HeldTasks: Sendable {
    /// The last word on a lease. To tell it twice changes nothing.
    struct Statement: Hashable {
        let company: Identifier<Company>
        let lease: Identifier<QuotaLeaseRecord>
        let period: Timestamp
        let used: Int64
    }

    /// What is held of one company's tasks.
    private struct OfCompany {
        /// For jobs that must fit in no sublimit, which needs no look.
        var common: TaskHandle?
        var others: [Lane: TaskHandle] = [:]
        /// As they were when this process took tasks last.
        var sublimits = Sublimits.none

        var handles: [TaskHandle] { (common.map { [$0] } ?? []) + others.values }
    }

    private struct State {
        var companies: [Identifier<Company>: OfCompany] = [:]
        var statements: [Statement] = []
        /// As far as the board of recalls was read.
        var recallsRead: Int64 = 0
        var generation = ForkGuard.generation
        /// This process, as other holders see it.
        var holder: String
    }
    let returned = ReturnedTasks()
    let charges = UnsettledCharges()
    let turns = Turns<Identifier<Company>>()
    private let time: any TimeSource
    private let state: Mutex<State>
    private let ownJournal: LeaseJournal?

    init(time: any TimeSource, journal: TaskJournal?) {
        self.time = time
        ownJournal = journal.map(LeaseJournal.init)
        state = Mutex(State(holder: Identifier<Worker>(at: time.now).description))
    }

    /// This process, as other holders see it.
    var holder: String { withState { $0.holder } }

    /// Where it is written down what may be spent; a child of the process has none.
    var journal: LeaseJournal? { ownJournal.flatMap { $0.isOfThisProcess ? $0 : nil } }

    /// In a child of the process that held something nothing is held, and nothing is to be told: that is the parent's.
    private func withState<R>(_ body: (inout State) -> R) -> R {
        state.withLock { state in
            let generation = ForkGuard.generation
            if generation != state.generation {
                state = State(holder: Identifier<Worker>(at: time.now).description)
                returned.removeAll()
                charges.removeAll()
            }
            return body(&state)
        }
    }

    /// A company's handles.
    func handles(of company: Identifier<Company>) -> [TaskHandle] {
        withState { $0.companies[company]?.handles ?? [] }
    }

    /// The handle for jobs in a scope, as far as it is known which of them are told apart.
    func handle(for company: Identifier<Company>, _ scope: Scope) -> TaskHandle {
        withState { state in
            guard let known = state.companies[company] else { return handle(for: company, .common, &state) }
            if known.sublimits.all.isEmpty, let common = known.common { return common }
            let lane = known.sublimits.lane(of: scope)
            return handle(for: company, lane, &state)
        }
    }

    /// The handle for jobs of a lane.
    func handle(for company: Identifier<Company>, _ lane: Lane) -> TaskHandle {
        withState { handle(for: company, lane, &$0) }
    }

    private func handle(for company: Identifier<Company>, _ lane: Lane, _ state: inout State) -> TaskHandle {
        var known = state.companies[company] ?? OfCompany()
        if let handle = lane == .common ? known.common : known.others[lane] { return handle }
        let handle = TaskHandle(company, lane, returned: returned, charges: charges, time: time)
        if lane == .common { known.common = handle } else { known.others[lane] = handle }
        state.companies[company] = known
        return handle
    }

    var handles: [TaskHandle] { withState { $0.companies.values.flatMap(\.handles) } }

    /// Notes which jobs are told apart from now on; whether these are others than before.
    func know(_ sublimits: Sublimits, of company: Identifier<Company>) -> Bool {
        withState { state in
            guard state.companies[company]?.sublimits != sublimits else { return false }
            state.companies[company, default: OfCompany()].sublimits = sublimits
            return true
        }
    }

    /// Stops spending what is held of a company's tasks, or is on its way; that is told with the next ``TaskMeter/settle()``. Returns whether
    /// something was held.
    @discardableResult func close(_ company: Identifier<Company>, but kept: TaskHandle? = nil) -> Bool {
        handles(of: company).filter { $0 !== kept }.count { close($0) } > 0
    }

    /// The same, of one lane.
    @discardableResult func close(_ handle: TaskHandle) -> Bool {
        guard let closed = handle.close().closed else { return false }
        tell(Statement(handle.company, closed))
        return true
    }

    /// The companies of which tasks were asked back since the board was read last; all when that cannot be told, and `nil` when
    /// there is nothing new.
    func news(of board: RecallBoard) -> Set<Identifier<Company>>? {
        withState { state in
            guard board.count != state.recallsRead else { return nil }
            return board.companies(since: state.recallsRead) ?? Set(state.companies.keys)
        }
    }

    func hasRead(_ board: RecallBoard) { withState { $0.recallsRead = board.count } }

    func tell(_ statement: Statement) { withState { $0.statements.append(statement) } }

    func statements(of company: Identifier<Company>? = nil) -> [Statement] {
        withState { state in
            guard let company else { return state.statements }
            return state.statements.filter { $0.company == company }
        }
    }

    func forget(_ told: [Statement]) {
        journal?.end(told.map(\.lease))
        let told = Set(told)
        withState { $0.statements.removeAll { told.contains($0) } }
    }
}

extension HeldTasks.Statement {
    init(_ company: Identifier<Company>, _ closed: TaskHandle.Closed) {
        self.init(
            company: company, lease: closed.held.id, period: closed.held.period.start, used: closed.used)
    }
}
