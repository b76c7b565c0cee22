// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

@testable import ReeveAudit
@testable import ReeveStorage

/// What is stored stays readable: a change here is a new version of a format.
@Suite struct AuditFormatTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func leavesAreAsWritten() throws {
        let writer = Identifier<Writer>(high: 1, low: 2)
        let entry = AuditEntry(
            id: Identifier(high: 3, low: 4), at: Timestamp(seconds: 0),
            context: ActContext(actor: .host("a"), scope: Scope(Identifier(high: 5, low: 6), .test)), action: "b",
            resource: "c", outcome: .success, refusal: nil, decision: nil, policy: nil, details: ["k": "v"])
        let record = entry.recordBytes(schema: 1)
        let json =
            #"{"schema":1,"value":{"action":"b","at":"1970-01-01T00:00:00.000000Z","context":{"actor":"host:a","origin":"api","#
            + #""scope":{"environment":"test","workspace":"ws_0000000000002g000000000006"}},"details":{"k":"v"},"#
            + #""id":"aud_0000000000001g000000000004","outcome":"success","resource":"c"}}"#
        #expect(text(record) == json)
        let leaf = SequencedEntry.leaf(
            record: record, writer: writer.description, number: 7, isLate: false, isSealed: true)
        #expect(text(leaf) == #"{"entry":"# + json + #","number":7,"writer":"wrt_0000000000000g000000000002"}"#)
        let late = SequencedEntry.leaf(
            record: record, writer: writer.description, number: 7, isLate: true, isSealed: false)
        #expect(text(late).contains(#","late":true,"number":7,"unsealed":true,"#))
        let gap = SequencedEntry.leaf(gap: 2...5, writer: writer.description, at: Timestamp(seconds: 0))
        #expect(
            text(gap)
                == #"{"at":"1970-01-01T00:00:00.000000Z","gap":{"first":2,"last":5},"writer":"wrt_0000000000000g000000000002"}"#
        )
        for (leaf, content) in [
            (leaf, SequencedEntry.Content.entry(entry, isLate: false)), (late, .entry(entry, isLate: true)),
            (gap, .gap(2...5)),
        ] {
            let read = try #require(SequencedEntry(leaf: leaf, index: 9))
            #expect(read.content == content && read.writer == writer && read.index == 9 && read.leaf == leaf)
        }
    }

    @Test func recordsAreAsWritten() throws {
        let root = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        let state = LogState(size: 5, minimum: 2, root: root, tag: [1, 2, 3])
        #expect(
            text(state.recordBytes(schema: 1))
                == #"{"schema":1,"value":{"minimum":2,"root":"\#(root)","size":5,"tag":"AQID"}}"#)
        #expect(
            text(WriterPosition(next: 9, gaps: [2, 3], tag: [1]).recordBytes(schema: 1))
                == #"{"schema":1,"value":{"gaps":[2,3],"next":9,"tag":"AQ"}}"#)
        #expect(
            text(WriterMark(committed: 4, log: "platform", writer: "w").recordBytes(schema: 1))
                == #"{"schema":1,"value":{"committed":4,"log":"platform","writer":"w"}}"#)
        let chunk = LeafChunk(first: 3, leaves: [Array(#"{"a":"}"}"#.utf8), Array("{}".utf8)])
        #expect(text(chunk.recordBytes(schema: 1)) == #"{"schema":1,"value":{"first":3,"leaves":[{"a":"}"},{}]}}"#)
        #expect(try LeafChunk(recordBytes: chunk.recordBytes(schema: 1), schema: 1) == chunk)
        let note = StoredCheckpoint(note: Array("a\n\n\u{2014} b c\n".utf8), size: 1)
        #expect(
            text(note.recordBytes(schema: 1)) == #"{"schema":1,"value":{"note":"a\n\n"# + "\u{2014}"
                + #" b c\n","size":1}}"#)
        var hash = TreeHash()
        hash[0] = 0xFF
        let tile = Tile(hashes: [hash])
        #expect(
            text(tile.recordBytes(schema: 1))
                == #"{"schema":1,"value":{"hashes":"_wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#)
        #expect(try Tile(recordBytes: tile.recordBytes(schema: 1), schema: 1) == tile)
        let log = Partition(Identifier<Workspace>(high: 5, low: 6))
        #expect("\(LeafChunk.key(log, 5))" == "ws_0000000000002g000000000006/audit.leaves/-5")
        #expect(LeafChunk.key(log, 5) < LeafChunk.key(log, 4))
    }

    /// The tag of a state, recomputed from what Formats.md says.
    @Test func theStatesTagIsAsWritten() throws {
        let key = try HMACKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        let root = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        let state = try LogState(size: 5, minimum: 2, root: root).sealed(.platform, key)
        var message = CanonicalBytes(label: "reeve/audit/state/1")
        message.add("platform")
        message.add(Int64(5))
        message.add(Int64(2))
        message.add(root.description as String?)
        #expect(try state.tag == key.authenticate(message.bytes))
        let salt = [UInt8](repeating: 9, count: 32)
        var commitment = CanonicalBytes(label: "reeve/audit/commitment/1")
        commitment.add("email")
        commitment.add("dana@example.org")
        let stored = StoredPersonalValue(salt: salt, value: "dana@example.org")
        let digest = try HMACKey(SecretBytes(copying: salt)).authenticate(commitment)
        #expect(try stored.isCommitted(by: digest, as: "email") && !stored.isCommitted(by: digest, as: "phone"))
        #expect(
            text(stored.recordBytes(schema: 1))
                == #"{"schema":1,"value":{"salt":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk","value":"dana@example.org"}}"#
        )
    }
}
