// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveAudit

/// One store, one ledger and one set of keys, and as many processes over them as a test wants.
struct AuditWorld: Sendable {
    let base: TestStore
    let time: ManualTime
    let ledger: MemoryLedger
    let control: DerivedControlKeys
    let chain: HMACKey
    let signer: LocalCheckpointSigner
    let workspace = Identifier<Workspace>(high: 2, low: 1)
    var scope: Scope { Scope(workspace) }
    var configuration = AuditLog.Configuration(gapSeconds: 60, retentionDays: 0)

    init(
        base: TestStore = TestStore(), ledger: MemoryLedger = MemoryLedger(), time: ManualTime = ManualTime(),
        seed: UInt8 = 3
    ) throws {
        self.base = base
        self.ledger = ledger
        self.time = time
        control = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 1, count: 32)))
        chain = try HMACKey(SecretBytes(copying: [UInt8](repeating: 2, count: 32)))
        signer = try LocalCheckpointSigner(
            name: "example.com/audit", key: SigningKey(seed: SecretBytes(copying: [UInt8](repeating: seed, count: 32))))
    }

    var verifier: AuditVerifier { AuditVerifier(keys: [signer.verifierKey]) }

    func keys(_ signers: [any CheckpointSigner]? = nil, _ witnesses: [any CheckpointWitness] = []) -> AuditKeys {
        AuditKeys(
            control: control, ledger: AnchorLedger(ledger, authenticator: chain, time: time),
            signers: signers ?? [signer], witnesses: witnesses)
    }

    /// A process: an authority with its own trail, and a log. The store may be a broken one.
    func process(
        _ store: (any Store)? = nil, sinks: [any AuditSink] = [], signers: [any CheckpointSigner]? = nil,
        witnesses: [any CheckpointWitness] = []
    ) async throws -> AuditProcess {
        let store = store ?? base
        let authority = try await AccessAuthority.soleOperator(.host("app"), reason: "tests", store: store, time: time)
        let log = AuditLog(
            authority: authority, keys: keys(signers, witnesses), sinks: sinks, configuration: configuration)
        return AuditProcess(world: self, store: store, authority: authority, log: log)
    }

    /// A copy of the store as it is now.
    func copy() async throws -> AuditWorld {
        let other = TestStore()
        for entry in try await base.records(in: KeyRange(under: Key([])), limit: 1_000_000) {
            var changes = Changes()
            changes.write(entry.key, entry.record.bytes)
            try await other.commit(changes)
        }
        var world = try AuditWorld(
            base: other, ledger: MemoryLedger(try await ledger.lines(from: 0, limit: 100_000)), time: time)
        world.configuration = configuration
        return world
    }

    func records(_ table: String) async throws -> [Entry] {
        try await base.records(in: KeyRange(under: Key(Partition(workspace), [.text(table)])), limit: 100_000)
    }

    func write(_ key: Key, _ bytes: [UInt8]?) async throws {
        var changes = Changes()
        changes.delete(key)
        try await base.commit(changes)
        guard let bytes else { return }
        // What may only be added had to go first.
        changes = Changes()
        changes.write(key, bytes)
        try await base.commit(changes)
    }

    /// The types of the alarms so far.
    func alarms() async throws -> [String] {
        let types = Mutex<[String]>([])
        let outbox = Outbox(leases: Leases(store: base, time: time))
        _ = try await outbox.deliverAll(to: "test.\(UInt64.random(in: 0...UInt64.max))") { event in
            types.withLock { $0.append(event.type) }
        }
        return types.withLock { $0 }
    }
}

struct AuditProcess: Sendable {
    let world: AuditWorld
    let store: any Store
    let authority: AccessAuthority
    let log: AuditLog

    func entry(_ name: String, _ scope: Scope? = nil) -> AuditEntry {
        AuditEntry(
            at: world.time.now, context: ActContext(actor: .host("app"), scope: scope ?? world.scope), action: name,
            resource: "r")
    }

    @discardableResult func act(_ name: String, _ scope: Scope? = nil) async throws -> AuditEntry {
        let entry = entry(name, scope)
        try await store.record(entry, in: authority.trail)
        return entry
    }

    func permit<Action: PermitAction>(_ action: Action.Type, _ scope: Scope? = nil) async throws -> Permit<Action> {
        let scope = scope ?? world.scope
        return try await authority.permit(
            action, on: .log(of: scope), as: ActContext(actor: .host("app"), scope: scope)
        ).get()
    }

    func page(_ query: AuditQuery = AuditQuery(), _ scope: Scope? = nil) async throws -> AuditPage {
        try await log.entries(of: scope ?? world.scope, matching: query, permit(ReadAudit.self, scope))
    }

    func verify(_ held: SignedNote? = nil) async throws -> AuditVerification {
        try await log.verify(world.scope, against: held, by: world.verifier, permit(ReadAudit.self))
    }

    func checkpoint() async throws -> SignedNote { try #require(try await log.checkpoint(of: world.scope)) }

    /// The actions of the sequenced entries, gaps as `gap first-last`, late ones marked.
    func sequence() async throws -> [String] {
        var query = AuditQuery()
        query.limit = 10_000
        return try await page(query).entries.map { entry in
            switch entry.content {
            case .entry(let entry, let isLate): entry.action + (isLate ? " late" : "")
            case .gap(let range): "gap \(range.lowerBound)-\(range.upperBound)"
            }
        }
    }
}
