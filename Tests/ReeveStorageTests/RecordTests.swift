// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReeveTesting
import Testing

@testable import ReeveStorage

/// A record with every kind of field.
private struct Sample: Hashable, JSONRecord {
    var bytes: [UInt8]
    var flag: Bool
    var list: [Int64]
    var members: [String: String]
    var number: Int64
    var option: String?
    var text: String

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("bytes", bytes)
            writer.field("flag", flag)
            writer.name("list")
            writer.list(list) { $0.integer($1) }
            writer.field("members", members)
            writer.field("number", number)
            writer.field("option", option)
            writer.field("text", text)
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let bytes = try reader.byteString("bytes")
            let flag = try reader.bool("flag")
            try reader.name("list")
            let list = try reader.list { (reader) throws(JSONError) in try reader.integer() }
            try reader.name("members")
            let members = try reader.dictionary { (reader) throws(JSONError) in try reader.text() }
            let number = try reader.integer("number")
            let option = try reader.optionalText("option", as: String.self)
            return Sample(
                bytes: bytes, flag: flag, list: list, members: members, number: number, option: option,
                text: try reader.text("text"))
        }
    }

    init(
        bytes: [UInt8], flag: Bool, list: [Int64], members: [String: String], number: Int64, option: String?,
        text: String
    ) {
        (self.bytes, self.flag, self.list, self.members) = (bytes, flag, list, members)
        (self.number, self.option, self.text) = (number, option, text)
    }

    static func random(_ generator: inout SeededGenerator) -> Sample {
        func text() -> String {
            let scalars: [Unicode.Scalar] = [
                "\0", "\u{8}", "\u{1F}", "\"", "\\", "/", "a", "é", "\u{2028}", "😀", "\u{FFFF}",
            ]
            var text = ""
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                text.unicodeScalars.append(scalars.randomElement(using: &generator) ?? "a")
            }
            return text
        }
        func number() -> Int64 {
            [0, -1, .min, .max, Int64.random(in: .min ... .max, using: &generator)].randomElement(using: &generator)
                ?? 0
        }
        var members: [String: String] = [:]
        for _ in 0..<Int.random(in: 0...3, using: &generator) { members[text()] = text() }
        return Sample(
            bytes: (0..<Int.random(in: 0...9, using: &generator)).map { _ in .random(in: 0...255, using: &generator) },
            flag: Bool.random(using: &generator),
            list: (0..<Int.random(in: 0...3, using: &generator)).map { _ in number() }, members: members,
            number: number(), option: Bool.random(using: &generator) ? text() : nil, text: text())
    }
}

@Suite struct RecordTests {
    private static let entry = AuditEntry(
        at: Timestamp(seconds: 5),
        context: ActContext(
            actor: .person(Identifier(high: 1, low: 2)),
            scope: Scope(Identifier(high: 3, low: 4), .test, project: Identifier(high: 5, low: 6)),
            correlation: Identifier(high: 7, low: 8), reason: "a \"reason\""),
        action: "room.act", resource: "conn_1", outcome: .refused, refusal: "code",
        decision: Identifier(high: 9, low: 10), policy: Digest(bytes: [UInt8](repeating: 3, count: 32)),
        details: ["b": "2", "a": "1"])

    /// Entries written by hand are the JSON that `Codable` writes, full and sparse.
    @Test func entriesAreTheJSONOfCodable() throws {
        let sparse = AuditEntry(
            at: Timestamp(seconds: 5), context: ActContext(actor: .host("h"), scope: .platform), action: "a",
            resource: "r")
        let digest = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        let values = ["phone", "email"].map { PersonalValue(name: $0, value: "v", salt: [], commitment: digest) }
        for entry in [Self.entry, sparse, sparse.committing(to: values)] {
            let bytes = entry.recordBytes(schema: 1)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let value = String(decoding: try encoder.encode(entry), as: UTF8.self)
            #expect(String(decoding: bytes, as: UTF8.self) == #"{"schema":1,"value":\#(value)}"#)
            #expect(try AuditEntry(recordBytes: bytes, schema: 1) == entry)
        }
    }

