// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
public import ReeveModel
public import ReeveStorage

/// What makes a log prove itself: the key that vouches for its state, the ledger outside the store, and who signs.
public struct AuditKeys: Sendable {
    /// The keys of authenticated records.
    public let control: any ControlKeys
    /// The ledger outside the store, in which every checkpoint is anchored before it is signed.
    public let ledger: AnchorLedger
    /// Who signs checkpoints. To change the key, give the old and the new one for a while: both sign then.
    public let signers: [any CheckpointSigner]
    /// Who signs outside that the logs only grow.
    public let witnesses: [any CheckpointWitness]

    /// Keys.
    public init(
        control: any ControlKeys, ledger: AnchorLedger, signers: [any CheckpointSigner],
        witnesses: [any CheckpointWitness] = []
    ) {
        self.control = control
        self.ledger = ledger
        self.signers = signers
        self.witnesses = witnesses
    }

    /// What the ledger says, verified.
    func reading<Value>(
        _ body: (AnchorLedger) async throws(LedgerError) -> Value
    ) async throws(AuditError) -> Value {
        do throws(LedgerError) {
            return try await body(ledger)
        } catch {
            throw AuditError(error)
        }
    }

    /// New keys and a ledger in memory, gone with the process: for trials and tests. What was signed then cannot be told
    /// from a forgery later.
    public static func ephemeral(
        name: String = "localhost/reeve", time: any TimeSource = SystemTime()
    ) throws(AuditError) -> AuditKeys {
        let (root, chain, key) = try crypto { () throws(CryptoError) in
            (
                try DerivedControlKeys(SecretBytes.random(count: 32)), try HMACKey(SecretBytes.random(count: 32)),
                try SigningKey.random()
            )
        }
        return AuditKeys(
            control: root, ledger: AnchorLedger(MemoryLedger(), authenticator: chain, time: time),
            signers: [try LocalCheckpointSigner(name: name, key: key)])
    }
}
