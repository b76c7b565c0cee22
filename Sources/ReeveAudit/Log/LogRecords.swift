// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// How far a log was sequenced: the one record that every batch rewrites, so that of two sequencers one goes on.
struct LogState: JSONRecord, Hashable {
    /// The number of leaves in the tree.
    var size: Int64 = 0
    /// The index of the first entry that is still there.
    var minimum: Int64 = 0
    /// The root over the leaves; `nil` for a log without any.
    var root: Digest?
    /// HMAC-SHA256 under the log's control key over label, log, size, minimum and root.
    var tag: [UInt8] = []

    static let table = Table<LogState>("audit.state")
    static func key(_ log: Partition) -> Key { Key(log, [.text("audit.state")]) }

    func message(_ log: Partition) -> [UInt8] {
        var message = CanonicalBytes(label: "reeve/audit/state/1")
        message.add(log.name)
        message.add(size)
        message.add(minimum)
        message.add(root?.description)
        return message.bytes
    }

    /// This state with its tag.
    func sealed(_ log: Partition, _ authenticator: any MessageAuthenticator) throws(AuditError) -> LogState {
        guard let tag = try? authenticator.authenticate(message(log)) else { throw AuditError(.cryptoFailed) }
        var copy = self
        copy.tag = tag
        return copy
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("minimum", minimum)
            writer.field("root", root)
            writer.field("size", size)
            writer.field("tag", tag)
        }
    }

    init(size: Int64 = 0, minimum: Int64 = 0, root: Digest? = nil, tag: [UInt8] = []) {
        self.size = size
        self.minimum = minimum
        self.root = root
        self.tag = tag
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let minimum = try reader.count("minimum")
            let root = try reader.optionalText("root", as: Digest.self)
            let size = try reader.count("size")
            return LogState(size: size, minimum: minimum, root: root, tag: try reader.byteString("tag"))
        }
    }
}

/// Which number of a writer's entries comes next, and which were declared missing, for who looks into it.
struct WriterPosition: JSONRecord, Hashable {
    var next: Int64 = 1
    /// First and last numbers of gaps, in order; of more than 1,000 the two oldest are one.
    var gaps: [Int64] = []
    /// HMAC-SHA256 under the log's control key over label, log, writer, next number and gaps.
    var tag: [UInt8] = []

    static let maximumGaps = 1000

    func message(_ log: Partition, _ writer: String) -> [UInt8] {
        var message = CanonicalBytes(label: "reeve/audit/position/1")
        message.add(log.name)
        message.add(writer)
        message.add(next)
        message.addList(gaps) { $0.add($1) }
        return message.bytes
    }

    /// This position with its tag.
    func sealed(
        _ log: Partition, _ writer: String, _ authenticator: any MessageAuthenticator
    ) throws(AuditError) -> WriterPosition {
        guard let tag = try? authenticator.authenticate(message(log, writer)) else { throw AuditError(.cryptoFailed) }
        var copy = self
        copy.tag = tag
        return copy
    }
    static let table = Table<WriterPosition>("audit.position")
    static func key(_ log: Partition, _ writer: String) -> Key {
        Key(log, [.text("audit.position"), .text(writer)])
    }

    /// Whether a number was declared missing and has not come. Of the first gap that is not sure: it may be several.
    func isMissing(_ number: Int64) -> Bool {
        let isSure = gaps.count < 2 * Self.maximumGaps
        return stride(from: isSure ? 0 : 2, to: gaps.count, by: 2).contains {
            gaps[$0] <= number && number <= gaps[$0 + 1]
        }
    }

    mutating func skip(to number: Int64) {
        gaps += [next, number - 1]
        if gaps.count > 2 * Self.maximumGaps { gaps.removeSubrange(1...2) }
        next = number
    }

