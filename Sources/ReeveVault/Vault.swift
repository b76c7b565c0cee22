// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
import ReeveModel
public import ReeveStorage

/// Keeps the credentials of connections under a hierarchy of keys with the Customer Main Key at the top.
///
/// Each act takes a permit and leaves exactly one audit entry, in the same commit where it writes. What opens nothing in the
/// store or in the ledger opens nothing at all. All calls may be made concurrently.
public struct Vault: Sendable {
    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable, Codable {
        /// Seconds for which an unwrapped key may be used before the key above it is asked again; 1 to 3600.
        public var keyLifetimeSeconds: Int
        /// How many unwrapped keys are kept; 16 to 10,000,000, about 2 kB each.
        public var cachedKeys: Int
        /// Seconds after which a call of a main key's provider is given up; 1 to 60.
        public var mainKeyTimeoutSeconds: Int
        /// How many calls of one main key's provider run at once; 1 to 1,000.
        public var mainKeyCallsAtOnce: Int
        /// Hours for which job data opens after the hour in which it was sealed; 1 to 8,760.
        public var jobDataHours: Int
        /// Openings by one job of one connection that one audit entry covers, and for how long.
        public var window: AuditWindow.Limits

        /// A configuration; by default keys for 60 seconds, 10,000 of them, 5 seconds and 16 calls for a main key, and job data
        /// for 30 days.
        public init(
            keyLifetimeSeconds: Int = 60, cachedKeys: Int = 10_000, mainKeyTimeoutSeconds: Int = 5,
            mainKeyCallsAtOnce: Int = 16, jobDataHours: Int = 720, window: AuditWindow.Limits = .init()
        ) {
            self.keyLifetimeSeconds = keyLifetimeSeconds
            self.cachedKeys = cachedKeys
            self.mainKeyTimeoutSeconds = mainKeyTimeoutSeconds
            self.mainKeyCallsAtOnce = mainKeyCallsAtOnce
            self.jobDataHours = jobDataHours
            self.window = window
        }

        /// All defects, each as a line; empty when there is none.
        public func validate() -> [String] {
            var defects = ConfigurationDefects()
            defects.check("keyLifetimeSeconds", keyLifetimeSeconds, 1...3600)
            defects.check("cachedKeys", cachedKeys, 16...10_000_000)
            defects.check("mainKeyTimeoutSeconds", mainKeyTimeoutSeconds, 1...60)
            defects.check("mainKeyCallsAtOnce", mainKeyCallsAtOnce, 1...1000)
            defects.check("jobDataHours", jobDataHours, 1...8760)
            return defects.lines
        }
    }

    /// What the vault did: ids only.
    public struct Receipt: Hashable, Sendable {
        /// The ids of keys that were made for this act: the environment's before the connection's.
        public let keysMade: [String]
        /// The id of the key that sealed the credential.
        public let sealedUnder: String
        /// How many credentials this connection has had, this one included.
        public let generation: Int64
    }

    let store: any Store
    let authority: AccessAuthority
    let tree: KeyTree
    /// What is needed to open a connection's credential again.
    let ready: ReadyCredentials
    let windows: OpenWindows
    let leases: Leases
    let jobDataHours: Int
    let seals = SealCounts()
    /// Both clocks when the vault was made.
    let clocks: ClockWatch
    /// Who is first makes an environment's key, the others wait for it.
    let making = Turns<MainKeyContext>()

    /// A vault over the authority's store, that takes the authority's permits.
    ///
    /// `control` are the keys under which the states of keys are authenticated, and `ledger` the list outside the store and
    /// its backups in which every closed key stands, so that a store that was put back does not open it again. Values of the
    /// configuration outside their ranges are taken to the nearest bound.
    public init(
        mainKeys: MainKeys, control: any ControlKeys, ledger: AnchorLedger, authority: AccessAuthority,
        configuration: Configuration = Configuration()
    ) {
        store = authority.store
        self.authority = authority
        let configuration = configuration.bounded
        tree = KeyTree(
            store: authority.store, time: authority.time, mainKeys: mainKeys, control: control, ledger: ledger,
            configuration: configuration)
        jobDataHours = configuration.jobDataHours
        clocks = ClockWatch(authority.time)
        leases = Leases(store: authority.store, time: authority.time)
        ready = ReadyCredentials(capacity: configuration.cachedKeys)
        windows = OpenWindows(authority: authority, limits: configuration.window)
    }

