// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import Testing

@testable import ReeveVault

/// Credentials of other systems are taken over whole, or left where they are.
@Suite struct ImportTests {
    /// The example of the Fernet specification: its key and the token of `hello`.
    private static let fernetKey = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
    private static let fernetToken =
        "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="

    private func bytes(_ text: String) -> ForeignCredential.Value { .bytes(Array(text.utf8)) }

    private func fernet(_ key: String = fernetKey) throws -> ForeignSeal {
        try .fernet(SecretBytes(copying: Array(key.utf8)))
    }

    private func triple(_ text: String, _ key: [UInt8]) throws -> ForeignCredential.Value {
        let sealed = try KeyHandle(SecretBytes(copying: key)).seal(Array(text.utf8).span.bytes, authenticating: [])
        return .triple(
            nonce: Base64.encode(Array(sealed.prefix(12))),
            ciphertext: Base64.encode(Array(sealed[12..<sealed.count - 16])),
            tag: Base64.encode(Array(sealed.suffix(16))))
    }

    @Test func eachFormIsTakenOver() async throws {
        let world = try await VaultWorld()
        let key = [UInt8](repeating: 5, count: 32)
        let gcm = try ForeignSeal.aes256GCM(SecretBytes(copying: key))
        #expect(try await world.take([world.original(1, bytes("hello"))], .plain).imported.count == 1)
        #expect(try await world.take([world.original(2, bytes(Self.fernetToken))], fernet()).imported.count == 1)
        #expect(try await world.take([world.original(3, triple("hello", key))], gcm).imported.count == 1)
        for number in 1...3 {
            #expect(try await world.process.open(world.stage.connection(UInt64(number))) == "hello")
        }
    }

    /// A dry run stores nothing; what broke off goes on; nothing that is there is replaced.
    @Test func anImportGoesOn() async throws {
        let world = try await VaultWorld()
        let originals = (1...5).map { world.original(UInt64($0), bytes("v\($0)")) }
        let dry = try await world.take(originals, .plain, dryRun: true)
        #expect(dry.imported.count == 5)
        #expect(try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.credential").isEmpty)
        try await world.process.store("mine", world.stage.connection(2))
        try await world.process.store("v3", world.stage.connection(3))
        let report = try await world.take(originals, .plain)
        #expect(report.imported == [1, 4, 5].map { world.stage.connection($0).id })
        #expect(report.alreadyThere == [world.stage.connection(3).id])
        #expect(report.failures == [world.stage.connection(2).id: .differs])
        #expect(try await world.process.open(world.stage.connection(2)) == "mine")
        let again = try await world.take(originals, .plain)
        #expect(again.imported.isEmpty && again.alreadyThere.count == 4 && again.failures.count == 1)
    }

