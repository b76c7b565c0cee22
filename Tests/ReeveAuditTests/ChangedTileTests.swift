// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveAudit
import ReeveModel
import ReeveStorage
import Testing

@Suite struct ChangedTileTests {
    /// A row above a tile's hashes that was changed gives no proof, and not a wrong one.
    @Test func aChangedRowAboveGivesNoProof() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 0..<300 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let marker = Array(#""inner":""#.utf8)
        let found = try await world.records("audit.tile").first { entry in
            entry.record.bytes.indices.contains { entry.record.bytes[$0...].starts(with: marker) }
        }
        let target = try #require(found)
        var bytes = target.record.bytes
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: marker) }) + marker.count + 2
        bytes[place] = bytes[place] == UInt8(ascii: "1") ? UInt8(ascii: "2") : UInt8(ascii: "1")
        try await world.write(target.key, bytes)
        let other = try await world.process()
        await #expect(throws: AuditError(.tampered)) {
            _ = try await other.log.proof(of: 20, in: world.scope, other.permit(ReadAudit.self))
        }
        try await world.write(target.key, target.record.bytes)
        let again = try await world.process()
        let proof = try await again.log.proof(of: 20, in: world.scope, again.permit(ReadAudit.self))
        var query = AuditQuery()
        query.limit = 1000
        let page = try await again.page(query)
        let leaf = try #require(page.entries.first { $0.index == 20 }).leaf
        #expect(world.verifier.isIncluded(leaf, by: proof))
    }
}
