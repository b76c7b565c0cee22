// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePublishing
import ReeveStorage
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// 32 bytes that are a key and a text at once.
private let canary = Array("CANARY+7f3a9b/secret~value?41c2X".utf8)

/// Every way in which a value gets into a log or a report by accident.
private func shown<Value>(_ value: Value) -> String {
    var text = "\(value)"
    print(value, to: &text)
    debugPrint(value, to: &text)
    dump(value, to: &text)
    text += String(reflecting: value)
    text += String(describing: Mirror(reflecting: value).children.map { "\($0)" })
    if let encodable = value as? any Encodable, let data = try? JSONEncoder().encode(encodable) {
        text += String(decoding: data, as: UTF8.self)
    }
    if let error = value as? any Error { text += error.localizedDescription }
    let report = Report()
    withKnownIssue {
        #expect(isNothing(value))
    } matching: { issue in
        report.text.withLock { $0 += "\(issue) \(issue.comments) \(String(reflecting: issue))" }
        return true
    }
    return text + report.text.withLock { $0 }
}

/// What a failed expectation said.
private final class Report: Sendable {
    let text = Mutex("")
}

private func isNothing<Value>(_ value: Value) -> Bool { false }

/// The spellings of a canary in a text.
private func spellings(of text: String) -> [String] {
    let bytes = Array(text.utf8)
    var found: [String] = []
    func look(_ name: String, _ needle: [UInt8]) {
        guard needle.count > 4 else { return }
        if bytes.indices.contains(where: { bytes[$0...].starts(with: needle) }) { found.append(name) }
    }
    let utf16 = canary.flatMap { [$0, 0] as [UInt8] }
    look("UTF-8", canary)
    look("UTF-16LE", utf16)
    look("UTF-16BE", Array(utf16.dropLast()))
    let lower = bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
    let hex = Array(Hex.encode(canary).utf8)
    if lower.indices.contains(where: { lower[$0...].starts(with: hex) }) { found.append("hex") }
    // In base64 a text has three forms, by its place; the ends depend on the neighbours and are left out.
    for shift in 0..<3 {
        let encoded = Array(Data(Array(repeating: UInt8(0), count: shift) + canary).base64EncodedString().utf8)
        let middle = Array(encoded.dropFirst(shift == 0 ? 0 : 4).dropLast(4))
        look("base64", middle)
        look("base64url", middle.map { $0 == 0x2B ? 0x2D : $0 == 0x2F ? 0x5F : $0 })
    }
    // As the numbers of a list, however they are separated.
    let numbers = text.split { !$0.isNumber || !$0.isASCII }.compactMap { UInt8($0) }
    if numbers.indices.contains(where: { numbers[$0...].starts(with: canary) }) { found.append("numbers") }
    return found
}

