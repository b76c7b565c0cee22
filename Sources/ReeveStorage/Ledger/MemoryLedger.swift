// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Synchronization

/// A ledger in this process's memory, for tests and trials: it ends with the process, and protects nothing.
public final class MemoryLedger: Ledger {
    private let kept: Mutex<[[UInt8]]>

    /// A ledger with these lines; none unless given.
    public init(_ lines: [[UInt8]] = []) {
        kept = Mutex(lines)
    }

    /// `false`: it is gone with the process.
    public var protectsAgainstRollback: Bool { false }

    /// Appends a line.
    public func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
        try LedgerLimits.check(line)
        try kept.withLock { (kept) throws(LedgerError) in
            guard kept.count == index else { throw .taken(index) }
            kept.append(line)
        }
    }

    /// At most `limit` lines from number `index` on.
    public func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        kept.withLock { kept in
            guard index >= 0, index < kept.count, limit > 0 else { return [] }
            return Array(kept[index..<min(kept.count, index + min(limit, kept.count))])
        }
    }
}

/// A ledger inside the store itself, for trials: put back together with the store, it shows nothing.
public struct StoreLedger: Ledger {
    private let store: any Store

    /// The ledger of a store.
    public init(_ store: any Store) {
        self.store = store
    }

    /// `false`: it is put back with the store.
    public var protectsAgainstRollback: Bool { false }

    private static let prefix = Key(.platform, [.text("ledger")])
    private static func key(_ index: Int) -> Key { prefix.appending([.integer(Int64(index))]) }

    /// Appends a line.
    public func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
        try LedgerLimits.check(line)
        do throws(StoreError) {
            // The line before must be there, and this one must not.
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                if index > 0, try await transaction.read(Self.key(index - 1)) == nil {
                    throw .conflict(Self.key(index))
                }
                guard index >= 0, try await transaction.read(Self.key(index)) == nil else {
                    throw .conflict(Self.key(index))
                }
                transaction.write(Self.key(index), line)
            }
        } catch {
            switch error {
            case .conflict: throw .taken(index)
            case .outcomeUnknown: throw .outcomeUnknown
            default: throw .unavailable(error.description)
            }
        }
    }

    /// At most `limit` lines from number `index` on.
    public func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        let page: [Entry]
        do {
            let range = KeyRange(under: Self.prefix)
            page = try await store.records(in: index > 0 ? range.after(Self.key(index - 1)) : range, limit: limit)
        } catch {
            throw .unavailable(error.description)
        }
        for (offset, entry) in page.enumerated() where entry.key != Self.key(index + offset) {
            throw .tampered(index + offset)
        }
        return page.map(\.record.bytes)
    }
}
