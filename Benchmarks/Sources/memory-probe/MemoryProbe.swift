// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveVault
import Synchronization

/// Two processes for `Scripts/check-memory`: one stores credentials in a folder, the other opens them and is searched.
///
/// - `memory-probe make FOLDER` takes one credential a line from standard input.
/// - `memory-probe open FOLDER` opens them all, prints `lending N` while it holds the last one; after a line of input
///   `done N SUM`, with the sum of all bytes that were lent; after another `closed`, when cores have no memory any more; and
///   ends after a third.
@main
struct MemoryProbe {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { throw Failure.usage }
        let probe = MemoryProbe(folder: arguments[2])
        switch arguments[1] {
        case "make": try await probe.make()
        case "open": try await probe.open()
        default: throw Failure.usage
        }
    }

    enum Failure: Error { case usage, unreadable, opened, body, unfinished }

    private let folder: String
    private let actor = ActContext.Actor.host("probe")
    private let connector = Connector(id: Identifier(high: 2, low: 2), name: "crm", methods: [.oauth2])
    private let workspace = Identifier<Workspace>(high: 1, low: 1)
    private var scope: Scope { Scope(workspace, .production) }
    /// How many are held at the same time.
    private static let together = 50

    private func path(_ name: String) -> String { folder + "/" + name }
    private func connection(_ number: Int) -> Connection {
        Connection(id: Identifier(high: 3, low: UInt64(number)), connector: connector.id, scope: scope)
    }

    // MARK: The process that stores

    private func make() async throws {
        var values: [String] = []
        while let line = readLine() { values.append(line) }
        let store = MemoryStore()
        let keys = MainKeys(
            try MainKeyFile(path: path("main.key")).create(passphrase: secret("passphrase"), logCost: 15))
        let (vault, authority) = try await vault(store, keys)
        for (number, value) in values.enumerated() {
            let connection = connection(number)
            let permit = try await permit(StoreCredential.self, connection, authority)
            let bytes = try SecretBytes(copying: Array(value.utf8))
            let credential = try Credential.oauth2(accessToken: bytes).adding("refresh_token", bytes)
            try await vault.store(credential, for: connection, of: connector, permit)
            guard number == 0 else { continue }
            let sealed = try await vault.seal(bytes, named: "altered", for: connection, permit)
            var altered = sealed.bytes
            altered[altered.count - 1] ^= 1
            try Data(altered).write(to: URL(fileURLWithPath: path("altered")))
        }
        try await save(store)
    }

    private func save(_ store: MemoryStore) async throws {
        var text = ""
        for partition in [Partition.platform, Partition(workspace)] {
            var range = KeyRange(under: Key(partition))
            while true {
                let page = try await store.records(in: range, limit: 200)
                for entry in page {
                    text += Data(entry.key.bytes).base64EncodedString() + " "
                    text += Data(entry.record.bytes).base64EncodedString() + "\n"
                }
                guard page.count == 200, let last = page.last else { break }
                range = range.after(last.key)
            }
        }
        try Data(text.utf8).write(to: URL(fileURLWithPath: path("store")))
    }

    // MARK: The process that opens

    private func open() async throws {
        let keys = MainKeys(try MainKeyFile(path: path("main.key")).open(passphrase: secret("passphrase")))
        let (vault, authority) = try await vault(loaded(), keys)
        let count = try Int(String(contentsOfFile: path("count"), encoding: .utf8)) ?? 0
        let sum = Count()
        // Many at once, so that they lie beside each other.
        for start in stride(from: 0, to: count, by: Self.together) {
            let numbers = start..<min(count, start + Self.together)
            let arrived = Count()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in numbers {
                    group.addTask {
                        let permit = try await permit(OpenCredential.self, connection(number), authority)
                        try await vault.withCredential(connection(number).id, permit) { secret in
                            sum.add(Self.sum(secret))
                            arrived.add(1)
                            while arrived.value < numbers.count { await Task.yield() }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let first = try await permit(OpenCredential.self, connection(0), authority)
        try await openAsABatch(vault, authority, min(count, 100))
        try await failWhileOpen(vault, first)
        try await openWhatWasAltered(vault, first)
        try await cancelWhileOpen(vault, first)
        try await vault.withCredential(
            connection(count - 1).id, permit(OpenCredential.self, connection(count - 1), authority)
        ) { secret in
            say("lending \(count)")
            _ = readLine()
            _ = Self.sum(secret)
        }
        say("done \(count) \(sum.value)")
        _ = readLine()
        guard SecretMemory.leaveOutOfCoreDumps() else { throw Failure.unfinished }
        say("closed")
        _ = readLine()
        // Used once more, so that its keys are there until now.
        try await failWhileOpen(vault, first)
    }

    private func openAsABatch(_ vault: Vault, _ authority: AccessAuthority, _ count: Int) async throws {
        let permit = try await authority.permit(
            OpenCredential.self, on: KeyTarget.environment.resource(in: scope),
            as: ActContext(actor: actor, scope: scope)
        ).get()
        try await vault.withCredentials((0..<count).map { connection($0).id }, permit) { (_, secret) throws(Never) in
            _ = Self.sum(secret)
        }
    }

    private func failWhileOpen(_ vault: Vault, _ permit: Permit<OpenCredential>) async throws {
        do {
            try await vault.withCredential(connection(0).id, permit) { secret in
                _ = Self.sum(secret)
                throw Failure.body
            }
        } catch OpenFailure<any Error>.body {
            return
        }
        throw Failure.opened
    }

    /// The engine decrypts before it knows that the tag is wrong.
    private func openWhatWasAltered(_ vault: Vault, _ permit: Permit<OpenCredential>) async throws {
        let altered = SealedCredential(bytes: Array(try Data(contentsOf: URL(fileURLWithPath: path("altered")))))
        do {
            _ = try await vault.withSealed(altered, named: "altered", of: connection(0).id, permit) { $0.byteCount }
        } catch {
            return
        }
        throw Failure.opened
    }

    private func cancelWhileOpen(_ vault: Vault, _ permit: Permit<OpenCredential>) async throws {
        let lent = Count()
        let task = Task {
            try await vault.withCredential(connection(0).id, permit) { secret in
                _ = Self.sum(secret)
                lent.add(1)
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
        while lent.value == 0 { await Task.yield() }
        task.cancel()
        guard case .failure = await task.result else { throw Failure.unfinished }
    }

    private static func sum(_ secret: borrowing Secret) -> Int {
        secret.withField("access_token") { span in
            var sum = 0
            for index in 0..<span.byteCount { sum += Int(span.byte(index)) }
            return sum
        } ?? 0
    }

    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private func loaded() async throws -> MemoryStore {
        let store = MemoryStore()
        for line in try String(contentsOfFile: path("store"), encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: " ").map { Data(base64Encoded: String($0)) }
            guard parts.count == 2, let key = parts[0], let record = parts[1] else { throw Failure.unreadable }
            var changes = Changes()
            changes.write(Key(encoded: Array(key)), Array(record))
            try await store.commit(changes)
        }
        return store
    }

    // MARK: What both need

    private func vault(_ store: MemoryStore, _ keys: MainKeys) async throws -> (Vault, AccessAuthority) {
        let authority = try await AccessAuthority.soleOperator(actor, reason: "search of memory", store: store)
        let ledger = AnchorLedger(FileLedger(path: path("ledger")), authenticator: try HMACKey(secret("chain")))
        let vault = Vault(
            mainKeys: keys, control: try DerivedControlKeys(secret("control")), ledger: ledger, authority: authority)
        return (vault, authority)
    }

    private func permit<Action: PermitAction>(
        _: Action.Type, _ connection: Connection, _ authority: AccessAuthority
    ) async throws -> Permit<Action> {
        try await authority.permit(
            Action.self, on: .credential(of: connection.id), as: ActContext(actor: actor, scope: scope)
        ).get()
    }

    /// The 32 bytes of a file, read into secret memory and nowhere else.
    private func secret(_ name: String) throws -> SecretBytes {
        let file = Foundation.open(path(name), O_RDONLY)
        guard file >= 0 else { throw Failure.unreadable }
        defer { close(file) }
        return try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
            let count = target.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            guard count == 32 else { throw CryptoError(.invalidLength) }
        }
    }
}

/// A number that tasks share.
private final class Count: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add(_ other: Int) { number.add(other, ordering: .relaxed) }
}

extension RawSpan {
    fileprivate func byte(_ index: Int) -> UInt8 { unsafeLoad(fromByteOffset: index, as: UInt8.self) }
}
