// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import Testing

@testable import ReeveAccess

/// What is stored stays readable: a change here is a new version of a format.
@Suite struct AccessFormatTests {
    @Test func accessRecordsAreAsWritten() throws {
        func text(_ value: some RecordCodable) throws -> String {
            String(decoding: try value.recordBytes(schema: 1), as: UTF8.self)
        }
        let workspace = Identifier<Workspace>(high: 5, low: 6)
        let grant = Grant(
            id: Identifier(high: 1, low: 2), "developer", to: .person(Identifier(high: 3, low: 4)),
            in: .scope(Scope(workspace, .test)), until: Timestamp(seconds: 60), reason: "r", by: .host("setup"))
        let written =
            #"{"by":"host:setup","id":"grt_0000000000000g000000000002","principal":"person:user_0000000000001g000000000004","#
            + #""reach":"ws_0000000000002g000000000006/test","reason":"r","role":"developer","until":"1970-01-01T00:01:00.000000Z"}"#
        #expect(try text(grant) == #"{"schema":1,"value":"# + written + "}")
        let role = Role("a", .project, [permission("c.d"), permission("a.b")], inherits: ["z", "y"])
        let roleText = #"{"inherits":["y","z"],"kind":"project","name":"a","permissions":["a.b","c.d"]}"#
        #expect(try text(role) == #"{"schema":1,"value":"# + roleText + "}")
        #expect(
            try text(PolicyChange.revoke(grant.id))
                == #"{"schema":1,"value":{"revoke":{"_0":"grt_0000000000000g000000000002"}}}"#)
        let history = StoredHistory(history: ChangeHistory(duties: [permission("a.b"): [.jobs]], reached: [.test]))
        #expect(
            try text(history) == #"{"schema":1,"value":{"history":{"duties":{"a.b":["jobs"]},"reached":["test"]}}}"#)
        let digest = try #require(Digest(bytes: [UInt8](repeating: 1, count: 32)))
        let quorum = Quorum(
            id: Identifier(high: 1, low: 2), matter: .act("x", digest), digest: digest, scope: Scope(workspace),
            proposer: .host("a"), reason: "r", needed: 2, expires: Timestamp(seconds: 0),
            approvals: [.init(person: .host("b"), at: Timestamp(seconds: 0))], used: nil)
        let time = "1970-01-01T00:00:00.000000Z"
        let quorumText =
            #"{"approvals":[{"at":"\#(time)","person":"host:b"}],"digest":"\#(digest)","expires":"\#(time)","#
            + #""id":"quo_0000000000000g000000000002","matter":{"act":{"_0":"x","_1":"\#(digest)"}},"needed":2,"#
            + #""proposer":"host:a","reason":"r","scope":{"workspace":"ws_0000000000002g000000000006"}}"#
        #expect(try text(quorum) == #"{"schema":1,"value":"# + quorumText + "}")
        #expect(try Quorum(recordBytes: quorum.recordBytes(schema: 1), schema: 1) == quorum)
        // Two matters never have one digest, wherever they take effect.
        let digests = try [
            Quorum.digest(of: .act("x", digest), in: Scope(workspace)),
            Quorum.digest(of: .act("y", digest), in: Scope(workspace)),
            Quorum.digest(of: .act("x", digest), in: .platform),
            Quorum.digest(of: .breakGlass(grant), in: Scope(workspace)),
            Quorum.digest(of: .change(.grant(grant)), in: Scope(workspace)),
        ]
        #expect(Set(digests).count == digests.count)
    }
}
