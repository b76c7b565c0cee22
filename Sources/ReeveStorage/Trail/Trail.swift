// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// Numbers the audit entries that one process writes, so that every act commits its own entry.
///
/// Each log (a workspace's or the platform's) gets numbers without holes from each writer: a number is taken when an
/// entry joins a transaction, and given back when that transaction does not commit. Writers share no record, so they
/// never wait for each other. Rooms over one store share one trail. Only a crash, or a reply whose outcome was never learned,
/// leaves a hole.
public final class Trail: Sendable {
    /// The writer's id, new for each process.
    public let writer: Identifier<Writer>

    private struct Numbers {
        var next: Int64 = 0
        var returned: [Int64] = []
    }
    private let logs = Mutex<[Partition: Numbers]>([:])

    /// A trail with a new writer id.
    public init(time: some TimeSource = SystemTime()) {
        writer = Identifier(at: time.now)
    }

    /// Where the entries of a log wait to be sequenced.
    public static func pending(_ log: Partition) -> Key { Key(log, [.text("audit.pending")]) }

    fileprivate func take(_ log: Partition) -> TrailTicket {
        let number = logs.withLock { logs in
            var numbers = logs[log, default: Numbers()]
            defer { logs[log] = numbers }
            if let smallest = numbers.returned.min() {
                numbers.returned.removeAll { $0 == smallest }
                return smallest
            }
            numbers.next += 1
            return numbers.next
        }
        return TrailTicket(trail: self, log: log, number: number)
    }

    fileprivate func giveBack(_ log: Partition, _ number: Int64) {
        logs.withLock { $0[log, default: Numbers()].returned.append(number) }
    }

    fileprivate func key(_ ticket: TrailTicket) -> Key {
        Self.pending(ticket.log).appending([.text(writer.description), .integer(ticket.number)])
    }
}

/// A number that a transaction holds until it commits.
package struct TrailTicket: Sendable {
    fileprivate let trail: Trail
    fileprivate let log: Partition
    fileprivate let number: Int64

    package func giveBack() { trail.giveBack(log, number) }
}

extension Transaction {
    /// Adds an audit entry to this transaction: the act and its entry are committed together or not at all.
    public mutating func record(_ entry: AuditEntry, in trail: Trail) throws(Failure) {
        let ticket = trail.take(Partition(entry.context.scope))
        take(ticket)
        let key = trail.key(ticket)
        let bytes = try failing { () throws(StoreError) in try Table<AuditEntry>("audit.pending").encode(entry, key) }
        insert(key, bytes)
    }
}

extension Store {
    /// Commits an entry of its own, for an act that changed nothing else, such as a refusal.
    public func record(_ entry: AuditEntry, in trail: Trail) async throws(StoreError) {
        try await transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try transaction.record(entry, in: trail)
        }
    }
}
