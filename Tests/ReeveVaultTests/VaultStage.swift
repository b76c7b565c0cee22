// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// A store, a ledger and main keys, over which any number of processes with a vault can be started.
final class VaultStage: Sendable {
    let workspace = Identifier<Workspace>(high: 1, low: 1)
    let actor = ActContext.Actor.host("stage")
    let time = ManualTime()
    let control: DerivedControlKeys
    let chain: HMACKey
    let connector = Connector(id: Identifier(high: 2, low: 2), name: "crm", methods: [.oauth2])

    /// Under keys that are given, or new ones.
    init(control root: consuming SecretBytes, chain secret: consuming SecretBytes) throws {
        control = try DerivedControlKeys(root)
        chain = try HMACKey(secret)
    }

    convenience init() throws {
        try self.init(control: SecretBytes.random(count: 32), chain: SecretBytes.random(count: 32))
    }

    func scope(_ environment: Environment = .production, in workspace: Identifier<Workspace>? = nil) -> Scope {
        Scope(workspace ?? self.workspace, environment)
    }

    func connection(
        _ number: UInt64, _ environment: Environment = .production, in workspace: Identifier<Workspace>? = nil
    )
        -> Connection
    {
        Connection(
            id: Identifier(high: 3, low: number), connector: connector.id, scope: scope(environment, in: workspace))
    }

    /// A new process over a store, a ledger and a main key.
    func process(
        _ store: any Store, _ ledger: any Ledger, _ keys: MainKeys, configuration: Vault.Configuration = .init(),
        actor: ActContext.Actor? = nil, time other: (any TimeSource)? = nil
    ) async throws -> VaultProcess {
        let time = other ?? time
        let authority = try await AccessAuthority.soleOperator(
            actor ?? self.actor, reason: "tests", store: store, time: time)
        return VaultProcess(
            authority: authority,
            vault: Vault(
                mainKeys: keys, control: control, ledger: AnchorLedger(ledger, authenticator: chain, time: time),
                authority: authority, configuration: configuration), stage: self, actor: actor ?? self.actor)
    }
}

/// One process with a vault over a store, a ledger and a main key of its own, and others over the same.
struct VaultWorld: Sendable {
    let stage: VaultStage
    let keys: MainKeys
    let store = TestStore()
    let ledger = MemoryLedger()
    let process: VaultProcess

    init(configuration: Vault.Configuration = .init()) async throws {
        stage = try VaultStage()
        keys = try MainKeys(LocalMainKey.ephemeral())
        process = try await stage.process(store, ledger, keys, configuration: configuration)
    }

    /// Another process, over the same store unless another one is given.
    func restarted(over other: (any Store)? = nil) async throws -> VaultProcess {
        try await stage.process(other ?? store, ledger, keys)
    }
    func image() async throws -> StoreImage { try await StoreImage(store, [stage.workspace]) }
}

/// One process with a vault.
struct VaultProcess: Sendable {
    let authority: AccessAuthority
    let vault: Vault
    let stage: VaultStage
    let actor: ActContext.Actor

    func permit<Action: PermitAction>(
        _: Action.Type, _ resource: Resource, _ scope: Scope
    ) async throws -> Permit<Action> {
        try await authority.permit(Action.self, on: resource, as: ActContext(actor: actor, scope: scope)).get()
    }

    @discardableResult
    func store(_ text: String, _ connection: Connection) async throws -> Vault.Receipt {
        let permit = try await permit(StoreCredential.self, .credential(of: connection.id), connection.scope)
        let credential = try Credential.oauth2(accessToken: SecretBytes(copying: Array(text.utf8)))
        return try await vault.store(credential, for: connection, of: stage.connector, permit)
    }

    func open(_ connection: Connection) async throws -> String {
        let permit = try await permit(OpenCredential.self, .credential(of: connection.id), connection.scope)
        do {
            return try await vault.withCredential(connection.id, permit) { secret in
                secret.withField("access_token") { span in
                    String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
                } ?? ""
            }
        } catch .vault(let error) {
            throw error
        }
    }

