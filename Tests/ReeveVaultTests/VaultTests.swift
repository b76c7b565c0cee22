// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveVault

private let canary = "CANARY-7f3a9b-secret-value"

private func unexpected(_ text: String) { Issue.record("\(text)") }

private struct Fixture: Sendable {
    let trust: TestTrust
    let connector: Connector
    let connection: Connection

    init(over store: any Store = TestStore(), methods: [Connector.Method] = [.oauth2, .apiKey]) async throws {
        trust = try await TestTrust(over: store)
        connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: methods)
        connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
    }

    var resource: Resource { .credential(of: connection.id) }

    @discardableResult
    func store(_ text: String = canary, reason: String? = nil) async throws -> Vault.Receipt {
        let permit = try await trust.permit(StoreCredential.self, on: resource)
        let credential = try Credential.oauth2(accessToken: SecretBytes(copying: Array(text.utf8)))
        return try await trust.layer.vault.store(credential, for: connection, of: connector, permit, reason: reason)
    }

    func open() async throws -> String {
        let permit = try await trust.permit(OpenCredential.self, on: resource)
        return try await trust.layer.vault.withCredential(connection.id, permit) { secret in
            secret.withField("access_token") { span in
                String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
            } ?? ""
        }
    }

    /// The codes of what opening throws.
    func openFailure() async throws -> (VaultError.Code, VaultError.Detail?)? {
        do {
            _ = try await open()
            return nil
        } catch let failure as OpenFailure<any Error> {
            guard case .vault(let error) = failure else { throw failure }
            return (error.code, error.detail)
        } catch let failure as OpenFailure<Never> {
            guard case .vault(let error) = failure else { throw failure }
            return (error.code, error.detail)
        }
    }

    func key(_ table: String) -> Key {
        let workspace = trust.scope.workspace?.description ?? ""
        return Key([.text(workspace), .text(table), .text("production")])
    }
    func vault(_ mainKey: any MainKeyProvider, _ authority: AccessAuthority) -> Vault {
        Vault(
            mainKeys: MainKeys(mainKey), control: trust.keys.control, ledger: trust.keys.ledger, authority: authority)
    }

    private static let first = Key.Element.text("0000000001")
    var environmentKey: Key { key("vault.key").appending([.text("environment"), Self.first]) }
    func connectionKey(_ id: Identifier<Connection>) -> Key {
        key("vault.key").appending([.text("connection"), .text(id.description), Self.first])
    }
    var connectionKey: Key { connectionKey(connection.id) }
    var environmentSet: Key { key("vault.keys").appending([.text("environment")]) }
    var connectionSet: Key { key("vault.keys").appending([.text("connection"), .text(connection.id.description)]) }
    var row: Key { key("vault.credential").appending([.text(connection.id.description)]) }
}

@Suite struct VaultTests {
    @Test func whatWasStoredIsOpened() async throws {
        let fixture = try await Fixture()
        let first = try await fixture.store()
        #expect(first.keysMade.count == 2 && first.generation == 1)
        #expect(first.keysMade[1] == first.sealedUnder)
        #expect(try await fixture.open() == canary)
        let second = try await fixture.store("another")
        #expect(second.keysMade.isEmpty && second.generation == 2 && second.sealedUnder == first.sealedUnder)
        #expect(try await fixture.open() == "another")
    }

    @Test func fieldsAreKeptInOrder() async throws {
        let fixture = try await Fixture(methods: [.basic])
        let credential = try Credential(.basic).adding("user", SecretBytes(copying: [1])).adding(
            "password", SecretBytes(copying: []))
        let permit = try await fixture.trust.permit(StoreCredential.self, on: fixture.resource)
        try await fixture.trust.layer.vault.store(credential, for: fixture.connection, of: fixture.connector, permit)
        let open = try await fixture.trust.permit(OpenCredential.self, on: fixture.resource)
        let seen = try await fixture.trust.layer.vault.withCredential(fixture.connection.id, open) { secret in
            (
                secret.fieldNames, secret.method, secret.withField("password") { $0.byteCount },
                secret.withField("x") { $0.byteCount }
            )
        }
        #expect(seen.0 == ["user", "password"] && seen.1 == .basic && seen.2 == 0 && seen.3 == nil)
        #expect(throws: CryptoError(.invalidLength)) { _ = try Credential(.basic).adding("", SecretBytes(copying: [])) }
    }

