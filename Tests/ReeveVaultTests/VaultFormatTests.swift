// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// What the vault has stored stays readable: a store and a ledger of before open, and a second reader, written from
/// `Documentation/Formats.md`, reads what is written now.
@Suite struct VaultFormatTests {
    private static let secret = (0..<32).map { UInt8($0) }
    private static let connection = Connection(
        id: Identifier(high: 3, low: 1), connector: Identifier(high: 2, low: 2),
        scope: Scope(Identifier(high: 1, low: 1), .production))

    private static func stage() throws -> VaultStage {
        try VaultStage(
            control: SecretBytes(copying: secret.map { $0 ^ 0x55 }),
            chain: SecretBytes(copying: secret.map { $0 ^ 0xAA }))
    }

    private static func keys() throws -> MainKeys { try MainKeys(LocalMainKey(SecretBytes(copying: secret))) }

    private struct Golden: Codable {
        var records: [String: String]
        var lines: [String]
        var sealed: String
        var job: SealedJobData
    }

    // Read from the sources, where it is written to.
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/vault.json")
    private static let job = Identifier<Job>(high: 5, low: 5)

    private func text(_ span: RawSpan) -> String {
        String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
    }

    /// Everything in the file opens: a credential, a value of the host's own, and data of a job. The file is
    /// written anew when `REEVE_WRITE_GOLDEN` is set, for a new version of a format.
    @Test func whatWasStoredBeforeOpens() async throws {
        let stage = try Self.stage()
        let connection = Self.connection
        if ProcessInfo.processInfo.environment["REEVE_WRITE_GOLDEN"] != nil { try await write(stage) }
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Self.file))
        let store = try await TestStore.holding(golden.records)
        let process = try await stage.process(store, MemoryLedger(golden.lines.map { Array($0.utf8) }), Self.keys())
        #expect(try await process.open(connection) == "known answer")
        let mayOpen = try await process.permit(OpenCredential.self, .credential(of: connection.id), connection.scope)
        let sealed = SealedCredential(bytes: try #require(Base64URL.decode(golden.sealed)))
        let value = try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withSealed(sealed, named: "column", of: connection.id, mayOpen) { text($0) }
        }
        let mayRun = try await process.permit(RunJob.self, Resource(Self.job), connection.scope)
        let data = try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withJobData(golden.job, of: Self.job, mayRun) { text($0) }
        }
        #expect(value == "of the host" && data == "of the job")
    }

    private func write(_ stage: VaultStage) async throws {
        let (store, ledger, connection) = (TestStore(), MemoryLedger(), Self.connection)
        let process = try await stage.process(store, ledger, Self.keys())
        try await process.store("known answer", connection)
        let mayStore = try await process.permit(StoreCredential.self, .credential(of: connection.id), connection.scope)
        let sealed = try await process.vault.seal(
            SecretBytes(copying: Array("of the host".utf8)), named: "column", for: connection, mayStore)
        let mayRun = try await process.permit(RunJob.self, Resource(Self.job), connection.scope)
        let job = try await process.vault.sealJobData(
            SecretBytes(copying: Array("of the job".utf8)), of: Self.job, mayRun)
        try await process.vault.rotate(.environment, process.manage(.environment, connection.scope))
        let image = try await StoreImage(store, [stage.workspace])
        var golden = Golden(records: [:], lines: [], sealed: Base64URL.encode(sealed.bytes), job: job)
        for table in ["vault.key", "vault.keys", "vault.credential", "control"] {
            for key in image.keys(of: table) {
                golden.records[Base64URL.encode(key.bytes)] = String(decoding: image.records[key] ?? [], as: UTF8.self)
            }
        }
        golden.lines = try await ledger.lines(from: 0, limit: 100).map { String(decoding: $0, as: UTF8.self) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try FileManager.default.createDirectory(
            at: Self.file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try encoder.encode(golden).write(to: Self.file)
    }

    // MARK: A second reader

    private struct Wrapped: Decodable {
        struct Value: Decodable {
            let commitment: String
            let created: String
            let generation: Int64
            let mainKey: String?
            let parent: String?
            let parentGeneration: Int64?
            let retires: String
            let wrapped: String
        }
        let value: Value
    }
    private struct Row: Decodable {
        struct Value: Decodable {
            let generation: Int64
            let method: String
            let sealed: String
            let stored: String
        }
        let value: Value
    }

    /// Unwraps a record's key with what wrapped it, from the documented format alone.
    private func material(
        _ image: StoreImage, _ key: Key, _ level: String, _ leaf: String?,
        _ open: ([UInt8], [UInt8]) throws -> SecretBytes
    ) throws -> SecretBytes {
        let record = try JSONDecoder().decode(Wrapped.self, from: Data(try #require(image.records[key]))).value
        func place(_ encoding: inout CanonicalBytes) {
            encoding.add("AES-256-GCM")
            encoding.add(level)
            encoding.add(Self.connection.scope.workspace?.description ?? "")
            encoding.add("production")
            encoding.add(leaf)
        }
        var header = CanonicalBytes(label: "reeve/vault/key-header/1")
        place(&header)
        header.add(key.bytes)
        header.add(record.generation)
        header.add(try #require(Timestamp(record.created)).microseconds)
        header.add(try #require(Timestamp(record.retires)).microseconds)
        header.add(try #require(Digest(record.commitment)))
        header.add(record.mainKey == nil ? "key" : "main")
        if let reference = record.mainKey { header.add(reference) }
        if let parent = record.parent, let generation = record.parentGeneration {
            header.add(try #require(Digest(parent)))
            header.add(generation)
        }
        let digest = try Digest(of: header)
        let bundle = try open(try #require(Base64URL.decode(record.wrapped)), digest.bytes)
        #expect(bundle.count == 64)
        let bound = try bundle.slice(32..<64)
        let isBound = bound.constantTimeEquals(try SecretBytes(copying: digest.bytes))
        #expect(isBound)
        let material = try bundle.slice(0..<32)
        var commitment = CanonicalBytes(label: "reeve/vault/commitment/1")
        place(&commitment)
        #expect(try HMACKey(material).authenticate(commitment).description == record.commitment)
        return material
    }

    private func derived(_ material: borrowing SecretBytes, _ label: String) throws -> KeyHandle {
        try KeyHandle(HMACKey(material).derive(label: CanonicalBytes(label: label)))
    }

    /// Keys and envelopes, read from the main key down.
    @Test func keysAndEnvelopesAreAsWritten() async throws {
        let stage = try Self.stage()
        let (store, connection) = (TestStore(), Self.connection)
        let process = try await stage.process(store, MemoryLedger(), Self.keys())
        try await process.store("read from outside", connection)
        let image = try await StoreImage(store, [stage.workspace])
        let keys = image.keys(of: "vault.key")
        let environmentKey = try #require(keys.first { "\($0)".contains("/environment/") })
        let connectionKey = try #require(keys.first { "\($0)".contains("/connection/") })
        let workspace = try #require(connection.scope.workspace)
        var context = CanonicalBytes(label: "reeve/vault/main-key-context/1")
        context.add(workspace)
        context.add("production")
        let main = try derived(SecretBytes(copying: Self.secret), "reeve/vault/main-key-wrap/1")
        let environment = try material(image, environmentKey, "environment", nil) { wrapped, _ in
            try main.open(wrapped[...], authenticating: context.bytes)
        }
        let wrapping = try derived(environment, "reeve/vault/wrap/1")
        let own = try material(image, connectionKey, "connection", connection.id.description) { wrapped, digest in
            try wrapping.open(wrapped[...], authenticating: digest)
        }
        let sealing = try derived(own, "reeve/vault/seal/1")
        let rowKey = try #require(image.keys(of: "vault.credential").first)
        let row = try JSONDecoder().decode(Row.self, from: Data(try #require(image.records[rowKey]))).value
        let envelope = try #require(Base64URL.decode(row.sealed))
        var data = CanonicalBytes(label: "reeve/vault/credential/1")
        data.add(workspace)
        data.add("production")
        data.add(connection.id)
        data.add(nil as String?)
        data.add(connection.connector)
        data.add(row.method)
        data.add("content")
        data.add(1)
        data.add(row.generation)
        data.add(try #require(Timestamp(row.stored)).microseconds)
        data.add(nil as String?)
        data.addList([String]()) { $0.add($1) }
        data.addList([String]()) { $0.add($1) }
        #expect(envelope.prefix(2) == [0xC1, 1])
        let content = try sealing.open(envelope[10...], authenticating: Array(envelope.prefix(10)) + data.bytes)
        let plain = content.withBytes { text($0) }
        #expect(plain.hasSuffix("read from outside") && plain.contains("access_token"))
    }
}
