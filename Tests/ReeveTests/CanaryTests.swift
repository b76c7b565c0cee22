// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePrivacy
import ReevePublishing
import ReeveStorage
import ReeveTestSupport
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
    if let error = value as? any LocalizedError {
        text += [error.errorDescription, error.failureReason, error.recoverySuggestion, error.helpAnchor]
            .compactMap(\.self).joined()
    }
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

/// The spellings in a text of any eight bytes of the canary that follow each other.
private func spellings(of text: String) -> [String] {
    let bytes = Array(text.utf8)
    var found: [String] = []
    func look(_ name: String, in bytes: [UInt8], for needles: [[UInt8]]) {
        let byFirst = Dictionary(grouping: needles) { $0[0] }
        let isThere = bytes.indices.contains { index in
            byFirst[bytes[index]]?.contains { bytes[index...].starts(with: $0) } ?? false
        }
        if isThere { found.append(name) }
    }
    let parts = (0...canary.count - 8).map { Array(canary[$0..<$0 + 8]) }
    look("UTF-8", in: bytes, for: parts)
    look("UTF-16", in: bytes, for: parts.map { part in Array(part.flatMap { [$0, 0] as [UInt8] }.dropLast()) })
    let lower = bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
    look("hex", in: lower, for: parts.map { Array(Hex.encode($0).utf8) })
    // In base64 a text has three forms, by its place; the ends depend on the neighbours and are left out.
    for shift in 0..<3 {
        let encoded = Array(Data(Array(repeating: UInt8(0), count: shift) + canary).base64EncodedString().utf8)
        let middle = Array(encoded.dropFirst(shift == 0 ? 0 : 4).dropLast(4))
        let windows = stride(from: 0, through: middle.count - 12, by: 4).map { Array(middle[$0..<$0 + 12]) }
        look("base64", in: bytes, for: windows)
        look("base64url", in: bytes, for: windows.map { $0.map { $0 == 0x2B ? 0x2D : $0 == 0x2F ? 0x5F : $0 } })
    }
    // As the elements of a list, however they are separated: in decimal, in hexadecimal, with or without zeros between.
    let words = text.split { !($0.isASCII && ($0.isNumber || $0.isLetter)) }
    let decimal = words.compactMap { UInt8($0) }
    look("numbers", in: decimal, for: parts)
    look("numbers of UTF-16", in: decimal.filter { $0 != 0 }, for: parts)
    look("hexadecimal numbers", in: words.compactMap { $0.count == 2 ? UInt8($0, radix: 16) : nil }, for: parts)
    return found
}

