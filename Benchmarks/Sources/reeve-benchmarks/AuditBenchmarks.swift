// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReeveStorage

/// The audit log: the tree alone; acts committed with their entries, sequenced and provable; proofs in a large log.
struct AuditBenchmarks {
    let harness: Harness

    private let workspace = Identifier<Workspace>(high: 3, low: 4)

    func run() async throws {
        try await tree()
        try await acts()
        try await proofs()
    }

    private func entry(_ index: Int) -> AuditEntry {
        AuditEntry(
            at: Timestamp(seconds: 1_800_000_000 + Int64(index)),
            context: ActContext(actor: .host("nightly-sync"), scope: Scope(workspace, .test)),
            action: "plans.admit", resource: "co_01jd9x0c4tq3v8m5n7k2b6r1fz")
    }

    private func tree() async throws {
        let leaf = entry(0).recordBytes(schema: 1)
        let leaves = (0..<1000).map { index in leaf + Array("\(index)".utf8) }
        let note = SignedNote(bytes: Array("a\n1\nAAAA\n\n\u{2014} a AAAAAAA=\n".utf8))
        guard let note else { throw BenchmarkFailure("no note") }
        var session = AuditVerifier(keys: []).session(note)
        try await harness.measure("1,000 leaves of \(leaf.count) B into the tree", operations: 20) {
            session.add(contentsOf: leaves)
        }
    }

    /// A log, and a trail whose entries are sealed until they are sequenced, as an authority with roles has it.
    private func log(_ store: any Store) async throws -> (AccessAuthority, AuditLog, Trail) {
        let authority = try await AccessAuthority.soleOperator(.host("bench"), reason: "bench", store: store)
        let keys = try AuditKeys.ephemeral()
        let trail = Trail(sealer: keys.control as? any EntrySealer)
        return (authority, AuditLog(authority: authority, keys: keys), trail)
    }

    /// One act of one record and its entry a commit, then all of them sequenced, anchored and signed.
    private func acts() async throws {
        let store = MemoryStore()
        let (_, log, trail) = try await log(store)
        try await log.runOnce()
        var number = 0
        let scope = Scope(workspace, .test)
        func act() async throws {
            for _ in 0..<1000 {
                number += 1
                let current = number
                try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                    tx.write(Key(Partition(scope), [.text("act"), .integer(Int64(current % 1000))]), [1, 2, 3])
                    try tx.record(entry(current), in: trail)
                }
            }
        }
        try await harness.measure("1,000 acts with their entries, committed", operations: 1) {
            try await act()
        }
        try await log.runOnce()
        try await harness.measure("1,000 acts, committed, sequenced, anchored, signed", operations: 1) {
            try await act()
            try await log.runOnce()
        }
    }

    private func proofs() async throws {
        let count = harness.scale == 1 ? 100_000 : 1_000_000
        let store = MemoryStore()
        let (authority, log, trail) = try await log(store)
        let before = residentBytes()
        let start = ContinuousClock.now
        for index in 0..<count {
            try await store.record(entry(index), in: trail)
            if index % 10_000 == 9_999 { try await log.runOnce() }
        }
        try await log.runOnce()
        let seconds = Double(start.duration(to: .now).components.seconds)
        print(
            "  \(count) entries committed and sequenced in \(Int(seconds)) s, "
                + "\((residentBytes() - before) / count) B of memory an entry, store and all")
        let scope = Scope(workspace)
        let permit = try await authority.permit(
            ReadAudit.self, on: .log(of: scope), as: ActContext(actor: .host("bench"), scope: scope)
        ).get()
        var index = 0
        // Many for one permission: the entry that says so is committed once.
        try await harness.measure("1,000 inclusion proofs at \(count) entries, anywhere", operations: 1) {
            let indices = (0..<1000).map { _ in
                index = (index + 379_721) % count
                return index
            }
            _ = try await log.proofs(of: indices, in: scope, permit)
        }
        try await harness.measure("1,000 inclusion proofs, the newest entries", operations: 1) {
            _ = try await log.proofs(of: Array(count - 1000..<count), in: scope, permit)
        }
    }
}
