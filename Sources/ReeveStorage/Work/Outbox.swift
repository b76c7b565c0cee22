// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Delivers the events that transactions published: at least once each, in the order of each workspace, under the same id.
///
/// An event is written with ``Transaction/publish(_:)``, in the transaction of what happened. Each consumer has a cursor
/// of its own in each partition, and one worker at a time delivers to it. An event whose handler fails is delivered again
/// the next time, and the ones behind it wait. Events stay until ``prune(_:past:)`` removes those that all consumers have.
public struct Outbox: Sendable {
    private let leases: Leases

    /// The outbox of a store, for one worker.
    public init(leases: Leases) {
        self.leases = leases
    }

    /// Delivers at most `limit` events of a partition that `consumer` has not had, and returns how many it was; 0 also
    /// while another worker delivers to it.
    ///
    /// A new consumer begins with the oldest event that is kept. What `handler` throws is thrown on. A call of it must take
    /// less than two thirds of a lease; while a longer one runs, another worker may deliver the same event and later ones.
    public func deliver(
        to consumer: String, in partition: Partition, limit: Int = 1000,
        _ handler: (DomainEvent) async throws -> Void
    ) async throws -> Int {
        let (store, cursorKey) = (leases.store, Self.cursorKey(consumer, partition))
        let position = try await Self.position(of: consumer, in: partition, store)
        let range = KeyRange(under: Self.events(partition))
        let page = try await store.records(
            in: range.after(Self.events(partition).appending([.integer(position)])), limit: min(max(limit, 0), 1000))
        guard !page.isEmpty else { return 0 }
        let leaseKey = Key(partition, [.text("outbox.lease"), .text(consumer)])
        guard var lease = try await leases.acquire(leaseKey) else { return 0 }
        var delivered = 0
        do {
            for entry in page {
                guard case .integer(let number)? = entry.key.elements?.last else {
                    throw StoreError.malformed(entry.key)
                }
                guard let kept = try await leases.kept(lease) else { return delivered }
                lease = kept
                // Another worker may have been here between the first look and the lease.
                guard try await Self.position(of: consumer, in: partition, store) < number else { continue }
                try await handler(try Self.table.decode(entry.record.bytes, entry.key))
                let held = lease
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    try await transaction.require(held)
                    try await Position.table.write(Position(number: number), cursorKey, in: &transaction)
                }
                delivered += 1
            }
        } catch {
            try? await leases.release(lease)
            throw error
        }
        try await leases.release(lease)
        return delivered
    }

    /// Delivers what is due in every partition. A handler that fails holds up its own partition alone; the first error
    /// is thrown when all partitions had their turn.
    public func deliverAll(to consumer: String, _ handler: (DomainEvent) async throws -> Void) async throws -> Int {
        var delivered = 0
        var failure: (any Error)?
        for partition in try await partitions() {
            do {
                var count = 0
                repeat {
                    count = try await deliver(to: consumer, in: partition, handler)
                    delivered += count
                } while count > 0
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return delivered
    }

    /// Removes the events of a partition that each of these consumers has had, and returns how many those were.
    public func prune(_ partition: Partition, past consumers: [String]) async throws(StoreError) -> Int {
        let store = leases.store
        var oldest = Int64.max
        for consumer in consumers {
            oldest = min(oldest, try await Self.position(of: consumer, in: partition, store))
        }
        guard !consumers.isEmpty, oldest > 0 else { return 0 }
        var removed = 0
        while true {
            let page = try await store.records(in: KeyRange(under: Self.events(partition)), limit: Changes.maximumKeys)
            let past = page.filter { entry in
                if case .integer(let number)? = entry.key.elements?.last { number <= oldest } else { false }
            }
            guard !past.isEmpty else { return removed }
            var changes = Changes()
            past.forEach { changes.delete($0.key) }
            try await store.commit(changes)
            removed += past.count
        }
    }

    /// The partitions that have ever had an event.
    public func partitions() async throws(StoreError) -> [Partition] {
        var partitions: [Partition] = []
        var range = KeyRange(under: Self.directory)
        while true {
            let page = try await leases.store.records(in: range, limit: 200)
            for entry in page {
                guard case .text(let name)? = entry.key.elements?.last, let partition = Partition(named: name) else {
                    throw .malformed(entry.key)
                }
                partitions.append(partition)
            }
            guard page.count == 200, let last = page.last else { return partitions }
            range = range.after(last.key)
        }
    }

    fileprivate static let table = Table<DomainEvent>("outbox")
    private static let directory = Key(.platform, [.text("outbox.partition")])
    /// Says that a partition has events; the one key outside it that a store scoped to it may write.
    static func directoryKey(_ partition: Partition) -> Key { directory.appending([.text(partition.name)]) }
    fileprivate static func events(_ partition: Partition) -> Key { Key(partition, [.text("outbox")]) }
    fileprivate static func head(_ partition: Partition) -> Key { Key(partition, [.text("outbox.head")]) }
    private static func cursorKey(_ consumer: String, _ partition: Partition) -> Key {
        Key(partition, [.text("outbox.cursor"), .text(consumer)])
    }

    private static func position(
        of consumer: String, in partition: Partition, _ store: any Store
    ) async throws(StoreError) -> Int64 {
        let key = cursorKey(consumer, partition)
        guard let record = try await store.record(for: key) else { return 0 }
        return try Position.table.decode(record.bytes, key).number
    }

    /// The number of the last event that was published, or delivered.
    fileprivate struct Position: JSONRecord {
        var number: Int64
        static let table = Table<Position>("outbox")

        init(number: Int64) { self.number = number }
        func write(to writer: inout JSONWriter, schema: Int) { writer.object { $0.field("number", number) } }
        init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
            number = try reader.object { (reader) throws(JSONError) in try reader.count("number") }
        }
    }
}

extension Transaction {
    /// Publishes an event when the transaction commits: it is delivered if and only if that took effect.
    ///
    /// Transactions that publish in one workspace rewrite one record, so that of two at the same time one is run again.
    public mutating func publish(_ event: DomainEvent) async throws(Failure) {
        let partition = Partition(event.scope)
        let head = try await Outbox.Position.table.read(Outbox.head(partition), in: &self)
        let number = (head?.number ?? 0) + 1
        if head == nil { write(Outbox.directoryKey(partition), Self.mark) }
        try await Outbox.Position.table.write(.init(number: number), Outbox.head(partition), in: &self)
        let key = Outbox.events(partition).appending([.integer(number)])
        let bytes = try failing { () throws(StoreError) in try Outbox.table.encode(event, key) }
        insert(key, bytes)
    }
}

extension DomainEvent: JSONRecord {
    /// Writes the event's fields; the same JSON as by `Codable`.
    public func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("at", at)
            writer.field("details", details)
            writer.field("id", id)
            writer.name("scope")
            writer.scope(scope)
            writer.field("subject", subject)
            writer.field("type", type)
        }
    }

    /// Reads the event's fields.
    public init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let at = try reader.text("at", as: Timestamp.self)
            try reader.name("details")
            let details = try reader.dictionary { (reader) throws(JSONError) in try reader.text() }
            let id = try reader.text("id", as: Identifier<DomainEvent>.self)
            try reader.name("scope")
            let scope = try reader.scope()
            let subject = try reader.text("subject")
            return DomainEvent(
                id: id, type: try reader.text("type"), at: at, scope: scope, subject: subject, details: details)
        }
    }
}
