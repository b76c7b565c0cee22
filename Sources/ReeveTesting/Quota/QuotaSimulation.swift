// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

/// Processes that spend one limit while much goes wrong: commits that are lost, doubled, late and out of order, crashes, pauses,
/// wrong clocks, a limit that is raised and lowered. The same seed gives the same run.
public struct QuotaSimulation: Sendable {
    /// What a run came to.
    public struct Report: Hashable, Sendable {
        /// Things that went wrong on purpose, and changed something.
        public internal(set) var faults = 0
        /// Tasks that were spent.
        public internal(set) var admitted = 0
        /// More was spent than the limit allowed at some time.
        public internal(set) var isViolated = false
        /// Tasks that count as used at the end, and that nobody spent.
        public internal(set) var stranded = 0
        /// What crashed processes held, or had to write off by their journal: ``stranded`` is never more.
        public internal(set) var strandedBound = 0
        /// Refusals although something was left, while every holder could be reached.
        public internal(set) var wrongRefusals = 0
        /// Refusals in all.
        public internal(set) var refusals = 0
        /// Commits that changed the pool.
        public internal(set) var writes = 0
    }

    /// Processes, 1 to 256. What is out of range, here and below, counts as the nearest.
    public var nodes = 4
    /// Tasks in the limit, 0 to 10^9.
    public var limit = 200
    /// Steps that are taken.
    public var steps = 4000
    /// How often something goes wrong instead of a step: one time in so many; 0 for never.
    public var faultsOneIn = 5
    /// Whether processes crash and pause. Without it every holder can be reached.
    public var crashes = true
    /// Tasks by which a process writes its journal ahead, 1 to 10^9; `nil` for processes without one.
    public var journal: Int?
    /// Which protocol runs.
    public var flaw = QuotaFlaw.none

    /// Four processes and a limit of 200.
    public init() {}

    /// Runs it by the numbers that a generator gives.
    public func run(using generator: inout SeededGenerator) -> Report {
        var model = QuotaModel(
            nodes: min(max(nodes, 1), 256), limit: Self.bounded(limit), lifetime: 50, patience: 6,
            flaw: flaw)
        var report = Report()
        var writtenOff: Int64 = 0
        if !flaw.hasPerfectClocks, faultsOneIn > 0 {
            for node in model.nodes.indices { model.nodes[node].skew = .random(in: -80...80, using: &generator) }
        }
        for _ in 0..<max(steps, 0) where !report.isViolated {
            model.time += Int64.random(in: 0...1, using: &generator)
            if faultsOneIn > 0, Int.random(in: 0..<faultsOneIn, using: &generator) == 0 {
                if fault(&model, &writtenOff, &generator) { report.faults += 1 }
            } else {
                step(&model, &report, &generator)
            }
            if model.isViolated { report.isViolated = true }
        }
        end(&model)
        report.isViolated = report.isViolated || model.isViolated
        report.admitted = Int(model.admitted)
        report.stranded = Int(model.stranded)
        report.strandedBound = Int(model.lost + writtenOff)
        report.writes = model.applied
        return report
    }

    private static func bounded(_ count: Int) -> Int64 { Int64(min(max(count, 0), 1_000_000_000)) }

    private func step(_ model: inout QuotaModel, _ report: inout Report, _ generator: inout SeededGenerator) {
        if !model.commits.isEmpty, Int.random(in: 0..<3, using: &generator) == 0 {
            model.deliver(.random(in: model.commits.indices, using: &generator))
            return
        }
        let node = Int.random(in: model.nodes.indices, using: &generator)
        guard !model.nodes[node].isPaused else { return }
        switch model.nodes[node].phase {
        case .idle: model.ask(node)
        case .holding:
            // Mostly it spends; at times it reads the pool, as its background work does. Every third has little to do.
            let isBusy = node % 3 != 2
            if Int.random(in: 0..<8, using: &generator) < (isBusy ? 1 : 7) {
                _ = model.look(node)
            } else if !model.spend(node) {
                model.stop(node)
            }
        case .asking, .stating:
            if flaw == .returnsAreCountedAgain, Bool.random(using: &generator) { model.stateAgain(node) }
            guard model.look(node) == .refused else { return }
            report.refusals += 1
            let canAllBeReached = model.orphans.isEmpty && model.nodes.allSatisfy { !$0.isPaused }
            if canAllBeReached, model.pool.overdue.isEmpty, model.spare > 0 {
                report.wrongRefusals += 1
            }
        }
    }

    /// Lets something go wrong; `false` when there was nothing to go wrong.
    private func fault(
        _ model: inout QuotaModel, _ writtenOff: inout Int64, _ generator: inout SeededGenerator
    ) -> Bool {
        let node = Int.random(in: model.nodes.indices, using: &generator)
        switch Int.random(in: 0..<(crashes ? 9 : 2), using: &generator) {
        case 0 where !model.commits.isEmpty: model.lose(.random(in: model.commits.indices, using: &generator))
        case 1 where !model.commits.isEmpty:
            // A copy of what took effect expects a pool that is no more: it is sent, and not counted.
            model.deliver(.random(in: model.commits.indices, using: &generator), keepingCopy: true)
            return false
        case 2: model.nodes[node].isPaused.toggle()
        case 3 where model.nodes[node].phase != .idle && Int.random(in: 0..<10, using: &generator) == 0:
            let before = model.nodes[node].phase
            model.crash(node, journal: journal.map { max(1, Self.bounded($0)) })
            if case .holding(_, _, let spent, _) = before, case .stating(_, let mark, _) = model.nodes[node].phase {
                writtenOff += mark - spent
            }
        case 4, 5:
            // By the clock of somebody who looks, which may be wrong.
            let now = model.time + (flaw.hasPerfectClocks ? 0 : .random(in: -80...80, using: &generator))
            let over = model.pool.leases.filter { $0.ends.microseconds <= now }
            guard let lease = over.randomElement(using: &generator),
                !flaw.hasPerfectClocks || model.hasStopped(lease)
            else { return false }
            model.expire(lease)
        case 6 where !flaw.hasPerfectClocks: model.nodes[node].skew = .random(in: -80...80, using: &generator)
        case 7 where flaw == .none && Int.random(in: 0..<20, using: &generator) == 0:
            model.setLimit(.random(in: 0...2 * max(1, Self.bounded(limit)), using: &generator))
        case 8: model.time += .random(in: 1...60, using: &generator)
        default: return false
        }
        return true
    }

    /// All processes that run go on until everything they know is in the pool; what crashed ones held is counted as used.
    private func end(_ model: inout QuotaModel) {
        for node in model.nodes.indices {
            model.nodes[node].isPaused = false
            var rounds = 0
            while model.nodes[node].phase != .idle, rounds < 100 {
                while !model.commits.isEmpty { model.deliver(0) }
                model.stop(node)
                if model.look(node) == .mustWait { model.crash(node) }
                rounds += 1
            }
        }
        while let lease = model.pool.leases.first { model.expire(lease) }
    }
}
