// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import Synchronization

/// A sealed credential and all that is needed to open it, as long as nothing changes that decides about it.
struct ReadyCredential: Sendable {
    let context: MainKeyContext
    let partition: Partition
    let project: Identifier<Project>?
    let method: Connector.Method
    let rowKey: Key
    /// The row's bytes: another row is read anew.
    let row: [UInt8]
    let sealed: [UInt8]
    let key: OpenKey
    let authenticated: [UInt8]
    let deadline: KeyCache.Deadline
    /// From when on the keys above are asked for again.
    let refresh: Duration
    var control: ControlSnapshot
    /// What the head says of the records that decide about its keys.
    let references: [Key: ControlReference]
    let ledgerSerial: UInt64
    let cacheSerial: UInt64
}

/// Credentials that were opened lately.
final class ReadyCredentials: Sendable {
    private let kept = Mutex<[Identifier<Connection>: ReadyCredential]>([:])
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    func credential(_ connection: Identifier<Connection>, _ context: MainKeyContext) -> ReadyCredential? {
        kept.withLock { $0[connection] }.flatMap { $0.context == context ? $0 : nil }
    }

    func keep(_ credential: ReadyCredential, for connection: Identifier<Connection>) {
        kept.withLock { kept in
            if kept.count >= capacity, kept[connection] == nil { kept.removeAll() }
            kept[connection] = credential
        }
    }

    /// Lets go of keys that are over or were taken out of the cache.
    func dropOver(_ uptime: Duration, _ now: Timestamp, _ serial: UInt64) {
        kept.withLock { kept in
            kept = kept.filter { !$0.value.deadline.isOver(uptime, now) && $0.value.cacheSerial == serial }
        }
    }
}
