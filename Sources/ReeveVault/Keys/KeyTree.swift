// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// The hierarchy: main key, environment key, connection key (clause S3.3). Makes, wraps, unwraps and caches them.
final class KeyTree: Sendable {
    private struct Cached {
        let key: OpenKey
        let deadline: Duration
    }
    private struct CacheKey: Hashable {
        let workspace: Identifier<Workspace>
        let environment: Environment
        let connection: Identifier<Connection>?
        let commitment: Digest
    }

    private let mainKey: any MainKeyProvider
    private let time: any TimeSource
    private let lifetime: Duration
    private let cache = Mutex<[CacheKey: Cached]>([:])
    private static let cacheCapacity = 10_000

    init(mainKey: any MainKeyProvider, time: any TimeSource, lifetime: Duration) {
        self.mainKey = mainKey
        self.time = time
        self.lifetime = lifetime
    }

    /// The connection's key for sealing; makes it, and the environment's key, when they are missing.
    func connectionKey(
        _ connection: Identifier<Connection>, _ context: MainKeyContext,
        in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) -> (key: OpenKey, made: [String]) {
        var made: [String] = []
        let partition = Partition(context.workspace)
        let above: Cached
        let environmentIDs = KeyRecord.ids(context.environment, nil)
        if let record = try await KeyRecord.table.read(partition, environmentIDs, in: &transaction) {
            above = try await open(record, context, nil, under: nil)
        } else {
            let start = time.uptime
            let (record, key) = try await make(.environment, context, nil, under: nil)
            above = Cached(key: key, deadline: start + lifetime)
            try KeyRecord.table.insert(record, partition, environmentIDs, in: &transaction)
            made.append(record.id)
        }
        let ids = KeyRecord.ids(context.environment, connection)
        if let record = try await KeyRecord.table.read(partition, ids, in: &transaction) {
            guard record.state == .active else { throw VaultError(.keyDestroyed, .closed) }
            let cached = try await open(
                record, context, connection, under: above.key, notAfter: above.deadline)
            return (cached.key, made)
        }
        let (record, key) = try await make(.connection, context, connection, under: above.key)
        try KeyRecord.table.insert(record, partition, ids, in: &transaction)
        made.append(record.id)
        return (key, made)
    }

    /// The connection's key for opening; its stored state is read each time, also when the key is cached.
    func connectionKey(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, from store: any Store
    ) async throws(VaultError) -> OpenKey {
        let record = try await read(KeyRecord.ids(context.environment, connection), context, from: store)
        let above = try await read(KeyRecord.ids(context.environment, nil), context, from: store)
        guard record.state == .active, above.state == .active else { throw VaultError(.cannotOpen, .closed) }
        if let hit = cached(record, context, connection) { return hit.key }
        let parent = try await open(above, context, nil, under: nil)
        return try await open(record, context, connection, under: parent.key, notAfter: parent.deadline).key
    }

    private func read(
        _ ids: [String], _ context: MainKeyContext, from store: any Store
    ) async throws(VaultError) -> KeyRecord {
        let record: KeyRecord?
        do throws(StoreError) {
            record = try await KeyRecord.table.read(Partition(context.workspace), ids, in: store)
        } catch {
            throw VaultError(error)
        }
        guard let record else { throw VaultError(.cannotOpen, .missing) }
        return record
    }

    func evict(_ connection: Identifier<Connection>) {
        cache.withLock { cache in cache = cache.filter { $0.key.connection != connection } }
    }

    func dropExpired() {
        let now = time.uptime
        cache.withLock { cache in cache = cache.filter { now < $0.value.deadline } }
    }

    private func cached(
        _ record: KeyRecord, _ context: MainKeyContext, _ connection: Identifier<Connection>?
    ) -> Cached? {
        let key = CacheKey(
            workspace: context.workspace, environment: context.environment, connection: connection,
            commitment: record.commitment)
        let now = time.uptime
        return cache.withLock { $0[key].flatMap { now < $0.deadline ? $0 : nil } }
    }

