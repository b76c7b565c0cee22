// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ArgumentParser
import Foundation
import ReeveAudit
import ReeveModel
import Terminal

/// Checks exported logs, and makes one to try it on.
@main
struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit-verify", abstract: "Checks exported audit logs.", subcommands: [Check.self, Sample.self],
        defaultSubcommand: Check.self)
}

/// Checks an exported log against its checkpoint, and against one that was kept elsewhere.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks an exported audit log against a checkpoint that was kept elsewhere.",
        discussion: """
            The log is a folder as `AuditLog.export` writes it (c2sp.org/tlog-tiles). Exit code 0: intact and anchored; \
            2: intact as far as it goes, but without a checkpoint that was kept elsewhere nobody can tell whether later \
            entries were cut off; 3: something is wrong with it; 1: it could not be checked.
            """)

    @Argument(help: "The folder of the log.")
    var log: String

    @Option(help: "The log's key, `name+id+base64`; give it again for each key that is trusted.")
    var key: [VerifierKey]

    @Option(help: "A checkpoint file that was kept elsewhere.")
    var checkpoint: String?

    @Option(help: "A witness's key; give it again for each.")
    var witness: [VerifierKey] = []

    @Option(help: "How many witnesses must have signed.")
    var witnesses = 0

    @Option(help: "How many of the first entries were pruned.")
    var pruned = 0

    @Flag(help: "Shows no progress.")
    var quiet = false

    func run() throws {
        guard !key.isEmpty else { throw ValidationError("give the log's key with --key") }
        let verifier = AuditVerifier(keys: key, witnesses: witness, witnessesNeeded: witnesses)
        let note = try self.note(at: log + "/" + LogFiles.checkpoint)
        let held = try checkpoint.map { try self.note(at: $0) }
        guard let size = verifier.checkpoint(note)?.size else { throw finish(.badSignature) }
        var session = verifier.session(note, held: held)
        var bar = ProgressBar(total: size, unit: "entries", isShown: !quiet)
        // That a log was pruned is for the one who checks it to know: else its beginning could be cut off.
        let bundles = (size + 255) / 256
        let first = min(max(0, pruned / 256), bundles)
        if first > 0 { session.skip(first * 256, of: size) { contents($0) } }
        for index in first..<bundles {
            let (path, _) = LogFiles.bundle(index, size: size)
            guard let bytes = contents(path) else { break }
            guard let leaves = LogFiles.leaves(ofBundle: bytes) else { throw finish(.altered(index: session.count)) }
            let tile = contents(LogFiles.tile(level: 0, index, size: size).path)
            let hashes = tile.flatMap { LogFiles.hashes(ofTile: $0) } ?? []
            session.add(contentsOf: leaves, stored: hashes)
            bar.show(session.count)
        }
        bar.end()
        let result = session.finish()
        throw finish(result)
    }

    private func finish(_ result: AuditVerification) -> ExitCode {
        print(Self.text(of: result))
        return switch result {
        case .intact: .success
        case .unanchored: ExitCode(2)
        default: ExitCode(3)
        }
    }

    static func text(of result: AuditVerification) -> String {
        switch result {
        case .intact(let size, let anchor): "intact: \(size) entries, continuing the checkpoint of \(anchor)"
        case .unanchored(let size):
            "unanchored: \(size) entries are those that were signed; whether later ones were cut off needs a checkpoint "
                + "that was kept elsewhere, with --checkpoint"
        case .altered(let index?): "altered: entry \(index) is not the one that was signed"
        case .altered(nil): "altered: the entries are not those that were signed"
        case .alteredTile(let index): "altered: the stored hash of entry \(index) is wrong, the entries are right"
        case .truncated(let have, let want): "truncated: \(have) entries are there, \(want) were signed"
        case .forked(let size): "forked: the first \(size) entries are not those of the checkpoint that was kept"
        case .otherLog: "the checkpoint that was kept is of another log"
        case .badSignature: "a checkpoint is malformed, or not signed as it should be"
        }
    }

    private func note(at path: String) throws -> SignedNote {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ValidationError("cannot read `\(path)`")
        }
        guard let note = SignedNote(bytes: Array(data)) else { throw ValidationError("`\(path)` is no signed note") }
        return note
    }

    private func contents(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: log + "/" + path).map { Array($0) }
    }
}

extension VerifierKey: @retroactive ExpressibleByArgument {
    /// Reads the key's text.
    public init?(argument: String) { self.init(argument) }
}
