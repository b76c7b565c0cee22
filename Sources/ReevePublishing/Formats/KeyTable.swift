// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Values by keys, looked up by a key's bytes where they stand in a document. Complexity: O(1) comparisons, without a copy.
final class KeyTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let hash: UInt64
        /// The place of its key among those of all.
        let key: Range<Int>
        let value: Value
    }

    private let keys: [UInt8]
    private let entries: [Entry]
    /// Places of entries, -1 where none is; at least half of them.
    private let slots: [Int]

    init(_ values: [String: Value]) {
        var keys: [UInt8] = []
        entries = values.map { key, value in
            let start = keys.count
            keys += Array(key.utf8)
            return Entry(hash: JSONScanner.hash(of: Array(key.utf8)), key: start..<keys.count, value: value)
        }
        self.keys = keys
        var size = 4
        while size < 2 * values.count { size *= 2 }
        var slots = Array(repeating: -1, count: size)
        for (index, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.hash) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = index
        }
        self.slots = slots
    }

    /// The value of the key that stands in a part of a text, by the ``JSONScanner/hash(of:)`` of it.
    func value(of text: [UInt8], _ range: Range<Int>, _ hash: UInt64) -> Value? {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = slots[slot]
            if entries[index].hash == hash, isKey(entries[index].key, text, range) {
                return entries[index].value
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func isKey(_ key: Range<Int>, _ text: [UInt8], _ range: Range<Int>) -> Bool {
        guard key.count == range.count else { return false }
        for index in 0..<key.count where keys[key.lowerBound + index] != text[range.lowerBound + index] {
            return false
        }
        return true
    }
}