    /// Each method has its fields.
    @Test func methodsHaveTheirFields() throws {
        func value(_ byte: UInt8) throws -> SecretBytes { try SecretBytes(copying: [byte]) }
        func check(_ credential: borrowing Credential, _ method: Connector.Method, _ names: [String]) throws {
            let secret = Secret(
                method: credential.method, content: try credential.content.slice(0..<credential.content.count))
            let values = names.map { name in secret.withField(name) { $0.byte(0) } }
            #expect(secret.method == method && secret.fieldNames == names && values == names.indices.map { UInt8($0) })
        }
        try check(.oauth2(accessToken: value(0)), .oauth2, ["access_token"])
        try check(
            .oauth2(accessToken: value(0), refreshToken: value(1)), .oauth2, ["access_token", "refresh_token"])
        try check(.apiKey(value(0)), .apiKey, ["key"])
        try check(.bearer(value(0)), .bearer, ["token"])
        try check(.basic(user: value(0), password: value(1)), .basic, ["user", "password"])
        try check(
            .clientCertificate(value(0), privateKey: value(1)), .clientCertificate, ["certificate", "private_key"])
    }

    /// Clause S3.1.
    @Test func oauth2IsChosenWheneverOffered() async throws {
        let offered = try await Fixture()
        let permit = try await offered.trust.permit(StoreCredential.self, on: offered.resource)
        let key = { try Credential.apiKey(SecretBytes(copying: [1, 2, 3])) }
        await #expect(throws: VaultError(.reasonRequired)) {
            try await offered.trust.layer.vault.store(key(), for: offered.connection, of: offered.connector, permit)
        }
        try await offered.trust.layer.vault.store(
            key(), for: offered.connection, of: offered.connector, permit, reason: "legacy tenant")
        #expect(try offered.trust.store.auditEntries().last?.details["reason"] == "legacy tenant")
        let without = try await Fixture(methods: [.apiKey])
        let second = try await without.trust.permit(StoreCredential.self, on: without.resource)
        try await without.trust.layer.vault.store(key(), for: without.connection, of: without.connector, second)
        await #expect(throws: VaultError(.methodNotOffered)) { try await without.store() }
    }

    /// Clauses P2h.1, S3.2: what is stored holds the secret in no encoding, and its envelope is a 256-bit suite's.
    @Test func nothingStoredHoldsTheSecret() async throws {
        let fixture = try await Fixture()
        try await fixture.store()
        let utf16 = canary.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let forms = [
            Array(canary.utf8), utf16, Array(Hex.encode(canary.utf8).utf8),
            Array(Data(canary.utf8).base64EncodedString().utf8),
            Array(Base64URL.encode(Array(canary.utf8)).utf8),
        ]
        for changes in fixture.trust.store.commits {
            for case .write(let bytes) in changes.changes.values {
                let text = String(decoding: bytes, as: UTF8.self)
                for form in forms { #expect(!text.contains(String(decoding: form, as: UTF8.self))) }
            }
        }
        let record = try #require(try await fixture.trust.store.record(for: fixture.row))
        let json = String(decoding: record.bytes, as: UTF8.self)
        let sealed = try #require(json.firstMatch(of: /"sealed":"([^"]+)"/)?.1)
        let envelope = try #require(Base64URL.decode(String(sealed)))
        #expect(envelope.prefix(2) == [0xC1, 1])
    }

    @Test func destroyingTheKeyClosesTheCredentialForGood() async throws {
        let fixture = try await Fixture()
        try await fixture.store()
        _ = try await fixture.open()
        let before = try #require(try await fixture.trust.store.record(for: fixture.row))
        let permit = try await fixture.trust.permit(DestroyCredential.self, on: fixture.resource)
        try await fixture.trust.layer.vault.destroy(fixture.connection.id, permit)
        #expect(try await fixture.openFailure()?.0 == .cannotOpen)
        var changes = Changes()
        changes.write(fixture.row, before.bytes)
        try await fixture.trust.store.commit(changes)
        #expect(try await fixture.openFailure()?.1 == .closed)
        await #expect(throws: VaultError(.keyClosed)) { try await fixture.store() }
        // What was put back is deleted; then nothing is left to do.
        try await fixture.trust.layer.vault.destroy(fixture.connection.id, permit)
        #expect(try await fixture.trust.store.record(for: fixture.row) == nil)
        await #expect(throws: VaultError(.keyClosed)) {
            try await fixture.trust.layer.vault.destroy(fixture.connection.id, permit)
        }
    }

    /// Clause S3.3: a record put in another's place does not open, and a key of one place opens nothing elsewhere.
    @Test func recordsOpenOnlyInTheirOwnPlace() async throws {
        let fixture = try await Fixture()
        try await fixture.store()
        let other = Connection(
            id: Identifier(at: fixture.trust.time.now), connector: fixture.connector.id, scope: fixture.trust.scope)
        let permit = try await fixture.trust.permit(StoreCredential.self, on: .credential(of: other.id))
        let credential = try Credential.oauth2(accessToken: SecretBytes(copying: Array("other".utf8)))
        try await fixture.trust.layer.vault.store(credential, for: other, of: fixture.connector, permit)
        let store = fixture.trust.store
        let otherRow = fixture.key("vault.credential").appending([.text(other.id.description)])
        let otherKey = fixture.connectionKey(other.id)
        for (target, source) in [
            (fixture.row, otherRow), (fixture.connectionKey, otherKey), (fixture.environmentKey, otherKey),
        ] {
            let original = try #require(try await store.record(for: target))
            let moved = try #require(try await store.record(for: source))
            var changes = Changes()
            changes.write(target, moved.bytes)
            try await store.commit(changes)
            fixture.trust.time.advance(by: .seconds(120))
            #expect(try await fixture.openFailure()?.0 == .cannotOpen, "\(target)")
            var undo = Changes()
            undo.write(target, original.bytes)
            try await store.commit(undo)
            #expect(try await fixture.open() == canary)
        }
    }

    @Test func anotherMainKeyOpensNothing() async throws {
        let base = TestStore()
        let fixture = try await Fixture(over: base)
        try await fixture.store()
        let authority = try await AccessAuthority.soleOperator(
            .host("b"), reason: "x", store: base, time: fixture.trust.time)
        let vault = fixture.vault(try LocalMainKey.ephemeral(), authority)
        let context = ActContext(actor: .host("b"), scope: fixture.trust.scope)
        let permit = try await authority.permit(OpenCredential.self, on: fixture.resource, as: context).get()
        do {
            try await vault.withCredential(fixture.connection.id, permit) { _ in unexpected("it was lent") }
        } catch .vault(let error) {
            #expect(error == VaultError(.mainKeyMissing))
        } catch .body {}
    }

    @Test func foreignPermitsAreRefused() async throws {
        let (one, two) = (try await Fixture(), try await Fixture())
        try await one.store()
        let permit = try await two.trust.permit(OpenCredential.self, on: one.resource)
        do {
            try await one.trust.layer.vault.withCredential(one.connection.id, permit) { _ in unexpected("it was lent") }
        } catch .vault(let error) {
            #expect(error.access == AccessError(.foreignPermit))
        } catch .body {}
    }

    @Test func theBodysErrorComesThrough() async throws {
        struct Mine: Error {}
        let fixture = try await Fixture()
        try await fixture.store()
        let permit = try await fixture.trust.permit(OpenCredential.self, on: fixture.resource)
        do throws(OpenFailure<Mine>) {
            try await fixture.trust.layer.vault.withCredential(fixture.connection.id, permit) { (_) throws(Mine) in
                throw Mine()
            }
            Issue.record("nothing was thrown")
        } catch {
            if case .vault(let error) = error { Issue.record(error) }
        }
    }

    /// Each store call of storing and opening fails once, in each way.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        for call in 1...40 {
            let base = TestStore()
            let faulty = FaultyStore(base, failing: call + 2, with: fault)
            guard let fixture = try? await Fixture(over: faulty) else { continue }
            let stored = try? await fixture.store()
            if stored != nil, let opened = try? await fixture.open() { #expect(opened == canary) }
            guard fault != .crash, fault != .crashAfter, faulty.calls >= call + 2 else { continue }
            // After one fault everything can be repeated.
            try await fixture.store("again")
            #expect(try await fixture.open() == "again", "\(fault) at call \(call)")
        }
    }

    /// The entry is committed before the secret is lent: without it nothing is lent.
    @Test func nothingIsLentWithoutAnEntry() async throws {
        let mainKey = try LocalMainKey.ephemeral()
        let keys = try AuditKeys.ephemeral()
        let scope = Scope(Identifier(high: 1, low: 1), .production)
        let context = ActContext(actor: .host("a"), scope: scope)
        let connector = Connector(id: Identifier(high: 2, low: 2), name: "crm", methods: [.oauth2])
        var lentInAll = 0
        for call in 0...12 {
            let connection = Connection(
                id: Identifier(high: 3, low: UInt64(call)), connector: connector.id, scope: scope)
            let resource = Resource.credential(of: connection.id)
            let base = TestStore()
            let maker = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: base)
            let mayStore = try await maker.permit(StoreCredential.self, on: resource, as: context).get()
            let credential = try Credential.oauth2(accessToken: SecretBytes(copying: [1]))
            // A ledger of another store says that this workspace has keys: each store has a ledger of its own.
            let ledger = AnchorLedger(MemoryLedger(), authenticator: try HMACKey(SecretBytes.random(count: 32)))
            try await Vault(
                mainKeys: MainKeys(mainKey), control: keys.control, ledger: ledger, authority: maker
            ).store(credential, for: connection, of: connector, mayStore)
            // The first call records the operator; the next ones are the opening's.
            let faulty = FaultyStore(base, failing: call == 0 ? 0 : call + 1, with: .crash)
            let authority = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: faulty)
            let mayOpen = try await authority.permit(OpenCredential.self, on: resource, as: context).get()
            let before = try await base.count
            let lent = Counter()
            do {
                // On a busy machine a call takes longer than a main key is given.
                try await Vault(
                    mainKeys: MainKeys(mainKey), control: keys.control, ledger: ledger, authority: authority,
                    configuration: .init(keyLifetimeSeconds: 3600, mainKeyTimeoutSeconds: 60)
                ).withCredential(connection.id, mayOpen) { _ in lent.add() }
            } catch {
                #expect(call > 0, "\(error)")
            }
            let now = try await base.count
            #expect(lent.count <= now - before, "call \(call)")
            if call == 0 { #expect(lent.count == 1) }
            lentInAll += lent.count
        }
        #expect(lentInAll < 13)
    }

    /// A key is used no longer than its lifetime after its main key was last asked, also when it is stored meanwhile.
    @Test func noKeyOutlivesItsParent() async throws {
        let fixture = try await Fixture()
        try await fixture.store()
        let key = SwitchableMainKey(try LocalMainKey.ephemeral())
        let authority = fixture.trust.layer.access
        let vault = fixture.vault(key, authority)
        let other = Connection(
            id: Identifier(at: fixture.trust.time.now), connector: fixture.connector.id,
            scope: Scope(Identifier(high: 8, low: 8), .test))
        let resource = Resource.credential(of: other.id)
        func store() async throws {
            let credential = try Credential.oauth2(accessToken: SecretBytes(copying: [1]))
            let permit = try await fixture.trust.permit(StoreCredential.self, on: resource, in: other.scope)
            try await vault.store(credential, for: other, of: fixture.connector, permit)
        }
        func opens() async throws -> Bool {
            let permit = try await fixture.trust.permit(OpenCredential.self, on: resource, in: other.scope)
            return (try? await vault.withCredential(other.id, permit) { $0.fieldNames.count }) == 1
        }
        try await store()
        #expect(try await opens())
        // A denial would be obeyed as soon as a renewal met it.
        key.cutOff()
        fixture.trust.time.advance(by: .seconds(59))
        try? await store()
        #expect(try await opens())
        fixture.trust.time.advance(by: .seconds(1))
        #expect(try await !opens())
    }

    @Test func messagesHoldNoSecretAndNoOracle() {
        let texts = VaultError.Detail.allCases.map { "\(VaultError(.cannotOpen, $0))" }
        #expect(Set(texts).count == 1)
        for code in VaultError.Code.allCases { #expect("\(VaultError(code))".count > 20) }
    }

    @Test func aWrappedKeyIsBoundToItsContext() async throws {
        let main = try LocalMainKey.ephemeral()
        let (one, two) = (Identifier<Workspace>(high: 1, low: 1), Identifier<Workspace>(high: 1, low: 2))
        let wrapped = try await main.wrap(
            SecretBytes.random(count: 64), context: .init(workspace: one, environment: .test))
        let good = try await main.unwrap(wrapped, context: .init(workspace: one, environment: .test)).count
        #expect(good == 64)
        for context in [
            MainKeyContext(workspace: two, environment: .test), .init(workspace: one, environment: .production),
        ] {
            await #expect(throws: MainKeyError.notWrappedByThis) {
                _ = try await main.unwrap(wrapped, context: context)
            }
        }
        for count in [16, 24, 31, 33] {
            #expect(throws: CryptoError(.invalidLength)) { _ = try LocalMainKey(SecretBytes.random(count: count)) }
        }
    }
}

/// A main key that can be denied.
private final class SwitchableMainKey: MainKeyProvider {
    private let base: LocalMainKey
    var reference: String { base.reference }
    private let isAway = Mutex(false)

    init(_ base: LocalMainKey) { self.base = base }

    func cutOff() { isAway.withLock { $0 = true } }

    func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        guard !isAway.withLock({ $0 }) else { throw .unavailable }
        return try await base.wrap(key, context: context)
    }

    func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        guard !isAway.withLock({ $0 }) else { throw .unavailable }
        return try await base.unwrap(wrapped, context: context)
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}
