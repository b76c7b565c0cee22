// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// One node of the tree that vouches for a partition's authenticated records: which keys there are, and the tag of each.
///
/// A leaf names records, an inner node names nodes. The root, number 0, is the head record.
struct ControlNode: JSONRecord {
    struct Entry {
        /// A record's key in a leaf; in an inner node the first key below, which for the first entry does not count.
        var key: [UInt8]
        /// The first 16 bytes of the tag of the record or node.
        var reference: [UInt8]
        /// The number of the node below; `nil` in a leaf.
        var child: Int64?
    }
    var entries: [Entry] = []
    /// The number of the next node to be made; in the root only.
    var next: Int64?

    var isLeaf: Bool { entries.first?.child == nil }

    static let table = "control"
    /// A node with more entries, or with more bytes of keys, is split.
    private static let maximumEntries = 64
    private static let maximumKeyBytes = 16 << 10

    static func key(_ partition: Partition, _ number: Int64) -> Key { ControlPlace(partition).node(number) }

    /// Whether a key is that of some head.
    static func isHead(_ key: Key) -> Bool {
        guard let elements = key.elements?.dropFirst(), elements.first == .text(table) else { return false }
        return elements.last == .integer(0) && elements.count <= 3
    }

    var isTooLarge: Bool {
        entries.count > 1
            && (entries.count > Self.maximumEntries || entries.reduce(0) { $0 + $1.key.count } > Self.maximumKeyBytes)
    }

    /// Takes the upper half away.
    mutating func split() -> ControlNode {
        let middle = entries.count / 2
        defer { entries.removeLast(entries.count - middle) }
        return ControlNode(entries: Array(entries[middle...]))
    }

    /// The entry of an inner node under which a key lies.
    func index(above key: [UInt8]) -> Int { max(0, position(of: key, orEqual: true) - 1) }

    /// The same entry itself.
    func entry(above key: [UInt8]) -> Entry { entries[index(above: key)] }

    /// The entries of an inner node under which keys of a range may lie.
    func children(meeting range: KeyRange) -> [Entry] {
        entries.indices.filter { index in
            // What is below an entry lies from its key to the next one's.
            let isBefore = index + 1 < entries.count && entries[index + 1].key.precedesOrEquals(range.lowerBound)
            let isAfter = index > 0 && range.upperBound.precedesOrEquals(entries[index].key)
            return !isBefore && !isAfter
        }.map { entries[$0] }
    }

    /// The position of a key in a leaf, and whether it is there.
    func find(_ key: [UInt8]) -> (position: Int, isThere: Bool) {
        let position = position(of: key, orEqual: false)
        return (position, position < entries.count && entries[position].key == key)
    }

    /// The number of entries before `key`, or also at it.
    private func position(of key: [UInt8], orEqual: Bool) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let isBefore =
                orEqual
                ? !key.lexicographicallyPrecedes(entries[middle].key)
                : entries[middle].key.lexicographicallyPrecedes(key)
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            if !isLeaf {
                writer.name("children")
                writer.list(entries) { $0.integer($1.child ?? 0) }
            }
            writer.name("keys")
            writer.list(entries) { $0.bytes($1.key) }
            writer.field("next", next)
            writer.field("tags", entries.flatMap(\.reference))
        }
    }

    init(entries: [Entry] = [], next: Int64? = nil) {
        self.entries = entries
        self.next = next
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let children =
                reader.hasField("children")
                ? try reader.list { (reader) throws(JSONError) in try reader.integer() } : nil
            try reader.name("keys")
            let keys = try reader.list { (reader) throws(JSONError) in try reader.byteString() }
            let next = reader.hasField("next") ? try reader.integer() : nil
            let tags = try reader.byteString("tags")
            guard tags.count == keys.count * 16, children == nil || children?.count == keys.count else {
                throw reader.unexpected()
            }
            return ControlNode(
                entries: keys.indices.map { index in
                    Entry(
                        key: keys[index], reference: Array(tags[index * 16..<index * 16 + 16]), child: children?[index])
                }, next: next)
        }
    }
}

extension [UInt8] {
    fileprivate func precedesOrEquals(_ other: [UInt8]) -> Bool { !other.lexicographicallyPrecedes(self) }
}
