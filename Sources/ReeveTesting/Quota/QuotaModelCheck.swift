// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

/// Visits every state that a few processes can bring a small limit into, whatever order things happen in: expiry at any moment,
/// commits that arrive late or never, crashes.
///
/// It finds a violation of the limit with the least number of steps, or says that there is none within its bounds. A check of
/// small sizes is no proof for all; the argument for all sizes is in `QuotaPool`.
public struct QuotaModelCheck: Sendable {
    /// What was found.
    public struct Result: Hashable, Sendable {
        /// States visited.
        public let states: Int
        /// The steps to the first state in which more was spent than the limit; `nil` when there is none.
        public let violation: Int?
    }

    /// Processes, 1 to 3.
    public var nodes = 2
    /// Tasks in the limit, 1 to 8.
    public var limit = 4
    /// Tasks that each lease has at least, 1 to 8. What is out of range counts as the nearest.
    public var chunk = 2
    /// Leases that are asked for in all, 0 to 16.
    public var leases = 4
    /// Crashes in all, 0 to 16.
    public var crashes = 2
    /// Which protocol is checked.
    public var flaw = QuotaFlaw.none

    /// Two processes, a limit of four, four leases of two, two crashes.
    public init(flaw: QuotaFlaw = .none) {
        self.flaw = flaw
    }

    private struct State {
        var model: QuotaModel
        var crashes = 0
        var steps = 0

        /// What tells states apart, each number in a byte.
        var code: [UInt8] {
            var code = [UInt8(crashes), UInt8(model.issued), UInt8(model.admitted)]
            code.append(UInt8(truncatingIfNeeded: model.pool.limit))
            code.append(UInt8(truncatingIfNeeded: model.pool.settled))
            for list in [model.pool.leases, model.pool.overdue] {
                code.append(UInt8(list.count))
                for lease in list.sorted(by: { $0.id.low < $1.id.low }) {
                    code += [UInt8(lease.id.low), UInt8(lease.amount), UInt8(lease.holder) ?? 0]
                }
            }
            for node in model.nodes {
                switch node.phase {
                case .idle: code.append(0)
                case .asking(let id): code += [1, UInt8(id)]
                case .holding(let id, let amount, let spent, _): code += [2, UInt8(id), UInt8(amount), UInt8(spent)]
                case .stating(let id, let used, let amount): code += [3, UInt8(id), UInt8(used), UInt8(amount)]
                }
            }
            let commits = model.commits.map { commit -> [UInt8] in
                switch commit.work {
                case .acquire(let node, let id, _): [0, UInt8(node), UInt8(id)]
                case .settle(let id, let used, let amount): [1, UInt8(id), UInt8(used), UInt8(amount)]
                case .recall(let node): [2, UInt8(node)]
                }
            }
            for commit in commits.sorted(by: { $0.lexicographicallyPrecedes($1) }) { code += commit }
            return code
        }
    }

    /// Visits the states, the ones with fewer steps first.
    public func run() -> Result {
        let start = State(
            model: QuotaModel(
                nodes: min(max(nodes, 1), 3), limit: Int64(min(max(limit, 1), 8)), need: Int64(min(max(chunk, 1), 8)),
                flaw: flaw))
        var seen: Set<[UInt8]> = [start.code]
        var (present, steps) = ([start], 0)
        while !present.isEmpty {
            var next: [State] = []
            steps += 1
            for state in present {
                for successor in successors(of: state) {
                    if successor.model.isViolated { return Result(states: seen.count, violation: steps) }
                    if seen.insert(successor.code).inserted { next.append(successor) }
                }
            }
            present = next
        }
        return Result(states: seen.count, violation: nil)
    }

    private func successors(of state: State) -> [State] {
        var successors: [State] = []
        func step(_ change: (inout State) -> Void) {
            var next = state
            change(&next)
            successors.append(next)
        }
        for node in state.model.nodes.indices {
            switch state.model.nodes[node].phase {
            case .idle: if state.model.issued < UInt64(min(max(leases, 0), 16)) { step { $0.model.ask(node) } }
            case .asking: step { _ = $0.model.look(node) }
            case .holding:
                step { _ = $0.model.spend(node) }
                step { $0.model.stop(node) }
            case .stating:
                step { _ = $0.model.look(node) }
                if flaw == .returnsAreCountedAgain { step { $0.model.stateAgain(node) } }
            }
            if state.crashes < min(crashes, 16), state.model.nodes[node].phase != .idle {
                step {
                    $0.model.crash(node)
                    $0.crashes += 1
                }
            }
        }
        for index in state.model.commits.indices { step { $0.model.deliver(index) } }
        for lease in state.model.pool.leases where !flaw.hasPerfectClocks || state.model.hasStopped(lease) {
            step { $0.model.expire(lease) }
        }
        return successors
    }
}
