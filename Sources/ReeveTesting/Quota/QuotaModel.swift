// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

/// Processes that spend one limit through a store, as a system of states and steps: the pool's real rules, and what may go wrong
/// around them.
///
/// A process reads the pool and sends a commit that expects it unchanged. A commit is applied, applied late, lost or sent twice,
/// and no reply is relied on: the process reads again. Processes crash, stop for a while, and their clocks are wrong.
/// ``QuotaSimulation`` walks it at random, ``QuotaModelCheck`` visits every state of a small one.
struct QuotaModel {
    /// What a commit does.
    enum Work: Hashable {
        case acquire(node: Int, id: UInt64, need: Int64)
        case settle(id: UInt64, used: Int64, amount: Int64)
        case recall(node: Int)
    }

    /// A commit under way; it is applied only while the pool is as it was read.
    struct Commit: Hashable {
        let work: Work
        let version: Int
    }

    /// What a process is doing.
    enum Phase: Hashable {
        case idle
        /// It has asked for a lease, and does not know yet whether it has it.
        case asking(UInt64)
        case holding(id: UInt64, amount: Int64, spent: Int64, deadline: Int64)
        /// It has stopped spending and says so until that is in the pool.
        case stating(id: UInt64, used: Int64, amount: Int64)
    }

    struct Node {
        var phase = Phase.idle
        var isPaused = false
        /// What its clock shows besides the time.
        var skew: Int64 = 0
    }

    let flaw: QuotaFlaw
    let lifetime: Int64
    let need: Int64
    private(set) var pool: QuotaPool
    private(set) var version = 0
    private(set) var commits: [Commit] = []
    private(set) var issued: UInt64 = 0
    private(set) var admitted: Int64 = 0
    /// No more than this may be admitted.
    private(set) var ceiling: Int64
    /// What was spent of each lease.
    private(set) var spent: [UInt64: Int64] = [:]
    /// Leases whose holder has crashed.
    private(set) var orphans: Set<UInt64> = []
    private(set) var applied = 0
    var nodes: [Node]
    var time: Int64 = 0
    /// Who waits for what others hold gives up once each of them has looked so often and no statement was lost; `nil` for never.
    let patience: Int?
    private var looks: [Int]
    private var waiting: [Int: (phase: Phase, looks: [Int])] = [:]

    init(
        nodes: Int, limit: Int64, need: Int64 = 1, lifetime: Int64 = 100, patience: Int? = nil, flaw: QuotaFlaw
    ) {
        self.patience = patience
        looks = Array(repeating: 0, count: nodes)
        pool = QuotaPool(limit: limit)
        ceiling = limit
        self.flaw = flaw
        self.lifetime = lifetime
        self.need = need
        self.nodes = Array(repeating: Node(), count: nodes)
    }

    var isViolated: Bool { admitted > ceiling }

    private static func id(_ number: UInt64) -> Identifier<QuotaLeaseRecord> { Identifier(high: 0, low: number) }
    private func open(_ number: UInt64) -> QuotaPool.Lease? { pool.leases.first { $0.id == Self.id(number) } }
    private func isOverdue(_ number: UInt64) -> Bool { pool.overdue.contains { $0.id == Self.id(number) } }

    private mutating func send(_ work: Work) {
        let commit = Commit(work: work, version: version)
        if !commits.contains(commit) { commits.append(commit) }
    }

    // MARK: What a process does

    /// Asks for a lease.
    mutating func ask(_ node: Int) {
        issued += 1
        nodes[node].phase = .asking(issued)
        send(.acquire(node: node, id: issued, need: need))
    }

    /// Spends one task of what it holds, unless its clock says that its time is over; `false` when it may not.
    mutating func spend(_ node: Int) -> Bool {
        guard case .holding(let id, let amount, let used, let deadline) = nodes[node].phase, used < amount,
            time + nodes[node].skew < deadline
        else { return false }
        nodes[node].phase = .holding(id: id, amount: amount, spent: used + 1, deadline: deadline)
        spent[id, default: 0] += 1
        admitted += 1
        return true
    }

