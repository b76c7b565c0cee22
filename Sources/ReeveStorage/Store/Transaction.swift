// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Reads and writes that take effect together: what the body of `Store.transaction` works on.
///
/// Reads see the transaction's own writes. Every record that was read must still be the same when the transaction
/// commits; a record that appears in a range that was read is not noticed.
public struct Transaction<Failure: StoreFailure>: ~Copyable, Sendable {
    private let store: any Store
    private var reads: [Key: Record?] = [:]
    // An act and its entry, without growing.
    private var changes = [Key: Changes.Change](minimumCapacity: 3)
    /// Numbers that this attempt took from trails, to give back when it does not commit.
    package private(set) var tickets: [TrailTicket] = []
    /// What is to be done when it has committed.
    fileprivate private(set) var committed: [Key: @Sendable () -> Void] = [:]
    /// A head, and what knows what this process has seen of it.
    private struct Comparison: Hashable {
        let head: Key
        let cache: ObjectIdentifier
    }
    /// The heads that were compared with what this process had seen before, by each that knows.
    private var compared: Set<Comparison> = []
    fileprivate private(set) var stale = false
    fileprivate private(set) var isDiscarded = false

    fileprivate init(store: any Store) {
        self.store = store
    }

    /// The bytes of a record, as this transaction sees it.
    public mutating func read(_ key: Key) async throws(Failure) -> [UInt8]? {
        switch changes[key] {
        case .write(let bytes): return bytes
        case .delete: return nil
        case nil: break
        }
        if let known = reads[key] { return known?.bytes }
        do {
            let record = try await store.record(for: key)
            reads[key] = .some(record)
            return record?.bytes
        } catch {
            throw Failure(error)
        }
    }

    /// At most `limit` records of a range in key order, with this transaction's own writes; each is then expected
    /// not to change.
    public mutating func read(_ range: KeyRange, limit: Int) async throws(Failure) -> [(key: Key, bytes: [UInt8])] {
        var listed: [(key: Key, bytes: [UInt8])] = []
        do {
            let wanted = min(max(limit, 0), 1_000_000)
            let page = try await store.records(in: range, limit: wanted + changes.count)
            reads.reserveCapacity(reads.count + page.count)
            listed.reserveCapacity(page.count)
            for entry in page {
                // What was read before stays.
                let record = { (known: inout Record?) in known }(&reads[entry.key, default: entry.record])
                if let record { listed.append((entry.key, record.bytes)) }
            }
        } catch {
            throw Failure(error)
        }
        // In order as they are, unless there are writes among them.
        guard !changes.isEmpty else { return listed }
        var found = Dictionary(listed.map { ($0.key, $0.bytes) }) { $1 }
        for (key, change) in changes where range.contains(key) {
            if case .write(let bytes) = change { found[key] = bytes } else { found[key] = nil }
        }
        return found.sorted { $0.key < $1.key }.prefix(max(limit, 0)).map { ($0.key, $0.value) }
    }

    /// Writes a record when the transaction commits.
    public mutating func write(_ key: Key, _ bytes: [UInt8]) { changes[key] = .write(bytes) }

    /// Removes a record when the transaction commits.
    public mutating func delete(_ key: Key) { changes[key] = .delete }

    /// Writes a record that must not exist yet, without reading first: the commit is a conflict when it does.
    public mutating func insert(_ key: Key, _ bytes: [UInt8]) {
        reads[key] = .some(nil)
        changes[key] = .write(bytes)
    }

    /// Makes room for so many more writes.
    mutating func reserve(_ count: Int) { changes.reserveCapacity(changes.count + count) }

    /// Whether this transaction writes or deletes a record.
    package func changes(_ key: Key) -> Bool { changes[key] != nil }

    /// Whether this transaction has read a record, or that there is none.
    func hasRead(_ key: Key) -> Bool { reads[key] != nil }

    /// What the store had under a key when this transaction read it; `nil` when it has not.
    func stored(_ key: Key) -> Record?? { reads[key] }

