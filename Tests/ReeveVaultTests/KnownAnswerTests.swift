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

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// More that was written once and stays readable: what stands beside a credential, holds, shares of a main key, its file.
@Suite struct KnownAnswerTests {
    private struct Golden: Codable {
        var records: [String: String] = [:]
        var lines: [String] = []
        var job: SealedJobData
        var shares: [String] = []
        var file = ""
        /// Of the key in the file.
        var reference = ""
    }
    private static let secret = (0..<32).map { UInt8($0) }
    private static let passphrase = Array("correct horse".utf8)
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Golden/connections.json")
    private static let job = Identifier<Job>(high: 5, low: 5)
    private static let tables = [
        "vault.key", "vault.keys", "vault.credential", "vault.past", "vault.index", "vault.connection", "control",
    ]

    private static func stage() throws -> VaultStage {
        try VaultStage(
            control: SecretBytes(copying: secret.map { $0 ^ 0x55 }),
            chain: SecretBytes(copying: secret.map { $0 ^ 0xAA }))
    }
    private static func keys() throws -> MainKeys { try MainKeys(LocalMainKey(SecretBytes(copying: secret))) }

    private func value(_ text: String) throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }
    private func text(_ span: RawSpan) -> String {
        String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
    }

    private func golden() async throws -> Golden {
        if ProcessInfo.processInfo.environment["REEVE_WRITE_GOLDEN"] != nil { try await write() }
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Self.path))
    }

    private func write() async throws {
        let stage = try Self.stage()
        let (store, ledger) = (TestStore(), MemoryLedger())
        let process = try await stage.process(
            store, ledger, Self.keys(), configuration: .init(jobDataHours: 1))
        let (connection, shell, scope) = (stage.connection(1), stage.connection(2), stage.scope())
        for text in ["one", "two"] {
            let mayStore = try await process.permit(StoreCredential.self, .credential(of: connection.id), scope)
            try await process.vault.store(
                Credential.oauth2(accessToken: value(text)), for: connection, of: stage.connector, mayStore,
                metadata: ["plan": "gold"], findableBy: ["access_token"], overlap: .seconds(600))
        }
        let mayImport = try await process.permit(
            StoreCredential.self, KeyTarget.environment.resource(in: scope), scope)
        _ = try await process.vault.importShells(
            [ConnectionShell(connection: shell.id, connector: shell.connector, metadata: ["from": "x"])], mayImport)
        let now = stage.time.now
        _ = try await process.vault.pinJobData(
            from: now, through: now.advanced(by: .seconds(36_000)), for: "case", process.manage(.environment, scope))
        let mayRun = try await process.permit(RunJob.self, Resource(Self.job), scope)
        var golden = Golden(job: try await process.vault.sealJobData(value("held"), of: Self.job, mayRun))
        let image = try await StoreImage(store, [stage.workspace])
        for key in Self.tables.flatMap({ image.keys(of: $0) }) {
            golden.records[Base64URL.encode(key.bytes)] = String(decoding: image.records[key] ?? [], as: UTF8.self)
        }
        golden.lines = try await ledger.lines(from: 0, limit: 100).map { String(decoding: $0, as: UTF8.self) }
        try MainKeyEscrow.split(SecretBytes(copying: Self.secret), into: 3, needed: 2) { share in
            golden.shares.append(
                share.withBytes { span in Base64URL.encode((0..<span.byteCount).map { span.byte($0) }) })
        }
        try withFile { file in
            golden.reference = try file.create(passphrase: SecretBytes(copying: Self.passphrase), logCost: 15).reference
            golden.file = Base64URL.encode(Array(try Data(contentsOf: URL(filePath: file.path))))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try encoder.encode(golden).write(to: Self.path)
    }

    /// A file in a folder of its own that goes away.
    private func withFile(_ body: (MainKeyFile) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "reeve-known-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(MainKeyFile(path: folder.appending(path: "main.key").path()))
    }

    /// A credential and the one beside it, what finds it, a shell, and data of a job that a hold keeps.
    @Test func connectionsOfBeforeAreWhole() async throws {
        let golden = try await golden()
        let stage = try Self.stage()
        let store = try await TestStore.holding(golden.records)
        let process = try await stage.process(store, MemoryLedger(golden.lines.map { Array($0.utf8) }), Self.keys())
        let (connection, scope) = (stage.connection(1), stage.scope())
        #expect(try await process.open(connection) == "two")
        let mayOpen = try await process.permit(OpenCredential.self, .credential(of: connection.id), scope)
        let past = try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withCredential(connection.id, generation: 1, mayOpen) { secret in
                secret.withField("access_token") { text($0) }
            }
        }
        #expect(past == "one")
        let mayRead = try await process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        #expect(
            try await process.vault.connections(with: value("two"), in: .field("access_token"), mayRead)
                == [connection.id])
        let listed = try await process.vault.connections(limit: 10, mayRead)
        #expect(
            listed.map(\.state) == [.connected, .shell] && listed.map(\.metadata) == [["plan": "gold"], ["from": "x"]])
        // Long after its hour, by the hold.
        stage.time.advance(by: .seconds(86_400))
        let mayRun = try await process.permit(RunJob.self, Resource(Self.job), scope)
        let held = try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withJobData(golden.job, of: Self.job, mayRun) { text($0) }
        }
        #expect(held == "held")
        #expect(try await process.vault.verify(process.manage(.environment, scope)).defects.isEmpty)
    }

    @Test func sharesAndFilesOfBeforeGiveTheKey() async throws {
        let golden = try await golden()
        let reference = try LocalMainKey(SecretBytes(copying: Self.secret)).reference
        for pair in [[0, 1], [0, 2], [1, 2], [2, 0]] {
            var shares: [EscrowShare] = []
            for index in pair {
                let bytes = try #require(Base64URL.decode(golden.shares[index]))
                shares.append(try EscrowShare(SecretBytes(copying: bytes)))
            }
            #expect(try MainKeyEscrow.recovers(reference, from: shares))
        }
        try withFile { file in
            let bytes = try #require(Base64URL.decode(golden.file))
            #expect(FileManager.default.createFile(atPath: file.path, contents: Data(bytes)))
            guard chmod(file.path, 0o600) == 0 else { throw MainKeyFile.Failure.system(errno) }
            #expect(try file.open(passphrase: SecretBytes(copying: Self.passphrase)).reference == golden.reference)
        }
    }
}