@Suite struct CanaryTests {
    /// A value of each public type that reaches a secret or a personal value, with the canary in it. `Scripts/check-house`
    /// compares the names with the public types of ReeveCrypto and ReeveVault.
    private static func values() async throws -> [(String, any Sendable)] {
        func secret() throws -> SecretBytes { try SecretBytes(copying: canary) }
        let trust = try await TestTrust()
        let main = try LocalMainKey(secret())
        let authority = try await AccessAuthority.soleOperator(
            .host("t"), reason: "t", store: MemoryStore(), time: ManualTime())
        let layer = try TrustLayer(mainKey: main, authority: authority)
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.apiKey])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let receipt = try await trust.layer.vault.store(
            Credential.apiKey(secret()), for: connection, of: connector,
            trust.permit(StoreCredential.self, on: resource))
        struct Thrown: Error {}
        var failures: [(String, any Sendable)] = []
        do {
            let permit = try await trust.permit(OpenCredential.self, on: resource)
            // The body throws while it has the secret.
            try await trust.layer.vault.withCredential(connection.id, permit) { (secret) throws(Thrown) in
                _ = secret.withField("key") { $0.byteCount }
                throw Thrown()
            }
        } catch {
            failures.append(("ReeveVault.OpenFailure", error))
        }
        let recipe = Array(
            #"{"name":"r","code":{"keyword":"trigger","input":{"to":"ann.\#(String(decoding: canary.prefix(6), as: UTF8.self))@acme.com","key":"\#(String(decoding: canary, as: UTF8.self))"}}}"#
                .utf8)
        let report = layer.publisher.scrubber.scrub(recipe, as: .workato, for: .publicLibrary)
        let chain = AnchorLedger(MemoryLedger(), authenticator: try HMACKey(secret()))
        try await chain.append(.reopened("k"))
        let keys = try DerivedControlKeys(secret())
        _ = try await keys.controlKey(for: .platform)
        let handle = try KeyHandle(secret())
        _ = try KeyHandle(secret()).seal(RawSpan(), authenticating: canary)
        return failures + [
            ("ReeveCrypto.KeyHandle", handle), ("ReeveCrypto.HMACKey", try HMACKey(secret())),
            ("ReeveCrypto.SigningKey", try SigningKey(seed: secret())),
            ("ReeveCrypto.VerifyingKey", try SigningKey(seed: secret()).verifyingKey),
            ("ReeveCrypto.KeyWrap", try KeyWrap(secret())), ("ReeveVault.LocalMainKey", main),
            ("ReeveVault.Vault", layer.vault), ("ReeveVault.Vault.Receipt", receipt), ("Reeve.TrustLayer", layer),
            ("ReeveVault.VaultError", VaultError(.cannotOpen)), ("ReeveCrypto.CryptoError", CryptoError(.engineFailed)),
            ("ReeveAccess.DerivedControlKeys", keys), ("ReeveStorage.AnchorLedger", chain),
            ("ReeveStorage.AuthenticatedTable", AuthenticatedTable<AuditEntry>("t", keys: keys)),
            ("ReevePublishing.ScrubReport", report), ("ReevePublishing.Verdict", report.verdict),
            ("ReevePublishing.ScrubFinding", report.findings), ("ReeveTesting.TestTrust", trust),
        ]
    }

    /// Public types of those libraries that hold no secret: codes, sizes and ids; and those that cannot be copied, so that
    /// nothing can print them (`Tests/CompileFail/secret-printed.swift`).
    static let others = [
        "ReeveCrypto.CryptoError.Code", "ReeveCrypto.HKDF", "ReeveCrypto.Scrypt", "ReeveCrypto.SecretMemory",
        "ReeveVault.VaultError.Code", "ReeveVault.VaultError.Detail", "ReeveVault.Vault.Configuration",
        "ReeveVault.MainKeyContext", "ReeveVault.MainKeyError",
        "ReeveCrypto.SecretBytes", "ReeveVault.Credential", "ReeveVault.Secret",
    ]

    @Test func noSecretIsShown() async throws {
        for (name, value) in try await Self.values() {
            let found = spellings(of: shown(value))
            #expect(found.isEmpty, "\(name) shows the canary")
        }
    }

    /// Types that leak are caught, in each spelling and through each way.
    @Test func leakyTypesAreCaught() throws {
        struct Text: Sendable { let token = String(decoding: canary, as: UTF8.self) }
        struct Bytes: Sendable { let token = canary }
        struct Described: Sendable, CustomStringConvertible {
            let description: String
        }
        final class Reference: Sendable { let inner = Bytes() }
        struct Reflected: Sendable, CustomReflectable, CustomStringConvertible {
            var description: String { "hidden" }
            var customMirror: Mirror { Mirror(self, children: ["t": String(decoding: canary, as: UTF8.self)]) }
        }
        struct Encoded: Sendable, Encodable, CustomStringConvertible, CustomReflectable {
            var description: String { "hidden" }
            var customMirror: Mirror { Mirror(self, children: []) }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(canary)
            }
        }
        struct Thrown: Error, Sendable { let why = String(decoding: canary, as: UTF8.self) }
        let hex = Hex.encode(canary)
        let utf16 = String(decoding: canary.flatMap { [$0, 0] as [UInt8] }, as: UTF8.self)
        let leaky: [any Sendable] = [
            Text(), Bytes(), Reference(), Reflected(), Encoded(), Thrown(), Optional(Text()) as Any as? Text ?? Text(),
            Described(description: hex), Described(description: hex.uppercased()), Described(description: utf16),
            Described(description: Data(canary).base64EncodedString()),
            Described(description: Data([1] + canary).base64EncodedString()),
            Described(description: Data([1, 2] + canary).base64EncodedString()),
            Described(description: Base64URL.encode(canary)),
        ]
        for value in leaky { #expect(!spellings(of: shown(value)).isEmpty, "\(type(of: value))") }
        #expect(spellings(of: shown("nothing to see")).isEmpty)
    }
}
