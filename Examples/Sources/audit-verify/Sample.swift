// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ArgumentParser
import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReeveStorage

/// Makes a log to try the check on.
struct Sample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a small log, a checkpoint from halfway, and the line that checks them.")

    @Argument(help: "The folder to write to; it must not exist yet.")
    var folder: String

    @Option(help: "How many entries.")
    var entries = 1000

    @Option(help: "How many of the first entries are pruned, in whole hundreds and fifty-sixes.")
    var prune = 0

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw ValidationError("`\(folder)` is there already")
        }
        let store = MemoryStore()
        let authority = try await AccessAuthority.soleOperator(.host("sample"), reason: "a sample", store: store)
        let keys = try AuditKeys.ephemeral(name: "sample.example/audit")
        let log = AuditLog(
            authority: authority, keys: keys, configuration: .init(origin: "sample.example/audit", retentionDays: 0))
        let scope = Scope(Identifier<Workspace>(at: SystemTime().now))
        let context = ActContext(actor: .host("sample"), scope: scope)
        func act(_ range: Range<Int>) async throws {
            let trail = Trail()
            for index in range {
                let entry = AuditEntry(
                    at: SystemTime().now, context: context, action: "sample.act", resource: "act:\(index)")
                try await store.record(entry, in: trail)
            }
            try await log.runOnce()
        }
        try await act(0..<max(1, entries / 2))
        let held = try await log.checkpoint(of: scope)
        try await act(entries / 2..<max(1, entries))
        var note = ""
        if prune > 0 {
            let mayPrune = try await authority.permit(PruneAudit.self, on: .log(of: scope), as: context).get()
            note = " --pruned \(try await log.prune(scope, before: prune, mayPrune))"
        }
        let permit = try await authority.permit(ReadAudit.self, on: .log(of: scope), as: context).get()
        try await log.export(scope, permit) { path, bytes in try write("log/\(path)", bytes) }
        try write("held", held?.bytes ?? [])
        let key = keys.signers.map { "--key '\($0.verifierKey)'" }.joined(separator: " ")
        print("audit-verify \(folder)/log \(key) --checkpoint \(folder)/held\(note)")
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws {
        let file = URL(fileURLWithPath: folder).appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }
}
