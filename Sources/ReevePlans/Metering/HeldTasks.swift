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

    private struct State {
        var handles: [Identifier<Company>: TaskHandle] = [:]
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

    init(time: any TimeSource) {
        self.time = time
        state = Mutex(State(holder: Identifier<Worker>(at: time.now).description))
    }

    /// This process, as other holders see it.
    var holder: String { withState { $0.holder } }

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

    /// The handle of a company, if there is one.
    func knownHandle(for company: Identifier<Company>) -> TaskHandle? { withState { $0.handles[company] } }

    func handle(for company: Identifier<Company>) -> TaskHandle {
        withState { state in
            if let handle = state.handles[company] { return handle }
            let handle = TaskHandle(company, returned: returned, charges: charges, time: time)
            state.handles[company] = handle
            return handle
        }
    }

    var handles: [TaskHandle] { withState { Array($0.handles.values) } }

    /// Stops spending what is held of a company's tasks, or is on its way; that is told with the next ``TaskMeter/settle()``.
    func close(_ company: Identifier<Company>) {
        guard let closed = knownHandle(for: company)?.close().closed else { return }
        tell(Statement(company, closed))
    }

    /// The companies of which tasks were asked back since the board was read last; all when that cannot be told, and `nil` when
    /// there is nothing new.
    func news(of board: RecallBoard) -> Set<Identifier<Company>>? {
        withState { state in
            guard board.count != state.recallsRead else { return nil }
            return board.companies(since: state.recallsRead) ?? Set(state.handles.keys)
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
