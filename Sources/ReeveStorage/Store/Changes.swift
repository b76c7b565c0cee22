// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What one commit does: expectations that must hold, records to write, keys to delete.
public struct Changes: Hashable, Sendable {
    /// What must be true of a key for the commit to take effect.
    public enum Expectation: Hashable, Sendable {
        /// There is no record.
        case absent
        /// The record is the one of this revision.
        case revision(Revision)
    }

    /// What happens to a key.
    public enum Change: Hashable, Sendable {
        /// Write these bytes, under the commit's revision.
        case write([UInt8])
        /// Remove the record, if there is one.
        case delete
    }

    /// The revision of everything this commit writes.
    public let revision: Revision
    /// What must hold.
    public private(set) var expectations: [Key: Expectation] = [:]
    /// What happens.
    public private(set) var changes: [Key: Change] = [:]

    /// No changes yet, under a new revision.
    public init(revision: Revision = .make()) {
        self.revision = revision
    }

    init(
        expectations: [Key: Expectation], changes: [Key: Change], revision: Revision = .make()
    ) {
        self.expectations = expectations
        self.changes = changes
        self.revision = revision
    }

    /// Lets the commit take effect only when `expectation` holds for `key`.
    public mutating func expect(_ key: Key, _ expectation: Expectation) { expectations[key] = expectation }
    /// Writes a record.
    public mutating func write(_ key: Key, _ bytes: [UInt8]) { changes[key] = .write(bytes) }
    /// Removes a record.
    public mutating func delete(_ key: Key) { changes[key] = .delete }

    /// At most this many keys are expected, written or deleted in one commit.
    public static let maximumKeys = 100
    /// At most this many bytes in one record.
    public static let maximumRecordBytes = 90_000
    /// At most this many bytes of keys and records in one commit.
    public static let maximumCommitBytes = 1 << 20
    /// At most this many bytes in one key.
    public static let maximumKeyBytes = 1024

    /// Checks the limits above; a store calls it before it does anything.
    public func validate() throws(StoreError) {
        var (count, total) = (changes.count, 0)
        func add(_ key: Key) throws(StoreError) {
            guard key.bytes.count <= Self.maximumKeyBytes else {
                throw .limitExceeded("\(Self.maximumKeyBytes) bytes in one key")
            }
            total += key.bytes.count
        }
        for key in expectations.keys where changes[key] == nil {
            count += 1
            try add(key)
        }
        guard count <= Self.maximumKeys else { throw .limitExceeded("\(Self.maximumKeys) keys in one commit") }
        for (key, change) in changes {
            try add(key)
            guard case .write(let bytes) = change else { continue }
            guard bytes.count <= Self.maximumRecordBytes else {
                throw .limitExceeded("\(Self.maximumRecordBytes) bytes in one record")
            }
            total += bytes.count
        }
        guard total <= Self.maximumCommitBytes else {
            throw .limitExceeded("\(Self.maximumCommitBytes) bytes in one commit")
        }
    }
}