    /// How many unwrapped keys are kept now.
    package var cachedKeys: Int { tree.cache.count }

    /// Wipes unwrapped keys whose lifetime is over, closes audit windows whose time is over, and destroys keys that are due.
    /// Background work calls it.
    package func runOnce() async throws(VaultError) {
        tree.cache.dropExpired()
        ready.dropOver(authority.time.uptime, authority.time.now, tree.cache.serial)
        do throws(StoreError) {
            try await windows.closeThoseOver()
        } catch {
            throw VaultError(error)
        }
        _ = try await destroyDue()
    }

    /// Checks the permit, and that it names one environment of one workspace.
    func enter<Action>(
        _ permit: Permit<Action>, _ action: String, _ resource: Resource, _ scope: Scope
    ) async throws(VaultError) -> MainKeyContext {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: resource, in: scope)
        } catch {
            throw VaultError(error)
        }
        guard let workspace = scope.workspace, let environment = scope.environment else {
            throw await refused(VaultError(AccessError(.wrongResource)), permit, action)
        }
        return MainKeyContext(workspace: workspace, environment: environment)
    }

    /// Runs an act under a permit, and records it when it is refused or fails.
    func recorded<R, Action>(
        _ permit: Permit<Action>, _ action: String, _ body: () async throws(VaultError) -> R
    ) async throws(VaultError) -> R {
        do throws(VaultError) {
            return try await body()
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// Records an act that has no other commit, or none that its entry belongs to.
    func record<Action>(
        _ action: String, _ permit: Permit<Action>, _ details: [String: String] = [:]
    ) async throws(VaultError) {
        do throws(StoreError) {
            try await store.record(authority.entry(action, permit, details: details), in: authority.trail)
        } catch {
            throw VaultError(error)
        }
    }

    /// Records that an act was refused or failed, and gives the error back.
    func refused<Action>(_ error: VaultError, _ permit: Permit<Action>, _ action: String) async -> VaultError {
        // What may have been done is not called refused.
        if error.isUnclear { return error }
        do {
            try await authority.recordRefusal(of: action, permit, code: Self.refusal(error))
            return error
        } catch {
            return VaultError(error)
        }
    }

    /// The entry of an act on one connection, also under a permit for all of an environment.
    func entry<Action>(
        _ action: String, _ permit: Permit<Action>, on connection: Identifier<Connection>,
        _ details: [String: String] = [:], refusal: String? = nil
    ) -> AuditEntry {
        var details = details
        if let facts = permit.facts { details["facts"] = facts }
        return authority.entry(
            action, permit.context, .credential(of: connection), permit.decision, permit.policy, refusal, details)
    }

    /// What the trail calls an error.
    static func refusal(_ error: VaultError) -> String {
        [error.code.rawValue, error.detail?.rawValue].compactMap { $0 }.joined(separator: ".")
    }

    /// Looks at the keys of an environment, and looks again when they changed meanwhile.
    func withView<R>(
        _ context: MainKeyContext, _ body: (KeyTree.View) async throws(VaultError) -> R?
    ) async throws(VaultError) -> R {
        for _ in 0..<40 {
            let view: KeyTree.View
            do throws(VaultError) {
                view = try await tree.view(of: context)
            } catch {
                guard error.isStale else { throw error }
                continue
            }
            do throws(VaultError) {
                if let result = try await body(view) { return result }
            } catch {
                if error.isStale { continue }
                // What does not fit together may be of two times: then it is looked at once more.
                guard error.code == .cannotOpen, try await !isCurrent(view) else { throw error }
            }
        }
        throw VaultError(.changedMeanwhile)
    }

    /// Whether the store still has what a view has seen.
    func isCurrent(_ view: KeyTree.View) async throws(VaultError) -> Bool {
        guard let control = view.control else { return true }
        do throws(StoreError) {
            return try await tree.control.isCurrent(control)
        } catch {
            throw VaultError(error)
        }
    }
}

extension Vault.Configuration {
    fileprivate var bounded: Self {
        var copy = self
        copy.keyLifetimeSeconds = min(max(keyLifetimeSeconds, 1), 3600)
        copy.cachedKeys = min(max(cachedKeys, 16), 10_000_000)
        copy.mainKeyTimeoutSeconds = min(max(mainKeyTimeoutSeconds, 1), 60)
        copy.jobDataHours = min(max(jobDataHours, 1), 8760)
        copy.mainKeyCallsAtOnce = min(max(mainKeyCallsAtOnce, 1), 1000)
        return copy
    }
}