    /// Another key, an altered value, another form: reported, and never tried otherwise.
    @Test func whatDoesNotOpenIsReported() async throws {
        let world = try await VaultWorld()
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        let token = world.original(1, bytes(Self.fernetToken))
        let report = try await world.take([token], fernet(other))
        #expect(report.failures == [token.connection.id: .notOpened])
        #expect(try await world.process.failure(token.connection)?.detail == .missing)
        let key = [UInt8](repeating: 5, count: 32)
        let gcm = try ForeignSeal.aes256GCM(SecretBytes(copying: key))
        #expect(try await world.take([token], gcm).failures.count == 1)
        #expect(try await world.take([world.original(1, triple("x", key))], fernet()).failures.count == 1)
        var far = token
        far.connection = world.stage.connection(1, .test)
        #expect(try await world.take([far], fernet()).failures.values.first == .wrongScope)
        for text in [
            String(other.dropLast()), other.replacing("=", with: "A"), "", String(repeating: "+", count: 43) + "=",
        ] {
            #expect(throws: CryptoError(.invalidLength)) { try fernet(text) }
        }
        for count in [16, 24] {
            #expect(throws: CryptoError(.invalidLength)) {
                try ForeignSeal.aes256GCM(SecretBytes(copying: [UInt8](repeating: 1, count: count)))
            }
        }
        #expect(!"\(world.original(9, bytes("canary")))".contains("canary"))
        var dumped = ""
        dump(world.original(9, bytes("canary")), to: &dumped)
        #expect(!dumped.contains("99"))
    }

    /// Two originals for one connection: neither is taken over, so that none is deleted with its original.
    @Test(arguments: [true, false]) func whatIsThereTwiceIsNotTaken(_ isDry: Bool) async throws {
        let world = try await VaultWorld()
        let (one, two) = (world.original(1, bytes("first")), world.original(1, bytes("second")))
        let third = world.original(3, bytes("third"))
        let report = try await world.take([one, third, two], .plain, dryRun: isDry)
        #expect(report.failures == [one.connection.id: .repeated] && report.imported == [third.connection.id])
        #expect(try await world.process.failure(one.connection)?.detail == .missing)
    }

    /// Every bit of a token counts, and hostile ones crash nobody.
    @Test func everyBitOfATokenCounts() throws {
        let token = Array(Self.fernetToken.utf8)
        let key = try Base64Key.decode(SecretBytes(copying: Array(Self.fernetKey.utf8)), urlSafe: true)
        let opened = try Fernet.open(token, with: key)
        #expect(opened.withBytes { span in (0..<span.byteCount).map { span.byte($0) } } == Array("hello".utf8))
        let raw = try #require(Base64URL.decode(token.dropLast(2)))
        for bit in 0..<raw.count * 8 {
            var changed = raw
            changed[bit / 8] ^= 1 << (bit % 8)
            let text = Array(Base64URL.encode(changed).utf8)
            let padded = text + [UInt8](repeating: 0x3D, count: (4 - text.count % 4) % 4)
            #expect(throws: CryptoError(.authenticationFailed)) { _ = try Fernet.open(padded, with: key) }
        }
        var generator = Scale.current.generator(for: "vault.fernet")
        for _ in 0..<Scale.current.cases(ci: 2_000, soak: 1_000_000) {
            var changed = token
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: changed.removeLast(.random(in: 1...changed.count, using: &generator))
            case 1: changed[.random(in: changed.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            default: changed += (0..<4).map { _ in .random(in: 0...255, using: &generator) }
            }
            if changed == token { continue }
            #expect(throws: CryptoError(.authenticationFailed)) { _ = try Fernet.open(changed, with: key) }
        }
    }

    /// A crash after every call of the store, then again: nothing is lost, and nothing is there twice.
    @Test(arguments: [FaultyStore.Fault.crash, .crashAfter, .replyLost]) func everyCallMayFail(
        _ fault: FaultyStore.Fault
    ) async throws {
        for call in 1...200 {
            let world = try await VaultWorld()
            let originals = (1...3).map { world.original(UInt64($0), bytes("v\($0)")) }
            let faulty = FaultyStore(world.store, failing: call + 1, with: fault)
            let process = try await world.stage.process(faulty, world.ledger, world.keys)
            let first = try? await world.take(originals, .plain, process)
            let restarted = try await world.stage.process(world.store, world.ledger, world.keys)
            // Who deletes what was reported loses nothing.
            for id in first?.imported ?? [] {
                let original = try #require(originals.first { $0.connection.id == id })
                #expect(try await restarted.failure(original.connection) == nil)
            }
            let second = try await world.take(originals, .plain, restarted)
            #expect(second.imported.count + second.alreadyThere.count == 3 && second.failures.isEmpty)
            for (number, original) in originals.enumerated() {
                #expect(try await restarted.open(original.connection) == "v\(number + 1)")
            }
            if faulty.calls <= call { break }
            #expect(call < 200)
        }
    }
}

extension VaultWorld {
    fileprivate func original(_ number: UInt64, _ value: ForeignCredential.Value) -> ForeignCredential {
        ForeignCredential(
            stage.connection(number), of: stage.connector, .oauth2, fields: [("access_token", value)],
            metadata: ["from": "before"])
    }

    fileprivate func take(
        _ originals: [ForeignCredential], _ seal: ForeignSeal, dryRun: Bool = false,
        _ other: VaultProcess? = nil
    ) async throws -> ImportReport {
        let process = other ?? process
        let scope = stage.scope()
        let permit = try await process.permit(
            StoreCredential.self, KeyTarget.environment.resource(in: scope), scope)
        return try await process.vault.importCredentials(originals, from: seal, dryRun: dryRun, permit)
    }
}
