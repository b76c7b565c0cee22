// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What becomes of a company's jobs when it is paused: nothing new is admitted in any case.
public struct Pause: Hashable, Sendable, Codable {
    /// What the jobs do that are running.
    public enum RunningJobs: String, Hashable, Sendable, Codable, CaseIterable {
        /// They finish, on the tasks that they have.
        case finish
        /// They are asked to stop: ``Admission/isAskedToStop``.
        case stop
    }

    /// What running jobs do.
    public let running: RunningJobs
    /// Since when.
    public let since: Timestamp
}

extension Plans {
    /// Admits nothing more of a company until it is resumed; jobs that are running finish, or are asked to stop. Paused again, only what
    /// running jobs do is another.
    ///
    /// In this process at once, in others with their next ``TaskMeter/settle()``. Jobs that wait go on waiting. The reason is the
    /// one in the permit's context. What the company is on, and pays, is not changed. Complexity: one commit.
    public func pause(
        _ company: Identifier<Company>, running: Pause.RunningJobs = .finish, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        try await setPause("plans.pause", company, permit) { since in Pause(running: running, since: since) }
    }

    /// Admits jobs of a company again; none are asked to stop any more.
    public func resume(_ company: Identifier<Company>, _ permit: Permit<ChangePlan>) async throws(PlanError) {
        try await setPause("plans.resume", company, permit) { _ in nil }
    }

    private func setPause(
        _ action: String, _ company: Identifier<Company>, _ permit: Permit<ChangePlan>,
        _ pause: (Timestamp) -> Pause?
    ) async throws(PlanError) {
        let pause = try await acting(action, permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            var history = try await history(of: company, in: &transaction)
            let before = history
            let new = pause(before.facts.pause?.since ?? authority.time.now)
            history.set(new)
            try await tables.facts.write(history.facts, .platform, [company.description], in: &transaction)
            // Also those learn of it that hold nothing.
            try await recall(company, before, at: authority.time.now, in: &transaction)
            try await RecallBoard.add(company, in: &transaction)
            return (new, new.map { ["running": $0.running.rawValue] } ?? [:])
        }
        // What is in the store now decides: another call may have come between.
        do throws(PlanError) {
            try await tellRunning(of: company)
        } catch {
            askToStop(pause?.running == .stop, company)
        }
    }

    /// Asks running jobs of a company to stop, or no longer, as its facts say.
    func tellRunning(of company: Identifier<Company>) async throws(PlanError) {
        guard !held.handles(of: company).isEmpty else { return }
        let pause = try await store.transaction {
            (transaction: inout Transaction<PlanError>) throws(PlanError) -> Pause? in
            try await historyIfKnown(of: company, in: &transaction)?.facts.pause
        }
        askToStop(pause?.running == .stop, company)
    }

    private func askToStop(_ isAsked: Bool, _ company: Identifier<Company>) {
        for handle in held.handles(of: company) { handle.askToStop(isAsked) }
    }
}