    /// Whether a head was compared with what a cache knows of it.
    func hasCompared(_ head: Key, with cache: AnyObject) -> Bool {
        compared.contains(Comparison(head: head, cache: ObjectIdentifier(cache)))
    }

    /// Notes that a head was compared with what a cache knows of it.
    mutating func noteCompared(_ head: Key, with cache: AnyObject) {
        compared.insert(Comparison(head: head, cache: ObjectIdentifier(cache)))
    }

    /// Has something done once this attempt has committed, in the place of what was to be done about a record before.
    mutating func whenCommitted(_ key: Key, _ action: @escaping @Sendable () -> Void) { committed[key] = action }

    /// Runs what fails like a store in the terms of this transaction.
    func failing<Value>(_ body: () throws(StoreError) -> Value) throws(Failure) -> Value {
        do {
            return try body()
        } catch {
            throw Failure(error)
        }
    }

    /// The bytes of a record as this transaction has read or written them; `nil` when it has done neither.
    func known(_ key: Key) -> [UInt8]? {
        if case .write(let bytes)? = changes[key] { return bytes }
        return reads[key]??.bytes
    }

    /// The bytes of a record as this transaction sees it, without expecting that they stay: for what another record
    /// vouches for that was read.
    mutating func peek(_ key: Key) async throws(Failure) -> [UInt8]? {
        if changes[key] != nil || reads[key] != nil { return try await read(key) }
        do {
            return try await store.record(for: key)?.bytes
        } catch {
            throw Failure(error)
        }
    }

    /// All records of a range as this transaction sees them, without expecting that they stay.
    mutating func peek(_ range: KeyRange) async throws(Failure) -> [Key: [UInt8]] {
        var found: [Key: [UInt8]] = [:]
        var rest = range
        do {
            while true {
                let page = try await store.records(in: rest, limit: 200)
                for entry in page { found[entry.key] = entry.record.bytes }
                guard page.count == 200, let last = page.last else { break }
                rest = rest.after(last.key)
            }
        } catch {
            throw Failure(error)
        }
        for (key, change) in changes where range.contains(key) {
            if case .write(let bytes) = change { found[key] = bytes } else { found[key] = nil }
        }
        return found
    }

    /// Whether a record that was read is another one by now: what this transaction has seen may not fit together then,
    /// and it is run again.
    mutating func isStale(_ key: Key) async throws(Failure) -> Bool {
        guard let known = reads[key] else { return false }
        do {
            // By the bytes: writing the same ones again makes nothing stale.
            stale = try await store.record(for: key)?.bytes != known?.bytes
        } catch {
            throw Failure(error)
        }
        return stale
    }

    /// Takes a name once: `true` when nobody took it before, in any process. It stays taken unless ``delete(_:)`` frees
    /// it. Of two transactions that claim one key at the same time one is run again, and gets `false`.
    public mutating func claim(_ key: Key) async throws(Failure) -> Bool {
        guard try await read(key) == nil else { return false }
        write(key, Self.mark)
        return true
    }

    /// Protects a rule over a set of records, such as "at most five of them".
    ///
    /// A transaction notices changes of the records that it read, not records that appear among them. Transactions that
    /// read the set and change it call this with the same key: it rewrites one record, so that of two that run at the
    /// same time one is run again.
    public mutating func `guard`(_ key: Key) async throws(Failure) {
        _ = try await read(key)
        write(key, Self.mark)
    }

