// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// How the vault stands for an environment: what an operator should know, without looking at each key.
public struct VaultHealth: Hashable, Sendable {
    /// One thing that is not as it should be.
    public enum Warning: String, Hashable, Sendable, CaseIterable {
        /// The ledger lies in the store or in this process's memory: a store that is put back opens what was closed. For
        /// trials only.
        case noRollbackProtection
        /// The ledger cannot be read: nothing opens once what is known of it is older than a key's lifetime.
        case ledgerUnavailable
        /// The ledger has lost lines, or one was changed: nothing opens until the loss is accepted.
        case ledgerBehind
        /// No main key is known for the environment.
        case mainKeyMissing
        /// The main key refuses, or does not give back what it wraps.
        case mainKeyRefuses
        /// The main key does not answer.
        case mainKeyUnavailable
        /// Keys are still under an earlier main key: see ``Vault/repack(_:)``.
        case earlierMainKeyNeeded
        /// The environment's key is suspended, compromised or destroyed.
        case keyClosed
        /// The wall clock is more than five minutes off: nothing is destroyed for good until it is right.
        case clocksDisagree
        /// Secrets cannot be locked in memory here, and may be swapped out.
        case memoryNotLocked
    }

    /// What is not as it should be; empty when all is well.
    public internal(set) var warnings: Set<Warning> = []
    /// How many unwrapped keys this process keeps.
    public internal(set) var cachedKeys = 0
    /// How many lines the ledger has, as far as it could be read.
    public internal(set) var ledgerLines: Int?
}

/// From when on what was shredded is out of everybody's reach.
///
/// In the process that shreds it is at once, in others after ``otherProcesses``. A backup of the store from before opens for
/// who holds a main key that wrapped the keys of that time, and the keys that vouch for records: until those main keys are
/// destroyed too.
public struct ShredHorizon: Hashable, Sendable {
    /// A main key, and the backups that need it.
    public struct MainKey: Hashable, Sendable {
        /// What names it.
        public let reference: String
        /// Backups from then on need it.
        public let since: Timestamp
        /// Backups from then on do not need it; `nil` while keys are under it.
        public let until: Timestamp?
    }
    /// After so long no other process opens it.
    public let otherProcesses: Duration
    /// The main keys that the environment's keys have been under, at most the latest 50.
    public let mainKeys: [MainKey]
}

extension Vault {
    /// Says how the vault stands for an environment. The permit is for the environment's keys. The main key is asked to wrap
    /// and unwrap a probe.
    public func health(_ permit: Permit<ManageKeys>) async throws(VaultError) -> VaultHealth {
        let action = "vault.health"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            var health = VaultHealth()
            health.cachedKeys = tree.cache.count
            if SecretMemory.status.unlockedBytes > 0 { health.warnings.insert(.memoryNotLocked) }
            if !tree.ledger.protectsAgainstRollback { health.warnings.insert(.noRollbackProtection) }
            do throws(VaultError) {
                let ledger = try await tree.ledger.read()
                health.ledgerLines = ledger.lines
                if clocksDisagree(by: ledger) { health.warnings.insert(.clocksDisagree) }
                try await lookAtKeys(context, &health)
            } catch {
                guard let warning = error.warning else { throw error }
                health.warnings.insert(warning)
            }
            do throws(VaultError) {
                guard let mainKey = tree.mainKeys.current(for: context) else { throw VaultError(.mainKeyMissing) }
                try await tree.probe(mainKey, context)
            } catch {
                guard let warning = error.warning else { throw error }
                health.warnings.insert(warning)
            }
            let warnings = health.warnings.map(\.rawValue).sorted().joined(separator: ",")
            try await record(action, permit, ["warnings": warnings])
            return health
        }
    }

    private func lookAtKeys(_ context: MainKeyContext, _ health: inout VaultHealth) async throws(VaultError) {
        let found: (set: KeySet?, isOpen: Bool) = try await withView(context) { (view) throws(VaultError) in
            let place = KeyPlace(context)
            guard let set = try await tree.environmentSet(context, view), let current = set.currentVersion else {
                return (nil, !view.ledger.isClosed(place))
            }
            return (set, current.state.opens && view.ledger.closure(of: place, current) == nil)
        }
        if !found.isOpen { health.warnings.insert(.keyClosed) }
        if found.set?.mainKeys.dropLast().contains(where: { $0.until == nil }) == true {
            health.warnings.insert(.earlierMainKeyNeeded)
        }
        if let last = found.set?.mainKeys.last, let current = tree.mainKeys.current(for: context)?.reference,
            !last.reference.isIdentical(to: current)
        {
            health.warnings.insert(.earlierMainKeyNeeded)
        }
    }

    /// Says which main keys have to be destroyed before backups of an environment open nothing that was shredded. The permit
    /// is for the environment's keys.
    public func shredHorizon(_ permit: Permit<ManageKeys>) async throws(VaultError) -> ShredHorizon {
        let action = "vault.key.horizon"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            let set: KeySet? = try await withView(context) { (view) throws(VaultError) in
                .some(try await tree.set(of: KeyPlace(context), view))
            }
            try await record(action, permit)
            return ShredHorizon(
                otherProcesses: tree.lifetime,
                mainKeys: (set?.mainKeys ?? []).map { use in
                    .init(reference: use.reference, since: use.since, until: use.until)
                })
        }
    }
}

extension VaultError {
    /// What an error says of how the vault stands; `nil` when the look itself failed.
    fileprivate var warning: VaultHealth.Warning? {
        switch code {
        case .ledgerUnavailable, .ledgerUnclear: .ledgerUnavailable
        case .ledgerBehind, .ledgerTampered: .ledgerBehind
        case .mainKeyMissing: .mainKeyMissing
        case .mainKeyDenied, .mainKeyUnfit: .mainKeyRefuses
        case .mainKeyUnavailable: .mainKeyUnavailable
        default: nil
        }
    }
}