    /// First a release reads a version, then one writes it; what was read in a newer version is not written back in an
    /// older one.
    @Test func aVersionIsReadBeforeItIsWritten() async throws {
        struct Note: Hashable, Codable, RecordCodable { var text: String }
        let store = MemoryStore()
        let (reading, writing) = (Table<Note>("n", schema: 1, readable: 2), Table<Note>("n", schema: 2))
        let key = reading.key(.platform, ["a"])
        func schema() async throws -> Int? { try await store.record(for: key).flatMap { RecordSchema.of($0.bytes) } }
        func edit(_ table: Table<Note>, _ text: String) async throws {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                _ = try await table.read(.platform, ["a"], in: &tx)
                try await table.write(Note(text: text), .platform, ["a"], in: &tx)
            }
        }
        try await edit(reading, "1")
        #expect(try await schema() == 1)
        try await edit(writing, "2")
        #expect(try await schema() == 2)
        try await edit(reading, "3")
        #expect(try await schema() == 2)
        #expect(try await writing.read(.platform, ["a"], in: store) == Note(text: "3"))
        await #expect(throws: StoreError.newerSchema(key)) { try await edit(Table("n", schema: 1), "4") }
        #expect(Table<Note>("n", schema: 3, readable: 1).readableSchema == 3)
    }

    /// A write that has not looked at what is there looks first; a record that does not begin like one is not replaced.
    @Test func aBlindWriteLosesNoNewerVersion() async throws {
        struct Note: Hashable, Codable, RecordCodable { var text: String }
        let (store, table) = (MemoryStore(), Table<Note>("n", schema: 1, readable: 2))
        let key = table.key(.platform, ["a"])
        func put(_ text: String) async throws {
            var changes = Changes()
            changes.write(key, Array(text.utf8))
            try await store.commit(changes)
        }
        func write() async throws {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(Note(text: "new"), .platform, ["a"], in: &tx)
            }
        }
        try await put(#"{"schema":9,"value":{"text":"x","more":1}}"#)
        await #expect(throws: StoreError.newerSchema(key)) { try await write() }
        try await put(#"{ "schema":2,"value":{"text":"x"}}"#)
        await #expect(throws: StoreError.malformed(key)) { try await write() }
        try await put(#"{"schema":2,"value":{"text":"x"}}"#)
        try await write()
        let bytes = try #require(try await store.record(for: key)?.bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"schema":2,"value":{"text":"new"}}"#)
    }

    @Test func aClaimIsTakenOnce() async throws {
        let store = MemoryStore()
        let key = Key(.platform, [.text("claim")])
        let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                        try await tx.claim(key)
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
    }

    @Test func aScopedStoreServesItsPartitionAlone() async throws {
        let (mine, other) = (Identifier<Workspace>(high: 1, low: 1), Identifier<Workspace>(high: 1, low: 2))
        let base = MemoryStore()
        let store = base.scoped(to: mine)
        let key = Key(Partition(mine), [.text("a")])
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in tx.write(key, [1]) }
        #expect(try await store.record(for: key)?.bytes == [1])
        #expect(try await store.records(in: KeyRange(under: Key(Partition(mine))), limit: 9).count == 1)
        #expect(try await store.records(in: KeyRange(under: Key(Partition(mine))).after(key), limit: 9).isEmpty)
        let foreign = [
            Key(Partition(other), [.text("a")]), Key(.platform, [.text("a")]), Key([]), Key([.integer(1)]),
            // An element that begins like the partition's name and goes on behind a zero byte.
            Key([.text(Partition(mine).name + "\0x")]), Key([.text(Partition(mine).name + "x")]),
            Key(encoded: Array(Key(Partition(mine)).bytes.dropLast())),
        ]
        for key in foreign {
            await #expect(throws: StoreError.outsideScope(key)) { _ = try await store.record(for: key) }
            var write = Changes()
            write.write(key, [1])
            await #expect(throws: StoreError.outsideScope(key)) { try await store.commit(write) }
            var expect = Changes()
            expect.expect(key, .absent)
            await #expect(throws: StoreError.outsideScope(key)) { try await store.commit(expect) }
            await #expect(throws: StoreError.self) { _ = try await store.records(in: KeyRange(under: key), limit: 1) }
        }
        #expect(base.count == 1)
    }
}

@Suite struct RecordProperties {
    /// What is written is read back, and is JSON to the strict tokeniser.
    @Test func recordsRoundTrip() throws {
        var generator = Scale.current.generator(for: "hand-written records")
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 500_000) {
            let sample = Sample.random(&generator)
            let bytes = sample.recordBytes(schema: 1)
            #expect(try Sample(recordBytes: bytes, schema: 1) == sample)
            try JSONTokens(bytes).validate()
        }
    }

    /// Truncated and mutated records are read or refused, never a crash, and what is read is spelt in one way.
    @Test func hostileRecordsAreReadOrRefused() throws {
        var generator = Scale.current.generator(for: "hostile records")
        var accepted = 0
        for _ in 0..<Scale.current.cases(ci: 30_000, soak: 1_000_000) {
            var bytes = Sample.random(&generator).recordBytes(schema: 1)
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            default: bytes.removeLast(bytes.count - index)
            }
            guard let sample = try? Sample(recordBytes: bytes, schema: 1) else { continue }
            accepted += 1
            // One spelling: what was read is what would be written.
            #expect(sample.recordBytes(schema: 1) == bytes)
        }
        #expect(accepted > 100)
    }
}

/// Strings are read eight bytes at a time: what ends them, escapes or must not be there counts in every place.
@Suite struct StringScanTests {
    @Test func everyTellingByteCountsInEveryPlace() throws {
        for length in 0..<40 {
            let plain = [UInt8](repeating: UInt8(ascii: "x"), count: length)
            func read(_ content: [UInt8]) -> String? {
                var reader = JSONReader([0x22] + content + Array("\",\"tail-that-is-long-enough\"".utf8))
                return try? reader.text()
            }
            #expect(read(plain) == String(repeating: "x", count: length))
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var content = plain
                    content[place] = byte
                    switch byte {
                    case 0..<0x20: #expect(read(content) == nil, "\(byte) at \(place)")
                    case 0x22: #expect(read(content) == String(repeating: "x", count: place))
                    // An escape needs a letter behind it that this is none of; in the last place it takes the quote.
                    case 0x5C: #expect(read(content) == nil || place == length - 1)
                    case 0x80...: #expect(read(content) == nil, "\(byte) at \(place)")
                    default: #expect(read(content)?.utf8.elementsEqual(content) == true, "\(byte) at \(place)")
                    }
                }
                var escaped = plain
                escaped.replaceSubrange(place...place, with: Array(#"\n"#.utf8))
                #expect(read(escaped)?.utf8.count == length)
            }
        }
    }
}
