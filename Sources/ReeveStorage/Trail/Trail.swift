// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// Numbers the audit entries that one process writes, so that every act commits its own entry.
///
/// Each log (a workspace's or the platform's) gets numbers without holes from each writer: a number is taken when an
/// entry joins a transaction, and given back when that transaction does not commit. Writers share no record, so they
/// never wait for each other. Rooms over one store share one trail. Only a crash, or a reply whose outcome was never learned,
/// leaves a hole; a process that writes must also run `AuditLog.work`, which fills numbers that were given back for good.
public final class Trail: Sendable {
    /// The writer's id, new for each process.
    public let writer: Identifier<Writer>
    private let writerName: String

    /// At most this many bytes in one entry.
    public static let maximumEntryBytes = 60_000

    private struct Numbers {
        var next: Int64 = 0
        var returned: [Int64] = []
        /// The highest number that was committed.
        var committed: Int64 = 0
        /// Whether a commit has put the log into the directory.
        var isListed = false
        /// The bytes of every key of this writer's entries, but for the number.
        let prefix: Key

        init(_ log: Partition, writer: String) {
            prefix = Trail.pending(log).appending([.text(writer)])
        }
    }
    private let logs = Mutex<[Partition: Numbers]>([:])
    private let sealing: Mutex<(any EntrySealer)?>
    /// Whether every entry of this trail is sealed.
    package let isSealedFromStart: Bool

    /// A trail with a new writer id; with a sealer nobody who writes to the store can change an entry unseen while it waits
    /// to be sequenced.
    public init(time: some TimeSource = SystemTime(), sealer: (any EntrySealer)? = nil) {
        writer = Identifier(at: time.now)
        writerName = writer.description
        sealing = Mutex(sealer)
        isSealedFromStart = sealer != nil
    }

    /// Seals entries from now on, unless they are sealed already.
    package func seal(with sealer: any EntrySealer) { sealing.withLock { $0 = $0 ?? sealer } }

    /// An entry's record with its seal.
    fileprivate func sealed(_ record: [UInt8], _ ticket: TrailTicket) throws(StoreError) -> [UInt8] {
        guard let sealer = sealing.withLock({ $0 }) else { return record }
        let seal = EntrySeal(log: ticket.log, writer: writerName, number: ticket.number)
        return EntrySeal.add(try sealer.seal(seal.message(record), in: ticket.log), to: record)
    }

    /// Where the entries of a log wait to be sequenced.
    public static func pending(_ log: Partition) -> Key { Key(log, [.text("audit.pending")]) }

    private static let directory = Key(.platform, [.text("audit.log")])
    /// Says that a partition has a log; a key outside it that a store scoped to it may write.
    static func directoryKey(_ log: Partition) -> Key { directory.appending([.text(log.name)]) }

    /// The names of all logs that have had an entry, and whether something else stands among them.
    package static func logs(in store: any Store) async throws(StoreError) -> (names: [String], isMalformed: Bool) {
        var (names, isMalformed) = ([String](), false)
        var range = KeyRange(under: directory)
        while true {
            let page = try await store.records(in: range, limit: 200)
            for entry in page {
                if case .text(let name)? = entry.key.elements?.last, Partition(named: name) != nil {
                    names.append(name)
                } else {
                    isMalformed = true
                }
            }
            guard page.count == 200, let last = page.last else { return (names, isMalformed) }
            range = range.after(last.key)
        }
    }

    /// What this writer has committed to each log: the highest number, and the numbers below it that it gave back.
    package var committed: [Partition: (highest: Int64, returned: [Int64])] {
        logs.withLock { logs in
            logs.compactMapValues { numbers in
                numbers.committed > 0
                    ? (numbers.committed, numbers.returned.filter { $0 < numbers.committed }) : nil
            }
        }
    }

    fileprivate func take(_ log: Partition) -> TrailTicket {
        logs.withLock { logs in
            func take(_ numbers: inout Numbers) -> TrailTicket {
                var number = numbers.next + 1
                if let smallest = numbers.returned.min() {
                    numbers.returned.removeAll { $0 == smallest }
                    number = smallest
                } else {
                    numbers.next = number
                }
                return TrailTicket(
                    trail: self, log: log, number: number, key: numbers.prefix.appending([.integer(number)]),
                    lists: !numbers.isListed)
            }
            return take(&logs[log, default: Numbers(log, writer: writerName)])
        }
    }

    fileprivate func giveBack(_ ticket: TrailTicket) {
        logs.withLock {
            $0[ticket.log, default: Numbers(ticket.log, writer: writerName)].returned.append(ticket.number)
        }
    }

    fileprivate func commit(_ ticket: TrailTicket) {
        logs.withLock { logs in
            func commit(_ numbers: inout Numbers) {
                numbers.committed = max(numbers.committed, ticket.number)
                if ticket.lists { numbers.isListed = true }
            }
            commit(&logs[ticket.log, default: Numbers(ticket.log, writer: writerName)])
        }
    }
}

/// A number that a transaction holds until it commits.
package struct TrailTicket: Sendable {
    fileprivate let trail: Trail
    fileprivate let log: Partition
    fileprivate let number: Int64
    fileprivate let key: Key
    /// Whether the transaction also puts the log into the directory.
    fileprivate let lists: Bool

    func giveBack() { trail.giveBack(self) }
    func commit() { trail.commit(self) }
}

extension Transaction {
    /// Adds an audit entry to this transaction: the act and its entry are committed together or not at all.
    ///
    /// Of `personal` values the entry holds commitments; value and salt are written beside the log.
    /// ``StoreError/limitExceeded(_:)`` for an entry over ``Trail/maximumEntryBytes``.
    public mutating func record(
        _ entry: AuditEntry, personal: [PersonalValue] = [], in trail: Trail
    ) throws(Failure) {
        let log = Partition(entry.context.scope)
        let entry = personal.isEmpty ? entry : entry.committing(to: personal)
        let bytes = entry.recordBytes(schema: 1)
        guard bytes.count <= Trail.maximumEntryBytes else {
            throw Failure(.limitExceeded("\(Trail.maximumEntryBytes) bytes in one audit entry"))
        }
        let ticket = trail.take(log)
        take(ticket)
        insert(ticket.key, try failing { () throws(StoreError) in try trail.sealed(bytes, ticket) })
        if ticket.lists { write(Trail.directoryKey(log), Self.mark) }
        for value in personal {
            let stored = StoredPersonalValue(salt: value.salt, value: value.value, subject: value.subject)
            let place = PersonalValuePlace(log: log, entry: entry.id, field: value.name)
            insert(place.value, stored.recordBytes(schema: 1))
            // What is in a workspace's log is its customer's, and goes with it: no subject is sent there.
            if log == .platform, let subject = value.subject { write(place.mark(of: subject), Self.mark) }
        }
    }
}

extension Store {
    /// Commits an entry of its own, for an act that changed nothing else, such as a refusal.
    public func record(
        _ entry: AuditEntry, personal: [PersonalValue] = [], in trail: Trail
    ) async throws(StoreError) {
        try await transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try transaction.record(entry, personal: personal, in: trail)
        }
    }
}
