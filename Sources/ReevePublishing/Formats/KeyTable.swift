// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Values by keys, looked up by a key's bytes where they stand in a document. Complexity: O(1) comparisons, without a copy.
struct KeyTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let hash: UInt64
        let key: [UInt8]
        let value: Value
    }

    private let entries: [Entry]
    /// Places of entries, -1 where none is; at least half of them.
    private var slots: [Int]

    init(_ values: [String: Value]) {
        entries = values.map { key, value in
            let bytes = Array(key.utf8)
            return Entry(hash: JSONScanner.hash(of: bytes), key: bytes, value: value)
        }
        var size = 4
        while size < 2 * values.count { size *= 2 }
        slots = Array(repeating: -1, count: size)
        for (index, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.hash) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = index
        }
    }

    /// The value of the key that stands in a part of a text, by the ``JSONScanner/hash(of:)`` of it.
    func value(of text: [UInt8], _ range: Range<Int>, _ hash: UInt64) -> Value? {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = slots[slot]
            if entries[index].hash == hash, Self.isEqual(entries[index].key, text, range) {
                return entries[index].value
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private static func isEqual(_ key: [UInt8], _ text: [UInt8], _ range: Range<Int>) -> Bool {
        guard key.count == range.count else { return false }
        for index in 0..<key.count where key[index] != text[range.lowerBound + index] { return false }
        return true
    }
}