    /// What opening throws; `nil` when it opens.
    func failure(_ connection: Connection) async throws -> VaultError? {
        do {
            _ = try await open(connection)
            return nil
        } catch let error as VaultError {
            return error
        }
    }

    func manage(_ target: KeyTarget, _ scope: Scope) async throws -> Permit<ManageKeys> {
        try await permit(ManageKeys.self, target.resource(in: scope), scope)
    }
}

/// A store that lets something else happen just before one of its calls.
final class InterruptedStore: Store {
    private struct State {
        /// How many calls are left until then; `nil` while it is not armed.
        var left: Int?
        var body: (@Sendable () async -> Void)?
    }
    private let base: any Store
    private let state = Mutex(State())

    init(_ base: any Store) { self.base = base }

    /// From now on the `call`-th call, from 1, waits until `body` has run.
    func interrupt(before call: Int, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0 = State(left: call, body: body) }
    }

    /// Whether so many calls were made.
    var wasInterrupted: Bool { state.withLock { $0.body == nil } }

    private func pass() async {
        let body = state.withLock { state -> (@Sendable () async -> Void)? in
            guard let left = state.left, state.body != nil else { return nil }
            state.left = left - 1
            guard left == 1 else { return nil }
            defer { state.body = nil }
            return state.body
        }
        await body?()
    }

    func record(for key: Key) async throws(StoreError) -> Record? {
        await pass()
        return try await base.record(for: key)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        await pass()
        return try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) {
        await pass()
        try await base.commit(changes)
    }
}

/// A store that does something before it commits, once.
final class CommitHook: Store {
    let base: TestStore
    private let hook = Mutex<(@Sendable () async -> Void)?>(nil)

    init(_ base: TestStore) { self.base = base }

    func onCommit(_ body: @escaping @Sendable () async -> Void) { hook.withLock { $0 = body } }
    var wasHooked: Bool { hook.withLock { $0 == nil } }

    func record(for key: Key) async throws(StoreError) -> Record? { try await base.record(for: key) }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) {
        let body = hook.withLock { $0.take() }
        await body?()
        try await base.commit(changes)
    }
}

/// All records of a store, to look at or to put back.
struct StoreImage: Sendable {
    var records: [Key: [UInt8]] = [:]

    init(_ store: any Store, _ workspaces: [Identifier<Workspace>]) async throws {
        for partition in [Partition.platform] + workspaces.map(Partition.init) {
            var range = KeyRange(under: Key(partition))
            while true {
                let page = try await store.records(in: range, limit: 200)
                for entry in page { records[entry.key] = entry.record.bytes }
                guard page.count == 200, let last = page.last else { break }
                range = range.after(last.key)
            }
        }
    }

    /// A new store with these records.
    func store() async throws -> TestStore {
        let store = TestStore()
        var keys = Array(records.keys)
        while !keys.isEmpty {
            var changes = Changes()
            for key in keys.suffix(50) { changes.write(key, records[key] ?? []) }
            keys.removeLast(min(50, keys.count))
            try await store.commit(changes)
        }
        return store
    }

    /// The keys of records of a table.
    func keys(of table: String) -> [Key] {
        records.keys.filter { key in
            guard let elements = key.elements, elements.count > 1, case .text(let name) = elements[1] else {
                return false
            }
            return name == table
        }.sorted()
    }
}

extension ManualTime {
    /// The wall clock alone goes forward or back.
    func jump(by duration: Duration) { setWallClock(to: now.advanced(by: duration)) }
}

/// Lets other tasks run until a condition holds; reports when it does not in a long while.
func until(_ condition: () -> Bool, at location: SourceLocation = #_sourceLocation) async {
    for _ in 0..<1_000_000 {
        if condition() { return }
        await Task.yield()
    }
    Issue.record("it never came to that", sourceLocation: location)
}

extension TestStore {
    /// A store with records that were written down: keys in base64url, values as they are.
    static func holding(_ records: [String: String]) async throws -> TestStore {
        let store = TestStore()
        for (key, bytes) in records {
            var changes = Changes()
            changes.write(Key(encoded: try #require(Base64URL.decode(key))), Array(bytes.utf8))
            try await store.commit(changes)
        }
        return store
    }
}