    /// Takes a number out of its gap, since it came after all.
    mutating func fill(_ number: Int64) {
        for index in stride(from: 0, to: gaps.count, by: 2) where gaps[index] <= number && number <= gaps[index + 1] {
            let (first, last) = (gaps[index], gaps[index + 1])
            var parts: [Int64] = []
            if first < number { parts += [first, number - 1] }
            if number < last { parts += [number + 1, last] }
            gaps.replaceSubrange(index...index + 1, with: parts)
            return
        }
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.name("gaps")
            writer.list(gaps) { $0.integer($1) }
            writer.field("next", next)
            writer.field("tag", tag)
        }
    }

    init(next: Int64 = 1, gaps: [Int64] = [], tag: [UInt8] = []) {
        self.next = next
        self.gaps = gaps
        self.tag = tag
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            try reader.name("gaps")
            let gaps = try reader.list { (reader) throws(JSONError) in try reader.integer() }
            guard gaps.count.isMultiple(of: 2) else { throw reader.unexpected() }
            let next = try reader.count("next", upTo: 1 << 50)
            return WriterPosition(next: next, gaps: gaps, tag: try reader.byteString("tag"))
        }
    }
}

/// What a writer says it has committed: what is missing below that was taken away. Kept in the platform's partition until
/// all of it is sequenced.
struct WriterMark: JSONRecord, Hashable {
    /// The highest number that was committed.
    var committed: Int64
    /// The log.
    var log: String
    var writer: String

    var ids: [String] { [log, writer] }

    static func table(_ keys: any ControlKeys) -> AuthenticatedTable<WriterMark> {
        AuthenticatedTable("audit.writer", keys: keys)
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { json in
            json.field("committed", committed)
            json.field("log", log)
            json.field("writer", self.writer)
        }
    }

    init(committed: Int64, log: String, writer: String) {
        self.committed = committed
        self.log = log
        self.writer = writer
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let committed = try reader.count("committed")
            let log = try reader.text("log")
            return WriterMark(committed: committed, log: log, writer: try reader.text("writer"))
        }
    }
}

/// Leaves that were sequenced in one commit, as they were hashed.
///
/// Keys count backwards from the newest, so that the record that holds an index is the first one at or after it.
struct LeafChunk: JSONRecord, Hashable {
    var first: Int64
    var leaves: [[UInt8]]

    /// At most this many bytes of leaves in one record.
    static let maximumBytes = 80_000
    static let table = Table<LeafChunk>("audit.leaves")
    static func prefix(_ log: Partition) -> Key { Key(log, [.text("audit.leaves")]) }
    static func key(_ log: Partition, _ first: Int64) -> Key { prefix(log).appending([.integer(-first)]) }

    var range: Range<Int64> { first..<first + Int64(leaves.count) }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("first", first)
            writer.name("leaves")
            writer.list(leaves) { $0.raw($1) }
        }
    }

    init(first: Int64, leaves: [[UInt8]]) {
        self.first = first
        self.leaves = leaves
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let first = try reader.count("first")
            try reader.name("leaves")
            let leaves = try reader.list { (reader) throws(JSONError) in try reader.rawObject() }
            return LeafChunk(first: first, leaves: leaves)
        }
    }
}

/// A signed checkpoint, the newest first.
struct StoredCheckpoint: JSONRecord, Hashable {
    var note: [UInt8]
    var size: Int64

    static let table = Table<StoredCheckpoint>("audit.checkpoint")
    static func prefix(_ log: Partition) -> Key { Key(log, [.text("audit.checkpoint")]) }
    static func key(_ log: Partition, _ size: Int64) -> Key { prefix(log).appending([.integer(-size)]) }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("note", String(decoding: note, as: UTF8.self))
            writer.field("size", size)
        }
    }

    init(note: [UInt8], size: Int64) {
        self.note = note
        self.size = size
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let note = Array(try reader.text("note").utf8)
            return StoredCheckpoint(note: note, size: try reader.count("size"))
        }
    }
}

extension Tile {
    static let table = Table<Tile>("audit.tile")
    static func key(_ log: Partition, _ id: TileID) -> Key {
        Key(log, [.text("audit.tile"), .integer(Int64(id.level)), .integer(Int64(id.index))])
    }
}