    /// Unwraps a stored key under the key above it, or under the main key.
    private func open(
        _ record: KeyRecord, _ context: MainKeyContext, _ connection: Identifier<Connection>?, under above: OpenKey?,
        notAfter: Duration? = nil
    ) async throws(VaultError) -> Cached {
        let start = time.uptime
        guard record.workspace == context.workspace, record.environment == context.environment,
            record.connection == connection, record.level == (connection == nil ? .environment : .connection)
        else { throw VaultError(.cannotOpen, .tampered) }
        guard record.state == .active else { throw VaultError(.cannotOpen, .closed) }
        if let hit = cached(record, context, connection) { return hit }
        guard record.parent == above?.commitment else { throw VaultError(.cannotOpen, .wrongKey) }
        let key = try await unwrap(record, context, under: above)
        let deadline = min(start + lifetime, notAfter ?? start + lifetime)
        let cached = Cached(key: key, deadline: deadline)
        let cacheKey = CacheKey(
            workspace: context.workspace, environment: context.environment, connection: connection,
            commitment: record.commitment)
        cache.withLock { cache in
            cache = cache.filter { start < $0.value.deadline }
            if cache.count >= Self.cacheCapacity { cache.removeAll() }
            cache[cacheKey] = cached
        }
        return cached
    }

    private func unwrap(
        _ record: KeyRecord, _ context: MainKeyContext, under above: OpenKey?
    ) async throws(VaultError) -> OpenKey {
        guard let wrapped = Base64URL.decode(record.wrapped) else { throw VaultError(.cannotOpen, .tampered) }
        let opened: SecretBytes
        if let above {
            do throws(CryptoError) {
                opened = try above.wrapping.open(wrapped[...], authenticating: record.header.bytes)
            } catch {
                throw VaultError(error)
            }
        } else {
            do throws(MainKeyError) {
                opened = try await mainKey.unwrap(wrapped, context: context)
            } catch {
                throw VaultError(.mainKeyFailed)
            }
        }
        do throws(CryptoError) {
            guard opened.count == 64 else { throw CryptoError(.authenticationFailed) }
            let material = try opened.slice(0..<32)
            let bound = try opened.slice(32..<64)
            let header = try SecretBytes(copying: try Digest(of: record.header).bytes)
            guard bound.constantTimeEquals(header) else { throw CryptoError(.authenticationFailed) }
            let key = try OpenKey(
                material, level: record.level, workspace: record.workspace, environment: record.environment,
                connection: record.connection)
            guard key.commitment == record.commitment else { throw CryptoError(.authenticationFailed) }
            return key
        } catch {
            throw VaultError(error)
        }
    }

    /// A new key, wrapped, and unwrapped once to see that it comes back.
    private func make(
        _ level: KeyRecord.Level, _ context: MainKeyContext, _ connection: Identifier<Connection>?,
        under above: OpenKey?
    ) async throws(VaultError) -> (KeyRecord, OpenKey) {
        let draft: Draft
        do throws(CryptoError) {
            draft = try Draft(level, context, connection, under: above, at: time.now)
        } catch {
            throw VaultError(error)
        }
        var record = draft.record
        if let above {
            do throws(CryptoError) {
                let header = record.header.bytes
                let sealed = try draft.bundle.withLiveBytes { (span) throws(CryptoError) in
                    try above.wrapping.seal(span, authenticating: header)
                }
                record.wrapped = Base64URL.encode(sealed)
            } catch {
                throw VaultError(error)
            }
        } else {
            do throws(MainKeyError) {
                record.wrapped = Base64URL.encode(try await mainKey.wrap(draft.bundle, context: context))
            } catch {
                throw VaultError(.mainKeyFailed)
            }
        }
        return (record, try await unwrap(record, context, under: above))
    }
}

/// A new key before it is wrapped.
private struct Draft: ~Copyable {
    let record: KeyRecord
    /// The key, then the digest of its header: what is wrapped.
    let bundle: SecretBytes

    init(
        _ level: KeyRecord.Level, _ context: MainKeyContext, _ connection: Identifier<Connection>?,
        under above: OpenKey?, at instant: Timestamp
    ) throws(CryptoError) {
        let material = try SecretBytes.random(count: 32)
        let key = try OpenKey(
            material, level: level, workspace: context.workspace, environment: context.environment,
            connection: connection)
        let record = KeyRecord(
            level: level, state: .active, workspace: context.workspace, environment: context.environment,
            connection: connection, generation: 1, created: instant, commitment: key.commitment,
            parent: above?.commitment, wrapped: "")
        let bundle = try material.appending(try Digest(of: record.header).bytes)
        self.record = record
        self.bundle = bundle
    }
}
