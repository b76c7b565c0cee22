// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
public import ReeveStorage

/// One leaf of a log: an entry at its place, or the note that entries are missing.
public struct SequencedEntry: Hashable, Sendable {
    /// What the leaf says.
    public enum Content: Hashable, Sendable {
        /// An act's entry. One that came after its place had been declared missing is late.
        case entry(AuditEntry, isLate: Bool)
        /// These numbers of the writer never came.
        case gap(ClosedRange<Int64>)
    }

    /// The place in the log, from 0.
    public let index: Int
    /// Which process wrote it.
    public let writer: Identifier<Writer>
    /// The writer's number, or the first missing one.
    public let number: Int64
    /// When the entry was recorded, or the gap declared.
    public let at: Timestamp
    /// What it says.
    public let content: Content
    /// Whether the writer's seal vouched for it until it was sequenced; a gap has none.
    public let isSealed: Bool
    /// The bytes that are hashed into the tree.
    public let leaf: [UInt8]

    /// The entry; `nil` for a gap.
    public var entry: AuditEntry? {
        if case .entry(let entry, _) = content { entry } else { nil }
    }

    /// The leaf of an entry's record.
    static func leaf(
        record: [UInt8], writer: String, number: Int64, isLate: Bool, isSealed: Bool
    ) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.name("entry")
            json.raw(record)
            if isLate { json.field("late", true) }
            json.field("number", number)
            if !isSealed { json.field("unsealed", true) }
            json.field("writer", writer)
        }
        return json.bytes
    }

    /// The leaf that says which numbers are missing.
    static func leaf(gap: ClosedRange<Int64>, writer: String, at instant: Timestamp) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.field("at", instant)
            json.field("gap") { json in
                json.field("first", gap.lowerBound)
                json.field("last", gap.upperBound)
            }
            json.field("writer", writer)
        }
        return json.bytes
    }

    /// Reads a leaf; `nil` when it is none.
    public init?(leaf: [UInt8], index: Int) {
        var reader = JSONReader(leaf)
        do {
            self = try reader.object { (reader) throws(JSONError) in
                if reader.hasField("at") {
                    let at = try reader.text(as: Timestamp.self)
                    let (first, last) = try reader.object("gap") { (reader) throws(JSONError) in
                        (try reader.integer("first"), try reader.integer("last"))
                    }
                    let writer = try reader.text("writer", as: Identifier<Writer>.self)
                    guard 0 < first, first <= last else { throw reader.unexpected() }
                    return SequencedEntry(index, writer, first, at, .gap(first...last), false, leaf)
                }
                try reader.name("entry")
                let record = try reader.rawObject()
                let isLate = reader.hasField("late") ? try reader.bool() : false
                let number = try reader.integer("number")
                let isSealed = reader.hasField("unsealed") ? try !reader.bool() : true
                let writer = try reader.text("writer", as: Identifier<Writer>.self)
                guard let entry = try? AuditEntry(recordBytes: record, schema: 1) else { throw reader.unexpected() }
                return SequencedEntry(index, writer, number, entry.at, .entry(entry, isLate: isLate), isSealed, leaf)
            }
            try reader.finish()
        } catch {
            return nil
        }
    }

    private init(
        _ index: Int, _ writer: Identifier<Writer>, _ number: Int64, _ at: Timestamp, _ content: Content,
        _ isSealed: Bool, _ leaf: [UInt8]
    ) {
        self.index = index
        self.writer = writer
        self.number = number
        self.at = at
        self.content = content
        self.isSealed = isSealed
        self.leaf = leaf
    }
}
