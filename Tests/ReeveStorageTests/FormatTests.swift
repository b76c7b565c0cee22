// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

@testable import ReeveStorage

/// What stands in stores and ledgers, byte for byte: `Documentation/Formats.md` lists it. A change here is a new version
/// of a format, which a release must read before one writes it. The tags were computed by another program as well.
@Suite struct FormatTests {
    private static let workspace = Identifier<Workspace>(high: 1, low: 2)
    private static let partition = Partition(workspace)

    private static func text(_ store: any ReeveStorage.Store, _ elements: [Key.Element]) async throws -> String? {
        try await store.record(for: Key(partition, elements)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func keysAreAsWritten() {
        #expect(
            Hex.encode(Key(.platform, [.text("a\0b"), .integer(-2)]).bytes)
                == "20706c6174666f726d00206100ff6200107ffffffffffffffe")
    }

    @Test func authenticatedRecordsAreAsWritten() async throws {
        let store = MemoryStore()
        let keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 9, count: 32)))
        struct Grant: Codable, RecordCodable { var role: String }
        let table = AuthenticatedTable<Grant>("grants", keys: keys)
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await ControlHead.create(Self.partition, keys: keys, in: &tx)
        }
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await table.write(Grant(role: "admin"), Self.partition, ["a"], in: &tx)
        }
        let stored1 = try await Self.text(store, [.text("grants"), .text("a")])
        #expect(
            stored1 == """
                {"schema":1,"value":{"role":"admin"}}
                0000000000000002 rMFVcQ2wYfsa-Ub6yeXa6rVEWJ3AenH9LtkGIL-T6PE
                """)
        let stored2 = try await Self.text(store, [.text("control"), .integer(0)])
        #expect(
            stored2 == """
                {"schema":1,"value":{"keys":["IHdzXzAwMDAwMDAwMDAwMDBnMDAwMDAwMDAwMDAyACBncmFudHMAIGEA"],"next":1,"tags":"rMFVcQ2wYfsa-Ub6yeXa6g"}}
                0000000000000002 -IzFVYGPFSbiO_jV3MzEuFLUJ3oMCZKlPswo9hn3gco
                """)
    }

    @Test func backgroundRecordsAreAsWritten() async throws {
        let store = MemoryStore()
        let event = DomainEvent(
            id: Identifier(high: 3, low: 4), type: "plans.threshold-reached", at: Timestamp(seconds: 1_800_000_000),
            scope: Scope(Self.workspace, .test), subject: "co_1", details: ["percent": "80"])
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await tx.publish(event)
            try await tx.guard(Key(Self.partition, [.text("guard")]))
        }
        let stored3 = try await Self.text(store, [.text("outbox"), .integer(1)])
        #expect(
            stored3 == """
                {"schema":1,"value":{"at":"2027-01-15T08:00:00.000000Z","details":{"percent":"80"},"id":"evt_0000000000001g000000000004","scope":{"environment":"test","workspace":"ws_0000000000000g000000000002"},"subject":"co_1","type":"plans.threshold-reached"}}
                """)
        let stored4 = try await Self.text(store, [.text("outbox.head")])
        #expect(stored4 == #"{"schema":1,"value":{"number":1}}"#)
        let stored5 = try await Self.text(store, [.text("guard")])
        #expect(stored5 == #"{"schema":1,"value":{}}"#)
        let leases = Leases(store: store, time: ManualTime(), duration: .seconds(30))
        let lease = try #require(try await leases.acquire(Key(Self.partition, [.text("work")])))
        let stored6 = try await Self.text(store, [.text("work")])
        #expect(
            stored6 == """
                {"schema":1,"value":{"beat":0,"epoch":1,"milliseconds":30000,"owner":"\(leases.owner)"}}
                """)
        try await leases.release(lease)
        let stored7 = try await Self.text(store, [.text("work")])
        #expect(
            stored7 == """
                {"schema":1,"value":{"beat":0,"epoch":1,"milliseconds":30000}}
                """)
        let sweep = Sweep("s", over: KeyRange(under: Key(Self.partition, [.text("outbox")])), in: Self.partition)
        _ = try await sweep.run(with: leases) {
            (_: Key, _: [UInt8], _: inout Transaction<StoreError>) throws(StoreError) in .unchanged
        }
        let stored8 = try await Self.text(store, [.text("sweep"), .text("s")])
        #expect(
            stored8 == """
                {"schema":1,"value":{"changed":0,"completed":1,"failed":0,"finished":true,"rounds":1}}
                """)
    }

    @Test func ledgerLinesAreAsWritten() async throws {
        let ledger = MemoryLedger()
        let chain = AnchorLedger(
            ledger, authenticator: try HMACKey(SecretBytes(copying: [UInt8](repeating: 9, count: 32))),
            time: ManualTime(now: Timestamp(seconds: 1_800_000_000)))
        try await chain.append(.closed("conn_1", state: "destroyed"))
        try await chain.append(
            .checkpoint("log", size: 7, root: try #require(Digest(bytes: .init(repeating: 1, count: 32)))))
        let lines = try await ledger.lines(from: 0, limit: 9).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            lines == [
                """
                {"at":"2027-01-15T08:00:00.000000Z","index":0,"kind":"closed.destroyed","schema":1,"subject":"conn_1"} tIkmnJ1vpsMw37MZn70rSoVyRjDdzID0ozdHaIy1CVc
                """,
                """
                {"at":"2027-01-15T08:00:00.000000Z","digest":"0101010101010101010101010101010101010101010101010101010101010101","index":1,"kind":"checkpoint","number":7,"schema":1,"subject":"log"} K_dw5ZOmvhb8JghKW_-xug9DZx8q_iakaAq5itTBYNY
                """,
            ])
    }
}
