// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveTestSupport
import ReeveTesting
import Testing

@testable import ReeveStorage

private typealias Store = ReeveStorage.Store

private struct Note: Hashable, Codable, RecordCodable {
    var text: String
}

/// Tables of deciding records, with keys and without: what is removed is gone, and what somebody else removed or put back is not.
@Suite struct ControlTableTests {
    private let store = TestStore()
    private let keys: DerivedControlKeys

    init() throws { keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32))) }

    /// A process's table, whose records are spread over a few trees.
    private func table(isAuthenticated: Bool = true, trees: ControlPlace.Trees = .spread("notes", over: 4))
        -> ControlTable<Note>
    {
        let control = ControlRecords(store: store, keys: keys, makesHeads: true)
        return ControlTable("notes", in: trees, isAuthenticated ? control : nil)
    }

    private func write(_ text: String?, _ id: String, _ table: ControlTable<Note>) async throws {
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            if let text {
                try await table.write(Note(text: text), .platform, [id, "x"], in: &tx)
            } else {
                try await table.delete(.platform, [id, "x"], in: &tx)
            }
        }
    }

    private func read(_ id: String, _ table: ControlTable<Note>) async throws -> String? {
        try await table.read(.platform, [id, "x"], in: store)?.text
    }

    @Test(arguments: [true, false]) func whatIsRemovedIsGone(_ isAuthenticated: Bool) async throws {
        let (first, second) = (table(isAuthenticated: isAuthenticated), table(isAuthenticated: isAuthenticated))
        // Before anything was written there is nothing to remove.
        try await write(nil, "0", first)
        for number in 0..<200 { try await write("n\(number)", String(number), first) }
        for number in stride(from: 0, to: 200, by: 2) { try await write(nil, String(number), second) }
        for number in 0..<200 {
            let expected = number.isMultiple(of: 2) ? nil : "n\(number)"
            #expect(try await read(String(number), first) == expected)
            #expect(try await read(String(number), second) == expected)
            #expect(
                try await first.readAll(.platform, [String(number)], in: store).map(\.text)
                    == (expected.map { [$0] } ?? []))
        }
        // Removed again it stays so, and written again it is there.
        try await write(nil, "0", first)
        try await write("again", "0", first)
        #expect(try await read("0", second) == "again")
        for number in 0..<200 { try await write(nil, String(number), second) }
        #expect(try await read("1", table(isAuthenticated: isAuthenticated)) == nil)
    }

    /// What was removed does not come back behind Reeve's back, and what somebody else removed is not gone.
    @Test(arguments: [ControlPlace.Trees.spread("notes", over: 4), .firstID, .named("notes"), .partition])
    func whatWasRemovedStaysSo(_ trees: ControlPlace.Trees) async throws {
        let own = table(trees: trees)
        for id in ["a", "b"] { try await write(id, id, own) }
        let key = own.key(.platform, ["a", "x"])
        let bytes = try #require(try await store.record(for: key)).bytes
        try await write(nil, "a", own)
        #expect(try await read("a", own) == nil)
        var changes = Changes()
        changes.write(key, bytes)
        try await store.commit(changes)
        for process in [own, table(trees: trees)] {
            await #expect(throws: StoreError.self) { try await read("a", process) }
            await #expect(throws: StoreError.self) { try await write("c", "a", process) }
            await #expect(throws: StoreError.self) { try await write(nil, "a", process) }
        }
        changes = Changes()
        changes.delete(key)
        changes.delete(own.key(.platform, ["b", "x"]))
        try await store.commit(changes)
        for process in [own, table(trees: trees)] {
            #expect(try await read("a", process) == nil)
            await #expect(throws: StoreError.self) { try await read("b", process) }
        }
    }

    /// A record that is where no tree is is nobody's to remove.
    @Test func whatNobodyWroteIsNotRemoved() async throws {
        let own = table()
        var changes = Changes()
        changes.write(own.key(.platform, ["a", "x"]), try Note(text: "planted").recordBytes(schema: 1))
        try await store.commit(changes)
        await #expect(throws: StoreError.self) { try await write(nil, "a", own) }
        await #expect(throws: StoreError.self) { try await read("a", own) }
        #expect(try await store.record(for: own.key(.platform, ["a", "x"])) != nil)
    }
}