    /// What a record holds whose being there, or whose revision, is all that counts.
    static var mark: [UInt8] { Array(#"{"schema":1,"value":{}}"#.utf8) }

    /// Drops what this transaction writes: it ends as if nothing had been written.
    mutating func discard() { isDiscarded = true }

    package mutating func take(_ ticket: TrailTicket) { tickets.append(ticket) }

    fileprivate func finished() -> Changes {
        // The same keys in the same places: nothing is hashed again.
        Changes(
            expectations: reads.mapValues { record in record.map { .revision($0.revision) } ?? .absent },
            changes: changes)
    }
}

/// How often a transaction is tried again, and how long it waits before.
public struct RetryPolicy: Hashable, Sendable {
    /// Attempts in all.
    public var attempts: Int
    /// The longest wait before the second attempt; it doubles with each further one, up to `longestWait`.
    public var firstWait: Duration
    /// The longest wait.
    public var longestWait: Duration

    /// A policy; by default 40 attempts that wait up to 0.2 ms at first and 50 ms at last, each by a random part.
    public init(attempts: Int = 40, firstWait: Duration = .microseconds(200), longestWait: Duration = .milliseconds(50))
    {
        self.attempts = attempts
        self.firstWait = firstWait
        self.longestWait = longestWait
    }

    fileprivate func wait(before attempt: Int) async -> Bool {
        let ceiling = min(longestWait, firstWait * (1 << min(max(attempt - 1, 0), 16)))
        return (try? await Task.sleep(for: ceiling * Double.random(in: 0...1))) != nil
    }
}

extension Store {
    /// Runs `body` and commits what it wrote, all or nothing; runs it again when a record that it read has changed.
    ///
    /// The body may run several times, so it has no effects but those on the transaction. A body that throws changes
    /// nothing. After a lost reply the commit's revision tells whether it took effect; only when that cannot be learned
    /// the call throws ``StoreError/outcomeUnknown``. A cancelled call did nothing or everything.
    public func transaction<Value, Failure: StoreFailure>(
        retrying policy: RetryPolicy = RetryPolicy(),
        _ body: (inout Transaction<Failure>) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        var attempt = 0
        while true {
            var transaction = Transaction<Failure>(store: self)
            let value: Value
            do {
                value = try await body(&transaction)
            } catch {
                transaction.tickets.forEach { $0.giveBack() }
                attempt += 1
                guard transaction.stale, attempt < policy.attempts, await policy.wait(before: attempt) else {
                    throw error
                }
                continue
            }
            guard !transaction.isDiscarded else {
                transaction.tickets.forEach { $0.giveBack() }
                return value
            }
            let changes = transaction.finished()
            if changes.changes.isEmpty, changes.expectations.count <= 1 { return value }
            do throws(StoreError) {
                try await commitResolving(changes)
                transaction.tickets.forEach { $0.commit() }
                transaction.committed.values.forEach { $0() }
                return value
            } catch {
                if error != .outcomeUnknown { transaction.tickets.forEach { $0.giveBack() } }
                attempt += 1
                guard case .conflict = error, attempt < policy.attempts, await policy.wait(before: attempt) else {
                    throw Failure(error)
                }
            }
        }
    }

    /// Commits, and learns the outcome from the records when the reply is lost.
    ///
    /// The very same changes are sent again. A first try that arrives late finds what it read and wrote changed, or writes
    /// the same bytes once more; only where all that it wrote was new, and was deleted in between, it brings that back.
    private func commitResolving(_ changes: Changes) async throws(StoreError) {
        var uncertain = false
        for attempt in 0..<5 {
            do throws(StoreError) {
                return try await commit(changes)
            } catch {
                switch error {
                case .outcomeUnknown: uncertain = true
                // A transaction that only read is run again without harm.
                case .conflict where uncertain && !changes.changes.isEmpty:
                    // Without a record of ours it cannot be told whether the first try never came, or came and was
                    // overwritten since: running the body again could apply it twice.
                    if try await tookEffect(changes) { return }
                    throw .outcomeUnknown
                case .conflict: throw error
                default: throw uncertain ? .outcomeUnknown : error
                }
            }
            if (try? await tookEffect(changes)) == true { return }
            guard changes.expectations.isEmpty == false, await RetryPolicy().wait(before: attempt) else { break }
        }
        throw .outcomeUnknown
    }

    private func tookEffect(_ changes: Changes) async throws(StoreError) -> Bool {
        for (key, change) in changes.changes {
            guard case .write = change else { continue }
            do {
                if try await record(for: key)?.revision == changes.revision { return true }
            } catch {
                throw .outcomeUnknown
            }
        }
        return false
    }
}