@Suite struct CanaryTests {
    /// A value of each public type that reaches a secret or a personal value, with the canary in it. `Scripts/check-house`
    /// compares the names with the public types of ReeveCrypto and ReeveVault.
    private static func values() async throws -> [(String, any Sendable)] {
        func secret() throws -> SecretBytes { try SecretBytes(copying: canary) }
        let trust = try await TestTrust(over: TestStore())
        let main = try LocalMainKey(secret())
        let authority = try await AccessAuthority.soleOperator(
            .host("t"), reason: "t", store: TestStore(), time: ManualTime())
        let layer = try TrustLayer(mainKeys: MainKeys(main), authority: authority, audit: .ephemeral())
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.apiKey])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let receipt = try await trust.layer.vault.store(
            Credential.apiKey(secret()), for: connection, of: connector,
            trust.permit(StoreCredential.self, on: resource))
        let sealed = try await trust.layer.vault.seal(
            secret(), named: "n", for: connection, trust.permit(StoreCredential.self, on: resource))
        let job = Identifier<Job>(at: trust.time.now)
        let data = try await trust.layer.vault.sealJobData(
            secret(), of: job, trust.permit(RunJob.self, on: Resource(job)))
        // A share of 83 bytes: its head, and the canary in its own part.
        let own = Array((canary + canary + canary).prefix(32))
        let share = try SecretBytes(
            copying: [UInt8](repeating: 1, count: 16) + [3, 2, 1] + [UInt8](repeating: 2, count: 32) + own)
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
        // An address in a key is not replaced: the recipe is blocked, and the report says where.
        let inKey = Array(
            #"{"\#(String(decoding: canary.prefix(8).filter { $0 != 0x2B }, as: UTF8.self))@acme.com":1}"#.utf8)
        let blocked = layer.publisher.scrubber.scrub(inKey, as: .plainJSON, for: .publicLibrary).verdict
        let chain = AnchorLedger(MemoryLedger(), authenticator: try HMACKey(secret()))
        try await chain.append(.reopened("k", after: 1))
        let keys = try DerivedControlKeys(secret())
        _ = try await keys.controlKey(for: .platform)
        let handle = try KeyHandle(secret())
        _ = try KeyHandle(secret()).seal(RawSpan(), authenticating: canary)
        let mayRead = try await trust.permit(
            ReadConnections.self, on: KeyTarget.environment.resource(in: trust.scope))
        let index = try await trust.layer.vault.blindIndex(of: secret(), named: "canary", mayRead)
        let foreign = ForeignCredential(
            connection, of: connector, .apiKey, fields: [("key", .bytes(canary))])
        let seal = try ForeignSeal.aes256GCM(secret())
        failures += try await exported()
        return failures + [
            ("ReeveVault.ForeignCredential", foreign), ("ReeveVault.ForeignSeal", seal),
            ("ReeveVault.ForeignCredential.Value", ForeignCredential.Value.bytes(canary)),
            ("ReeveCrypto.KeyHandle", handle), ("ReeveCrypto.HMACKey", try HMACKey(secret())),
            ("ReeveCrypto.SigningKey", try SigningKey(seed: secret())),
            ("ReeveCrypto.VerifyingKey", try SigningKey(seed: secret()).verifyingKey),
            ("ReeveCrypto.KeyWrap", try KeyWrap(secret())), ("ReeveVault.LocalMainKey", main),
            ("ReeveVault.MainKeys", MainKeys(main)), ("ReeveVault.SealedCredential", sealed),
            ("ReeveVault.EscrowShare", try EscrowShare(share)),
            ("ReeveVault.SealedJobData", data), ("ReeveVault.BlindIndex", index),
            ("ReeveVault.Vault", layer.vault), ("ReeveVault.Vault.Receipt", receipt), ("Reeve.TrustLayer", layer),
            ("ReeveVault.VaultError", VaultError(.cannotOpen)), ("ReeveCrypto.CryptoError", CryptoError(.engineFailed)),
            ("ReeveAccess.DerivedControlKeys", keys), ("ReeveStorage.AnchorLedger", chain),
            ("ReeveStorage.AuthenticatedTable", AuthenticatedTable<AuditEntry>("t", keys: keys)),
            ("ReevePublishing.ScrubReport", report), ("ReevePublishing.Verdict", report.verdict),
            ("ReevePublishing.ScrubFinding", report.findings), ("ReeveTesting.TestTrust", trust),
            ("ReevePublishing.Publisher", layer.publisher), ("ReevePublishing.Scrubber", layer.publisher.scrubber),
            ("ReevePublishing.KnownIdentities", try KnownIdentities(people: [String(decoding: canary, as: UTF8.self)])),
            (
                "ReevePublishing.PackageFile",
                PackageFile(path: String(decoding: canary, as: UTF8.self), bytes: canary, format: .plainJSON)
            ),
            ("ReevePublishing.BlockReason", blocked), ("ReeveTesting.SpyStore", trust.store.commits),
            ("ReeveModel.RecipeDocument", try RecipeDocument(workato: recipe)),
        ]
    }

    /// What has a subject's data, whose place gave it: an answer, its export, and an error of a place that put it into its words.
    private static func exported() async throws -> [(String, any Sendable)] {
        struct Talkative: DataLocation {
            let name = "talkative"
            struct Failure: Error, CustomStringConvertible {
                var description: String { String(decoding: canary, as: UTF8.self) }
            }
            func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> {
                throw Failure()
            }
            func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { throw Failure() }
            func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { throw Failure() }
            func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { throw Failure() }
        }
        let trust = try await TestTrust(over: TestStore(), locations: [Talkative()])
        let (subject, record) = (Identifier<DataSubject>(high: 1, low: 1), Identifier<DataRecord>(high: 1, low: 1))
        trust.location.put(record, about: subject, canary)
        try await trust.layer.retention.register(
            RetainedRecord(
                id: record, category: try #require(DataCategory("content.user")), created: trust.time.now.day,
                as: .controller, about: subject, at: ["host", "talkative"]), as: trust.context())
        func answer(_ kind: RequestKind) async throws -> RequestAnswer {
            let asked = try await trust.layer.requests.receive(
                kind, about: subject, through: .account, as: trust.context())
            _ = try await trust.layer.requests.note(.begun, of: asked.id, as: trust.context())
            let permit = try await trust.permit(AnswerRequest.self, on: Resource(asked.id), in: .platform)
            guard kind == .rectify else { return try await trust.layer.requests.answer(asked.id, permit) }
            return try await trust.layer.requests.correct(asked.id, [record: canary], permit)
        }
        let (seen, changed, erased) = (try await answer(.access), try await answer(.rectify), try await answer(.delete))
        let export = try #require(seen.export)
        #expect(export.items.map(\.content) == [canary])
        var values: [(String, any Sendable)] = [
            ("ReevePrivacy.RequestAnswer", seen), ("ReevePrivacy.RequestAnswer", changed),
            ("ReevePrivacy.RequestAnswer", erased), ("ReevePrivacy.SubjectExport", export),
            ("ReevePrivacy.SubjectExport.Item", export.items), ("ReevePrivacy.RequestReport", seen.report),
            ("ReevePrivacy.SubjectRequest", seen.request), ("ReeveTesting.SpyStore", trust.store.commits),
        ]
        do {
            try await trust.layer.retention.erase(record, as: trust.context())
        } catch {
            values.append(("ReevePrivacy.PrivacyError", error))
        }
        return values
    }

    /// Public types of those libraries that hold no secret: codes, sizes and ids; and those that cannot be copied, so that
    /// nothing can print them (`Tests/CompileFail/secret-printed.swift`).
    static let others = [
        "ReeveCrypto.CryptoError.Code", "ReeveCrypto.HKDF", "ReeveCrypto.Scrypt", "ReeveCrypto.SecretMemory",
        "ReeveVault.VaultError.Code", "ReeveVault.VaultError.Detail", "ReeveVault.Vault.Configuration",
        "ReeveVault.MainKeyContext", "ReeveVault.MainKeyError", "ReeveVault.MainKeys.Reach", "ReeveVault.KeyState",
        "ReeveVault.EscrowFailure", "ReeveVault.MainKeyEscrow", "ReeveVault.KeyTarget", "ReeveVault.KeyTreeDrawing",
        "ReeveVault.KeyTreeDrawing.Node",
        "ReeveVault.CredentialDescription", "ReeveVault.CredentialDescription.Earlier",
        "ReeveVault.ImportReport", "ReeveVault.ImportReport.Failure",
        "ReeveVault.ConnectionDescription", "ReeveVault.ConnectionShell", "ReeveVault.CredentialIndex",
        "ReeveVault.VaultHealth", "ReeveVault.VaultHealth.Warning", "ReeveVault.ShredHorizon",
        "ReeveVault.LedgerPosition", "ReeveVault.KeyUse", "ReeveVault.ShredHorizon.MainKey",
        "ReeveVault.VaultVerification",
        "ReeveVault.VaultVerification.Defect",
        "ReeveVault.VaultVerification.Defect.Kind", "ReeveVault.MainKeyFile", "ReeveVault.MainKeyFile.Failure",
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
        // One type for each way, hidden from all the others.
        struct Shown: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
            let description: String
            let debugDescription: String
            var customMirror: Mirror { Mirror(self, children: []) }
        }
        struct Failing: LocalizedError, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
            var errorDescription: String?
            var failureReason: String?
            let description = "hidden"
            let debugDescription = "hidden"
            var customMirror: Mirror { Mirror(self, children: []) }
        }
        struct Expected: Sendable, CustomTestStringConvertible, CustomStringConvertible, CustomDebugStringConvertible,
            CustomReflectable
        {
            let testDescription = String(decoding: canary, as: UTF8.self)
            let description = "hidden"
            let debugDescription = "hidden"
            var customMirror: Mirror { Mirror(self, children: []) }
        }
        let plain = String(decoding: canary, as: UTF8.self)
        let hex = Hex.encode(canary)
        let utf16 = String(decoding: canary.flatMap { [$0, 0] as [UInt8] }, as: UTF8.self)
        let leaky: [any Sendable] = [
            Text(), Bytes(), Reference(), Reflected(), Encoded(), Thrown(), Optional(Text()) as Any as? Text ?? Text(),
            Described(description: hex), Described(description: hex.uppercased()), Described(description: utf16),
            Described(description: Data(canary).base64EncodedString()),
            Described(description: Data([1] + canary).base64EncodedString()),
            Described(description: Data([1, 2] + canary).base64EncodedString()),
            Described(description: Base64URL.encode(canary)),
            Shown(description: plain, debugDescription: "hidden"),
            Shown(description: "hidden", debugDescription: plain),
            Failing(errorDescription: plain), Failing(failureReason: plain), Expected(),
            Described(description: String(plain.dropFirst(8).prefix(8))),
            Described(description: "\(canary.map { Hex.encode([$0]) })"),
            Described(description: "\(canary.flatMap { [0, $0] as [UInt8] })"),
        ]
        for value in leaky { #expect(!spellings(of: shown(value)).isEmpty, "\(type(of: value))") }
        #expect(spellings(of: shown("nothing to see")).isEmpty)
    }
}