    /// Stops spending, and says how much it was.
    mutating func stop(_ node: Int) {
        guard case .holding(let id, let amount, let used, _) = nodes[node].phase else { return }
        state(node, id, used, amount)
    }

    private mutating func state(_ node: Int, _ id: UInt64, _ used: Int64, _ amount: Int64) {
        nodes[node].phase = .stating(id: id, used: used, amount: amount)
        send(.settle(id: id, used: used, amount: amount))
    }

    /// What reading the pool told.
    enum Sight { case nothing, refused, mustWait }

    /// Reads the pool: learns what became of its commit, and sends it again when it cannot be applied any more.
    mutating func look(_ node: Int) -> Sight {
        looks[node] += 1
        if nodes[node].phase != waiting[node]?.phase { waiting[node] = nil }
        switch nodes[node].phase {
        case .idle: break
        case .asking(let id):
            if let lease = open(id) {
                let deadline = lease.ends.microseconds
                nodes[node].phase = .holding(id: id, amount: lease.amount, spent: 0, deadline: deadline)
            } else if isOverdue(id) {
                // It came too late to be spent.
                state(node, id, 0, 0)
            } else if pool.free >= need {
                send(.acquire(node: node, id: id, need: need))
            } else if pool.mayReturn(need, besides: "\(node)") {
                if pool.leases.contains(where: { $0.holder != "\(node)" && !pool.isRecalled($0) }) {
                    send(.recall(node: node))
                    // Each has time to answer the last call.
                    waiting[node] = nil
                }
                guard isOutOfPatience(node) else { return .mustWait }
                nodes[node].phase = .idle
                return .refused
            } else {
                nodes[node].phase = .idle
                return .refused
            }
        case .holding(let id, _, _, let deadline):
            let isRecalled = flaw != .recallsAreIgnored && open(id).map { pool.isRecalled($0) } ?? false
            if isRecalled || time + nodes[node].skew >= deadline { stop(node) }
        case .stating(let id, let used, let amount):
            if open(id) != nil || isOverdue(id) {
                send(.settle(id: id, used: used, amount: amount))
            } else {
                nodes[node].phase = .idle
            }
        }
        return .nothing
    }

    /// Whether all others have looked so often since a process began to wait that each has answered.
    private mutating func isOutOfPatience(_ node: Int) -> Bool {
        guard let patience else { return false }
        guard let since = waiting[node]?.looks else {
            waiting[node] = (nodes[node].phase, looks)
            return false
        }
        return commits.isEmpty
            && nodes.indices.allSatisfy { $0 == node || looks[$0] - since[$0] >= patience }
    }

    /// Sends a statement again without looking, as a process does that had no reply.
    mutating func stateAgain(_ node: Int) {
        guard case .stating(let id, let used, let amount) = nodes[node].phase else { return }
        send(.settle(id: id, used: used, amount: amount))
    }

    /// Ends a process, and starts it again without memory, or with a journal of what it held and spent at most.
    mutating func crash(_ node: Int, journal step: Int64? = nil) {
        switch nodes[node].phase {
        case .idle: break
        case .asking(let id): orphans.insert(id)
        case .holding(let id, let amount, let used, _):
            if let step {
                // Never spent beyond the mark that was written before.
                let mark = min(amount, (used / step + 1) * step)
                state(node, id, mark, amount)
                return
            }
            orphans.insert(id)
        case .stating(let id, let used, let amount):
            if step != nil {
                state(node, id, used, amount)
                return
            }
            orphans.insert(id)
        }
        nodes[node].phase = .idle
    }

    // MARK: What happens to the pool

