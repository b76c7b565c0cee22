// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage
import Synchronization

/// The audit windows of jobs: one for each connection, job, scope and act.
final class OpenWindows: Sendable {
    private struct ID: Hashable {
        let connection: Identifier<Connection>
        let job: Identifier<Job>
        let scope: Scope
        let action: String
    }
    private struct Kept {
        let window: AuditWindow
        /// Since when it is known to be closed.
        var closed: Duration?
    }
    private let windows = Mutex<[ID: Kept]>([:])
    private let authority: AccessAuthority
    private let limits: AuditWindow.Limits

    init(authority: AccessAuthority, limits: AuditWindow.Limits) {
        self.authority = authority
        self.limits = limits
    }

    /// Returns when one more opening by the permit's job is covered by a committed entry, and whether that took a wait.
    func enter(
        _ connection: Identifier<Connection>, _ action: String, _ permit: Permit<OpenCredential>
    ) async throws(StoreError) -> Bool {
        guard case .job(let job) = permit.context.actor else { throw .unavailable("windows are for jobs") }
        let id = ID(connection: connection, job: job, scope: permit.context.scope, action: action)
        let known = windows.withLock { windows in
            windows[id]?.closed = nil
            return windows[id]?.window
        }
        if let known { return try await known.enter() }
        let authority = authority
        let window = AuditWindow(
            limits: limits, store: authority.store, trail: authority.trail, time: authority.time
        ) { _, phase, details in
            authority.entry(
                phase == "open" ? action : "\(action).closed", permit, details: details)
        }
        let kept = windows.withLock { windows in
            if let other = windows[id] { return other.window }
            windows[id] = Kept(window: window)
            return window
        }
        return try await kept.enter()
    }

    /// Closes windows whose time is over, and forgets them.
    func closeThoseOver() async throws(StoreError) {
        let now = authority.time.uptime
        for (id, kept) in windows.withLock({ $0 }) {
            try await kept.window.closeIfOver()
            guard !kept.window.isOpen else { continue }
            windows.withLock { windows in
                // Not at once: somebody may be about to enter it.
                if let closed = windows[id]?.closed, now - closed > .seconds(2 * limits.seconds) {
                    windows[id] = nil
                } else if windows[id]?.closed == nil {
                    windows[id]?.closed = now
                }
            }
        }
    }
}
