// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePostgres
import ReeveSQLite
import ReeveStorage
import ReeveVault

/// Where the example keeps what should outlive it: `memory`, `sqlite:PATH` or `postgres:CONNECTION`.
enum StoreChoice {
    case memory
    case sqlite(String)
    case postgres(String)

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count > 1 ? parts[1] : "") {
        case ("memory", ""): self = .memory
        case ("sqlite", let path) where !path.isEmpty: self = .sqlite(path)
        case ("postgres", let connection) where !connection.isEmpty: self = .postgres(connection)
        default: throw UserFailure("--store is memory, sqlite:PATH or postgres:CONNECTION, and not `\(parts[0])`")
        }
    }
}

/// What a second run sees of the first: a credential in a durable store, opened under keys that are kept elsewhere.
struct StoreStory {
    let choice: StoreChoice
    private let me = ActContext.Actor.host("quickstart")
    // Ids are the host's to choose.
    private let scope = Scope(Identifier<Workspace>(high: 0x5265_6576_6501, low: 1), .production)
    private let connection = Identifier<Connection>(high: 0x5265_6576_6502, low: 1)

    func tell() async throws {
        switch choice {
        case .memory: say("memory", "nothing outlives this program; try --store sqlite:reeve.sqlite, twice")
        case .sqlite(let path):
            let store = try SQLiteStore(path: path)
            try await tell(store, keptBeside: path)
            try store.close()
            say("kept in", path)
        case .postgres(let text):
            // A program in service opens the store as a role of its own, and its owner migrates.
            try await PostgresStore.migrate(text, schema: "reeve_quickstart")
            let store = try await PostgresStore(text, configuration: .init(schema: "reeve_quickstart"))
            try await tell(store, keptBeside: "reeve-quickstart")
            await store.close()
            say("kept in", "the schema reeve_quickstart")
        }
    }

    private func tell(_ store: any Store, keptBeside path: String) async throws {
        let (mainKey, audit) = try keys(path + ".keys", ledger: path + ".ledger")
        let authority = try await AccessAuthority.soleOperator(me, reason: "an example", store: store)
        let trust = try TrustLayer(mainKeys: MainKeys(mainKey), authority: authority, audit: audit)
        let context = ActContext(actor: me, scope: scope)
        let resource = Resource.credential(of: connection)
        do {
            let open = try await trust.access.permit(OpenCredential.self, on: resource, as: context).get()
            let count = try await trust.vault.withCredential(connection, open) { secret in
                secret.withField("key") { $0.byteCount } ?? 0
            }
            say("opened", "the \(count) bytes that an earlier run stored")
        } catch OpenFailure<Never>.vault(let error) where error.detail == .missing {
            let connector = Connector(id: Identifier(high: 0x5265_6576_6503, low: 1), name: "crm", methods: [.apiKey])
            let permit = try await trust.access.permit(StoreCredential.self, on: resource, as: context).get()
            try await trust.vault.store(
                Credential.apiKey(SecretBytes.random(count: 24)),
                for: Connection(id: connection, connector: connector.id, scope: scope), of: connector,
                permit)
            say("stored", "a credential; run this again to see it opened")
        }
        try await trust.runOnce()
        let permit = try await trust.access.permit(ReadAudit.self, on: .log(of: scope), as: context).get()
        let verification = try await trust.audit.verify(
            scope, by: AuditVerifier(keys: audit.signers.map(\.verifierKey)), permit)
        say("the log", "\(verification)")
    }

    /// The keys of the runs before, or new ones. In service they come from a key service or a hardware module; a file beside the store is for trials alone.
    private func keys(_ path: String, ledger: String) throws -> (LocalMainKey, AuditKeys) {
        var bytes = [UInt8](FileManager.default.contents(atPath: path) ?? Data())
        if bytes.isEmpty {
            bytes = (0..<128).map { _ in .random(in: .min ... .max) }
            // Nobody else's from its first moment on.
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
            defer { close(file) }
            guard file >= 0, write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
                throw UserFailure("cannot write the keys to `\(path)`")
            }
        }
        guard bytes.count == 128 else { throw UserFailure("`\(path)` does not hold the keys of this example") }
        func part(_ number: Int) throws -> SecretBytes {
            try SecretBytes(copying: Array(bytes[(number * 32)..<(number * 32 + 32)]))
        }
        let chain = try HMACKey(part(2))
        let signer = try LocalCheckpointSigner(name: "localhost/reeve", key: SigningKey(seed: part(3)))
        return try (
            LocalMainKey(part(0)),
            AuditKeys(
                control: DerivedControlKeys(part(1)),
                ledger: AnchorLedger(FileLedger(path: ledger), authenticator: chain), signers: [signer])
        )
    }
}