    /// Applies a commit; one that expected another pool does nothing. A copy may stay under way.
    mutating func deliver(_ index: Int, keepingCopy: Bool = false) {
        let commit = commits[index]
        if !keepingCopy { commits.remove(at: index) }
        guard commit.version == version else { return }
        switch commit.work {
        case .acquire(let node, let id, let need):
            // Nobody asks for the same lease again once it was closed: the pool has changed since.
            let ends = Timestamp(microseconds: time + lifetime)
            guard pool.acquire(Self.id(id), for: "\(node)", need: need, until: ends) != nil else { return }
        case .settle(let id, let used, let amount):
            if pool.settle(Self.id(id), used: used) == .known {
                guard flaw == .returnsAreCountedAgain else { return }
                pool.setLimit(pool.limit + amount - used)
            }
        case .recall(let node): guard pool.recall(for: "\(node)") else { return }
        }
        change()
    }

    private mutating func change() {
        version += 1
        applied += 1
        // None of the others can be applied any more.
        for commit in commits where commit.version < version { noteUnanswered(commit) }
        commits.removeAll { $0.version < version }
    }

    /// Loses a commit.
    mutating func lose(_ index: Int) { noteUnanswered(commits.remove(at: index)) }

    /// Who waits for a process whose statement did not arrive gives it as much time again.
    private mutating func noteUnanswered(_ commit: Commit) {
        guard case .settle(let id, _, _) = commit.work else { return }
        for node in nodes.indices {
            guard case .stating(id, _, _) = nodes[node].phase else { continue }
            for waiter in waiting.keys { waiting[waiter]?.looks[node] = looks[node] }
        }
    }

    /// Counts a lease as used, or gives it back to the pool where the protocol is wrong.
    mutating func expire(_ lease: QuotaPool.Lease) {
        pool.expire(lease.id)
        if flaw.reclaims { _ = pool.settle(lease.id, used: 0) }
        change()
    }

    /// Whether the clocks, where they are right, let a lease end: its holder has stopped, or is gone.
    func hasStopped(_ lease: QuotaPool.Lease) -> Bool {
        !nodes.contains { node in
            if case .holding(let id, _, _, _) = node.phase { return Self.id(id) == lease.id }
            return false
        }
    }

    /// Changes the limit. What holders have stays with them.
    mutating func setLimit(_ limit: Int64) {
        pool.setLimit(limit)
        ceiling = max(limit, pool.settled + pool.held)
        change()
    }

    /// Tasks that nobody needs: what is free, and what is held beyond what its holder asked for and has not spent.
    var spare: Int64 {
        pool.leases.reduce(pool.free) { sum, lease in
            lease.amount > need ? sum + lease.amount - max(need, spent[lease.id.low] ?? 0) : sum
        }
    }

    /// Tasks that count as used and were not spent.
    var stranded: Int64 { pool.settled - admitted }

    /// What crashed processes held and had not spent, and what was stated by a journal beyond what was spent.
    var lost: Int64 {
        (pool.leases + pool.overdue).reduce(0) { sum, lease in
            orphans.contains(lease.id.low) ? sum + lease.amount - (spent[lease.id.low] ?? 0) : sum
        }
    }
}

/// A wrong protocol that a check of the right one must tell apart.
public enum QuotaFlaw: String, Hashable, Sendable, CaseIterable {
    /// The right protocol.
    case none
    /// What a lease did not use comes back each time that it is stated.
    case returnsAreCountedAgain
    /// What a lease whose time is over holds comes back to the limit.
    case expiredLeasesComeBack
    /// The same, where no clock is ever wrong.
    case expiredLeasesComeBackByPerfectClocks
    /// Who is asked to give back what it holds does not.
    case recallsAreIgnored

    /// Whether it lets more through than the limit; otherwise it refuses while something is left.
    public var breaksTheLimit: Bool { self != .none && self != .recallsAreIgnored }

    var reclaims: Bool { self == .expiredLeasesComeBack || self == .expiredLeasesComeBackByPerfectClocks }
    var hasPerfectClocks: Bool { self == .expiredLeasesComeBackByPerfectClocks }
}
