// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveAudit

@Suite struct SequencerTests {
    @Test func actsBecomeALogWithProofs() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for number in 0..<300 { try await process.act("act.n\(number)") }
        try await process.log.runOnce()
        #expect(try await process.sequence() == (0..<300).map { "act.n\($0)" })
        let note = try await process.checkpoint()
        let checkpoint = try #require(world.verifier.checkpoint(note))
        #expect(checkpoint.size == 300 && checkpoint.origin == "localhost/reeve/\(world.workspace)")
        let entries = try await process.page().entries
        for index in [0, 1, 255, 256, 299] {
            let proof = try await process.log.proof(of: index, in: world.scope, process.permit(ReadAudit.self))
            #expect(world.verifier.isIncluded(entries[index].leaf, by: proof))
            #expect(!world.verifier.isIncluded(entries[(index + 1) % 300].leaf, by: proof))
            let file = try #require(InclusionProof(bytes: proof.bytes))
            #expect(world.verifier.isIncluded(entries[index].leaf, by: file))
        }
        // What was read since is in the next checkpoint, which continues this one.
        try await process.log.runOnce()
        let (proof, newer) = try await process.log.consistency(
            since: 300, in: world.scope, process.permit(ReadAudit.self))
        #expect(world.verifier.isConsistent(note, newer, proof: proof))
        #expect(!world.verifier.isConsistent(newer, note, proof: proof))
        #expect(try await process.verify(note).isIntact)
        #expect(try await process.verify() == .unanchored(size: try #require(world.verifier.checkpoint(newer)).size))
        #expect(
            try await world.records("audit.pending").allSatisfy {
                "\($0.key)".contains("\(process.authority.trail.writer)")
            })
        #expect(try await world.alarms().isEmpty)
    }

    @Test func writersDoNotWaitForEachOther() async throws {
        let world = try AuditWorld()
        let processes = [try await world.process(), try await world.process(), try await world.process()]
        for round in 0..<50 {
            for (number, process) in processes.enumerated() { try await process.act("p\(number).r\(round)") }
        }
        try await processes[0].log.runOnce()
        let sequence = try await processes[1].sequence()
        #expect(sequence.count == 150)
        for number in 0..<3 {
            #expect(sequence.filter { $0.hasPrefix("p\(number)") } == (0..<50).map { "p\(number).r\($0)" })
        }
    }

    /// Deleting any pending entry, or any suffix of them, shows as a gap with the writer's numbers, and raises an alarm.
    @Test(arguments: Array(1...6)) func whatIsTakenAwayIsMissed(_ number: Int) async throws {
        for takesSuffix in [false, true] {
            let world = try AuditWorld()
            let process = try await world.process()
            for index in 1...6 { try await process.act("a\(index)") }
            // The process says what it has committed; then its entries go before they are sequenced.
            let pending = try await world.records("audit.pending")
            #expect(pending.count == 6)
            let kept = try await world.copy()
            try await process.log.runOnce()
            #expect(try await process.sequence().count == 6)
            // In the copy nothing is sequenced; the mark is written, and then records vanish.
            let other = try await kept.process()
            let table = WriterMark.table(kept.control)
            let writer = process.authority.trail.writer.description
            let mark = WriterMark(committed: 6, log: Partition(kept.workspace).name, writer: writer)
            try await kept.base.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                try await ControlHead.createIfAbsent(.platform, keys: kept.control, in: &transaction)
                try await table.write(mark, .platform, mark.ids, in: &transaction)
            }
            let gone = takesSuffix ? Array(pending[(number - 1)...]) : [pending[number - 1]]
            for entry in gone { try await kept.write(entry.key, nil) }
            try await other.log.runOnce()
            let before = try await other.sequence()
            #expect(before == (1..<number).map { "a\($0)" })
            // It is waited for, for a minute.
            kept.time.advance(by: .seconds(59))
            try await other.log.runOnce()
            #expect(try await other.sequence().filter { $0.hasPrefix("gap") }.isEmpty)
            kept.time.advance(by: .seconds(1))
            try await other.log.runOnce()
            let last = takesSuffix ? 6 : number
            let rest = last < 6 ? (last + 1...6).map { "a\($0)" } : []
            let sequence = try await other.sequence().filter { $0 != "audit.read" }
            #expect(sequence == (1..<number).map { "a\($0)" } + ["gap \(number)-\(last)"] + rest)
            #expect(try await kept.alarms() == ["alarm.gap"])
            let gap = try await other.page().entries.first { $0.entry == nil }
            #expect(gap?.writer.description == writer && gap?.number == Int64(number))
            // It is declared once.
            kept.time.advance(by: .seconds(600))
            try await other.log.runOnce()
            #expect(try await other.sequence().filter { $0.hasPrefix("gap") }.count == 1)
        }
    }

    /// The process itself notices when its newest entries vanish before they are sequenced.
    @Test func aProcessMissesItsOwnNewestEntries() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 1...3 { try await process.act("a\(index)") }
        for entry in try await world.records("audit.pending").suffix(2) { try await world.write(entry.key, nil) }
        try await process.log.runOnce()
        world.time.advance(by: .seconds(61))
        try await process.log.runOnce()
        #expect(try await process.sequence() == ["a1", "gap 2-3"])
    }

    @Test func anEntryThatComesLateIsNotLost() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 1...3 { try await process.act("a\(index)") }
        let second = try await world.records("audit.pending")[1]
        try await world.write(second.key, nil)
        try await process.log.runOnce()
        world.time.advance(by: .seconds(61))
        try await process.log.runOnce()
        try await world.write(second.key, second.record.bytes)
        try await process.log.runOnce()
        #expect(try await process.sequence() == ["a1", "gap 2-2", "a3", "a2 late"])
        // The same request once more is no second entry.
        try await world.write(second.key, second.record.bytes)
        try await process.log.runOnce()
        #expect(try await process.sequence().filter { $0.hasPrefix("a") && !$0.hasPrefix("audit") }.count == 3)
        #expect(try await world.alarms() == ["alarm.gap", "alarm.lateEntry"])
    }

    /// A number that a failed act gave back is filled, so that nobody is alarmed in vain.
    @Test func numbersThatWereGivenBackAreNoGaps() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        try await process.act("a1")
        // Two acts at once, of which the first fails.
        try? await world.base.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try transaction.record(process.entry("fails"), in: process.authority.trail)
            do { try await process.act("a2") } catch { throw .unavailable("test") }
            throw .unavailable("test")
        }
        try await process.log.runOnce()
        world.time.advance(by: .seconds(120))
        try await process.log.runOnce()
        let sequence = try await process.sequence()
        #expect(sequence.filter { $0.hasPrefix("gap") }.isEmpty)
        #expect(sequence.contains("a2") && sequence.contains("audit.void"))
    }

    /// Records that nobody of Reeve's wrote do not stop the log.
    @Test func plantedRecordsDoNotStopTheLog() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 1...3 { try await process.act("a\(index)") }
        let pending = try await world.records("audit.pending")
        try await world.write(pending[1].key, Array("{\"broken\":".utf8))
        let prefix = Trail.pending(Partition(world.workspace))
        try await world.write(prefix.appending([.text("nobody")]), [1, 2, 3])
        try await world.write(prefix.appending([.text("nobody"), .integer(-5)]), [1, 2, 3])
        try await process.log.runOnce()
        #expect(try await process.sequence() == ["a1", "gap 2-2", "a3"])
        let alarms = Set(try await world.alarms())
        #expect(alarms == ["alarm.gap", "alarm.verificationFailed"])
        #expect(try await process.verify(process.checkpoint()).isIntact)
    }

    /// A state, a tile or an entry that was changed between two runs is not signed.
    @Test func aRewrittenLogIsNotSigned() async throws {
        for (table, field) in [
            ("audit.state", #""size":"#), ("audit.tile", #""hashes":""#), ("audit.tile", #""inner":""#),
        ] {
            let world = try AuditWorld()
            let process = try await world.process()
            for index in 0..<600 { try await process.act("a\(index)") }
            try await process.log.runOnce()
            let signed = try await process.checkpoint()
            var changed = 0
            for target in try await world.records(table) {
                let text = String(decoding: target.record.bytes, as: UTF8.self)
                // Tiles at the edge have no rows above.
                guard let place = text.range(of: field) else { continue }
                changed += 1
                let copy = try await world.copy()
                var bytes = target.record.bytes
                let index = text.utf8.distance(from: text.startIndex, to: place.upperBound) + 2
                bytes[index] = bytes[index] == UInt8(ascii: "1") ? UInt8(ascii: "2") : UInt8(ascii: "1")
                try await copy.write(target.key, bytes)
                let next = try await copy.process()
                try await next.act("later")
                let ledger = try await copy.ledger.lines(from: 0, limit: 1000).count
                await #expect(throws: AuditError(.tampered)) { try await next.log.runOnce() }
                await #expect(throws: AuditError.self) { try await next.log.runOnce() }
                #expect(try await copy.ledger.lines(from: 0, limit: 1000).count - ledger <= 1)
                #expect(try await next.log.checkpoint(of: copy.scope) == signed)
                #expect(try await copy.alarms() == ["alarm.verificationFailed"])
                // The act is not lost: it waits.
                #expect(try await copy.records("audit.pending").count == 1)
            }
            #expect(changed > 0)
        }
    }

    /// Tiles and state put back together, to what they were before: the ledger knows better.
    @Test func aStoreOlderThanTheLedgerIsNotSigned() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        try await process.act("a1")
        try await process.log.runOnce()
        let old = try await world.copy()
        for index in 2...9 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let held = try await process.checkpoint()
        var restored = try AuditWorld(base: old.base, ledger: world.ledger, time: world.time)
        restored.configuration = world.configuration
        let after = try await restored.process()
        try await after.act("b")
        await #expect(throws: AuditError(.forked)) { try await after.log.runOnce() }
        #expect(try await restored.alarms() == ["alarm.verificationFailed"])
        #expect(try await after.verify(held) == .truncated(have: 1, want: 9))
        // A history of one's own beside the ledger's is none either.
        let fork = try AuditWorld(ledger: world.ledger, time: world.time)
        let other = try await fork.process()
        for index in 1...20 { try await other.act("c\(index)") }
        await #expect(throws: AuditError(.forked)) { try await other.log.runOnce() }
        #expect(try await other.log.checkpoint(of: fork.scope) == nil)
        // Nor one that is longer, and was sequenced while nobody looked at this ledger.
        let apart = try AuditWorld(time: world.time)
        let alone = try await apart.process()
        for index in 1...20 { try await alone.act("c\(index)") }
        try await alone.log.runOnce()
        let signed = try await alone.checkpoint()
        let back = try AuditWorld(base: apart.base, ledger: world.ledger, time: world.time)
        let again = try await back.process()
        try await again.act("d")
        await #expect(throws: AuditError(.forked)) { try await again.log.runOnce() }
        #expect(try await again.checkpoint() == signed)
        #expect(try await back.records("audit.pending").count == 1)
    }

    /// A signer that is away holds up the signature, not the log; and never are two roots signed for one size.
    @Test func aSignerThatFailsIsTriedAgain() async throws {
        struct Away: CheckpointSigner {
            let verifierKey: VerifierKey
            func sign(_ text: [UInt8]) async throws -> [UInt8] { throw AuditError(.signerFailed) }
        }
        let world = try AuditWorld()
        let away = try await world.process(signers: [Away(verifierKey: world.signer.verifierKey)])
        try await away.act("a1")
        await #expect(throws: AuditError(.signerFailed)) { try await away.log.runOnce() }
        #expect(try await away.log.checkpoint(of: world.scope) == nil)
        let process = try await world.process()
        try await process.log.runOnce()
        #expect(world.verifier.checkpoint(try await process.checkpoint())?.size == 1)
        let own = try await process.log.keys.ledger.lines().filter {
            $0.event.subject == Partition(world.workspace).name
        }
        #expect(own.count == 1)
    }

    /// Two nodes that take turns, each with tiles in memory from before: nobody is alarmed, and all is proved.
    @Test func nodesTakeTurns() async throws {
        let world = try AuditWorld()
        let nodes = [try await world.process(), try await world.process()]
        for turn in 0..<40 {
            let node = nodes[turn % 2]
            for index in 0..<17 { try await node.act("t\(turn).\(index)") }
            try await node.log.runOnce()
            let size = try #require(world.verifier.checkpoint(try await node.checkpoint())).size
            let permit = try await node.permit(ReadAudit.self)
            var query = AuditQuery()
            query.limit = 1000
            let entries = try await nodes[(turn + 1) % 2].page(query).entries
            for index in [0, size / 2, size - 1] {
                let proof = try await node.log.proof(of: index, in: world.scope, permit)
                let leaf = try #require(entries.first { $0.index == index }).leaf
                #expect(world.verifier.isIncluded(leaf, by: proof))
            }
            #expect(entries.last?.index == size - 1)
        }
        #expect(try await world.alarms().isEmpty)
        #expect(try await nodes[0].verify(nodes[1].checkpoint()).isIntact)
    }

    @Test func witnessesCosign() async throws {
        let world = try AuditWorld()
        let key = try SigningKeys.key(5)
        let witness = try LocalWitness(
            name: "witness.example", key: key, logs: [world.signer.verifierKey], time: world.time)
        let process = try await world.process(witnesses: [witness])
        let verifier = AuditVerifier(
            keys: [world.signer.verifierKey], witnesses: [witness.verifierKey], witnessesNeeded: 1)
        for round in 1...3 {
            for index in 0..<round { try await process.act("r\(round).\(index)") }
            try await process.log.runOnce()
            let note = try await process.checkpoint()
            #expect(note.signatures.count == 2 && verifier.checkpoint(note) != nil)
        }
        // One that was away for a while signs again when it is back.
        let alone2 = try await world.process()
        try await alone2.act("meanwhile")
        try await alone2.log.runOnce()
        #expect(verifier.checkpoint(try await process.checkpoint()) == nil)
        try await process.act("back")
        try await process.log.runOnce()
        #expect(verifier.checkpoint(try await process.checkpoint()) != nil)
        // Without the cosignature it is not enough; one witness does not sign a second history.
        var alone = try await process.checkpoint()
        alone.signatures.removeLast()
        #expect(verifier.checkpoint(alone) == nil && world.verifier.checkpoint(alone) != nil)
        await #expect(throws: AuditError(.forked)) { _ = try await witness.cosign(alone, since: 0, proof: []) }
        let stranger = try LocalWitness(name: "w2.example", key: key, logs: [], time: world.time)
        await #expect(throws: AuditError(.badSignature)) { _ = try await stranger.cosign(alone, since: 0, proof: []) }
    }
}

/// Two sequencers at the same work.
@Suite struct SequencerProperties {
    @Test func twoSequencersMakeOneLog() async throws {
        let world = try AuditWorld()
        let processes = [try await world.process(), try await world.process()]
        let batches = Scale.current.cases(ci: 120, soak: 1000)
        for batch in 0..<batches {
            await withTaskGroup(of: Void.self) { group in
                for (number, process) in processes.enumerated() {
                    group.addTask {
                        for index in 0..<(batch % 5) + 1 { _ = try? await process.act("p\(number).b\(batch).\(index)") }
                        try? await process.log.runOnce()
                    }
                }
            }
        }
        world.time.advance(by: .seconds(40))
        try await processes[0].log.runOnce()
        // Every checkpoint that either has signed, in the order of their sizes.
        var notes: [SignedNote] = []
        for entry in try await world.records("audit.checkpoint").reversed() {
            let stored = try StoredCheckpoint.table.decode(entry.record.bytes, entry.key)
            notes.append(try #require(SignedNote(bytes: stored.note)))
        }
        let newest = try await processes[0].checkpoint()
        #expect(notes.count > batches / 4 && notes.last == newest)
        let total = (0..<batches).reduce(0) { $0 + ($1 % 5) + 1 } * 2
        let leaves = try await world.leaves()
        #expect(leaves.count == total && Set(leaves).count == total)
        // All checkpoints are of one log.
        let checkpoints = try notes.map { try #require(world.verifier.checkpoint($0)) }
        #expect(checkpoints.map(\.size) == checkpoints.map(\.size).sorted())
        let reader = LogReader(store: world.base, log: Partition(world.workspace), control: world.control)
        // Each continues the one before it, and the last one continues each.
        let last = try #require(notes.last)
        for (old, new) in zip(notes, notes.dropFirst()) + notes.dropLast().map({ ($0, last) }) {
            let (first, second) = (
                try #require(world.verifier.checkpoint(old)), try #require(world.verifier.checkpoint(new))
            )
            let proof = try await reader.hashes(ProofPlan.consistency(first.size, second.size)).compactMap(\.digest)
            #expect(world.verifier.isConsistent(old, new, proof: proof))
        }
        #expect(try await processes[1].verify(notes[0]).isIntact)
    }

    /// Without the lease: two at the very same batches, of which one goes on and the other begins again.
    @Test func theStateAloneLetsOneGoOn() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        let log = Partition(world.workspace)
        let rounds = Scale.current.cases(ci: 60, soak: 1000)
        let reader = LogReader(store: YieldingStore(world.base), log: log, control: world.control)
        let sequencer = LogSequencer(
            reader: reader, scope: world.scope, authenticator: try await world.control.controlKey(for: log),
            time: world.time, patience: .seconds(60), expectsSeals: false, marks: [:])
        var lost = 0
        for round in 0..<rounds {
            for index in 0..<90 { try await process.act("r\(round).\(index)") }
            lost += await withTaskGroup(of: Int.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        var lost = 0
                        do {
                            while true {
                                var live = try await sequencer.load()
                                if try await sequencer.run(&live) != nil { return lost }
                                lost += 1
                            }
                        } catch {
                            // Tiles that the other has just replaced: it begins again in the next round.
                            return lost + 1
                        }
                    }
                }
                return await group.reduce(0, +)
            }
        }
        var live = try await sequencer.load()
        _ = try await sequencer.run(&live)
        let leaves = try await world.leaves()
        #expect(leaves.count == rounds * 90 && Set(leaves).count == leaves.count)
        #expect(try await reader.firstWrongTile(size: leaves.count) == nil)
        #expect(lost > 0, "they never met")
    }

    /// A crash, a refusal or a lost reply at each store call of acting, sequencing, signing, pruning and erasing: the log
    /// verifies afterwards, and no entry is lost or there twice.
    @Test(arguments: FaultyStore.Fault.allCases) func aFaultAnywhereLosesNothing(_ fault: FaultyStore.Fault)
        async throws
    {
        let step = Scale.current.cases(ci: 3, soak: 1)
        var call = Int.random(in: 1...step)
        while true {
            let world = try AuditWorld()
            // A log that reaches over a tile, made without faults.
            let before = try await world.process()
            for index in 0..<240 { try await before.act("before.\(index)") }
            try await before.log.runOnce()
            let held = try await before.checkpoint()
            let faulty = FaultyStore(world.base, failing: call, with: fault)
            var done: [String] = []
            var erased = false
            if let process = try? await world.process(faulty) {
                let personal = try PersonalValue("email", "dana@example.org")
                let entry = process.entry("personal")
                if (try? await process.store.record(entry, personal: [personal], in: process.authority.trail)) != nil {
                    done.append("personal")
                }
                for index in 0..<20 {
                    if (try? await process.act("during.\(index)")) != nil { done.append("during.\(index)") }
                }
                try? await process.log.runOnce()
                if let permit = try? await process.permit(EraseAuditValue.self) {
                    erased = (try? await process.log.erase("email", of: entry.id, in: world.scope, permit)) != nil
                }
                world.time.advance(by: .seconds(1))
                if let permit = try? await process.permit(PruneAudit.self) {
                    _ = try? await process.log.prune(world.scope, before: 256, permit)
                }
                try? await process.log.runOnce()
            }
            // The next process finishes what was begun.
            world.time.advance(by: .seconds(100))
            let after = try await world.process()
            try await after.log.runOnce()
            world.time.advance(by: .seconds(100))
            try await after.log.runOnce()
            #expect(try await after.verify(try await after.checkpoint()).isIntact, "\(fault) at \(call)")
            let reader = LogReader(store: world.base, log: Partition(world.workspace), control: world.control)
            let minimum = Int(try await reader.state().minimum)
            if minimum == 0 { #expect(try await after.verify(held).isIntact) }
            // What an act said was done is there once; what it did not say may be there, once. Of a log that was pruned
            // the first are gone, by permit.
            let actions = try await after.sequence()
            for name in done.dropFirst(max(0, minimum - 240)) {
                #expect(actions.filter { $0 == name }.count == 1, "\(name) \(fault) at \(call)")
            }
            let acts = actions.filter { $0.hasPrefix("during") || $0 == "personal" }
            #expect(Set(acts).count == acts.count)
            let permit = try await after.permit(PruneAudit.self)
            let size = try #require(world.verifier.checkpoint(try await after.checkpoint())).size
            #expect(try await after.log.prune(world.scope, before: size, permit) == size / 256 * 256)
            try await after.log.runOnce()
            #expect(try await after.verify(try await after.checkpoint()).isIntact, "\(fault) at \(call)")
            if erased { #expect(try await !world.holds("dana@example.org")) }
            if faulty.calls < call { break }
            call += step
        }
    }

    /// Erasing leaves neither value nor salt, and no proof is broken.
    @Test func erasingBreaksNoProof() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        var values: [(AuditEntry, PersonalValue)] = []
        for index in 0..<20 {
            let value = try PersonalValue("email", "person\(index)@example.org")
            let entry = process.entry("personal")
            try await world.base.record(entry, personal: [value], in: process.authority.trail)
            values.append((entry, value))
        }
        try await process.log.runOnce()
        let entries = try await process.page().entries
        let note = try await process.checkpoint()
        for (index, (_, value)) in values.enumerated() {
            let stored = try #require(entries[index].entry)
            #expect(stored.commitments == ["email": value.commitment])
            #expect(
                try await process.log.value("email", of: stored, in: world.scope, process.permit(RevealAuditValue.self))
                    == value.value)
            // What is signed holds neither.
            #expect(!String(decoding: entries[index].leaf, as: UTF8.self).contains("@example.org"))
            #expect("\(value) \(String(reflecting: value))".contains("@example.org") == false)
            try await process.log.erase("email", of: stored.id, in: world.scope, process.permit(EraseAuditValue.self))
            #expect(try await !world.holds(value.value))
            #expect(try await !world.holds(Base64URL.encode(value.salt)))
            await #expect(throws: AuditError(.notFound)) {
                _ = try await process.log.value(
                    "email", of: stored, in: world.scope, process.permit(RevealAuditValue.self))
            }
            let proof = try await process.log.proof(of: index, in: world.scope, process.permit(ReadAudit.self))
            #expect(world.verifier.isIncluded(entries[index].leaf, by: proof))
        }
        #expect(try await process.verify(note).isIntact)
        // A value that was exchanged is not shown as the one that was committed to.
        let value = try PersonalValue("email", "last@example.org")
        let entry = process.entry("personal")
        try await world.base.record(entry, personal: [value], in: process.authority.trail)
        let key = StoredPersonalValue.key(Partition(world.workspace), entry.id, "email")
        try await world.write(
            key, StoredPersonalValue(salt: value.salt, value: "evil@example.org").recordBytes(schema: 1))
        let pending = try #require(try await process.page().pending.last { $0.id == entry.id })
        await #expect(throws: AuditError(.tampered)) {
            _ = try await process.log.value(
                "email", of: pending, in: world.scope, process.permit(RevealAuditValue.self))
        }
    }
}

/// What somebody can try who writes to the store and holds no key.
@Suite struct StoreWriterTests {
    private func sequencedWorld(_ count: Int = 300) async throws -> (AuditWorld, AuditProcess) {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 0..<count { try await process.act("a\(index)") }
        try await process.log.runOnce()
        return (world, process)
    }

    /// Many writers at once fit a commit.
    @Test func manyWritersFitACommit() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for writer in 0..<90 {
            let trail = Trail()
            for index in 0..<3 {
                try await world.base.record(process.entry("w\(writer).\(index)"), in: trail)
            }
        }
        try await process.log.runOnce()
        #expect(try await process.sequence().count == 270)
        // Gaps of many at once, with their alarms.
        for writer in 0..<60 {
            let trail = Trail()
            for index in 0..<3 { try await world.base.record(process.entry("g\(writer).\(index)"), in: trail) }
        }
        for entry in try await world.records("audit.pending") {
            guard case .integer(2)? = entry.key.elements?.last else { continue }
            try await world.write(entry.key, nil)
        }
        try await process.log.runOnce()
        world.time.advance(by: .seconds(61))
        try await process.log.runOnce()
        #expect(try await process.sequence().filter { $0 == "gap 2-2" }.count == 60)
    }

    @Test func plantedKeysAndRecordsStopNothing() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        try await process.act("a1")
        let pending = Trail.pending(Partition(world.workspace))
        let real = Identifier<Writer>(high: 1, low: 1).description
        for (writer, number) in [
            ("wrt_x", Int64.max), (real, Int64.max), (real, 1 << 62), ("wrt_zz", 1), ("", 1), (real, 0), (real, -1),
        ] { try await world.write(pending.appending([.text(writer), .integer(number)]), Array("{}".utf8)) }
        // A number far ahead, and records that are no entries: small, large, and of another kind.
        try await world.write(pending.appending([.text(real), .integer(1 << 40)]), Array("{}".utf8))
        let other = Identifier<Writer>(high: 1, low: 2).description
        for (number, bytes) in [
            (1, Array("{}".utf8)), (2, Array(#"{"a":"\#(String(repeating: "x", count: 89_000))"}"#.utf8)), (3, [0xFF]),
        ] { try await world.write(pending.appending([.text(other), .integer(Int64(number))]), bytes) }
        try await process.log.runOnce()
        world.time.advance(by: .seconds(61))
        try await process.log.runOnce()
        try await process.act("a2")
        try await process.log.runOnce()
        let sequence = try await process.sequence()
        #expect(sequence.filter { $0.hasPrefix("a") && !$0.hasPrefix("audit") } == ["a1", "a2"])
        #expect(sequence.filter { $0.hasPrefix("gap") }.count == 3)
        #expect(try await process.verify(process.checkpoint()).isIntact)
        #expect(try await world.records("audit.pending").count <= 3)
    }

    /// A waiting entry that was changed is not taken for the writer's; one without a seal is told from one with it.
    @Test func waitingEntriesAreSealed() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 1...3 { try await process.act("a\(index)") }
        let pending = try await world.records("audit.pending")
        let second = String(decoding: pending[1].record.bytes, as: UTF8.self)
        #expect(second.contains("\"seal\":"))
        try await world.write(pending[1].key, Array(second.replacing("\"a2\"", with: "\"b2\"").utf8))
        // Moved to another number, with its seal.
        try await world.write(pending[2].key, pending[0].record.bytes)
        // Forged whole, by a writer that there is not.
        let forged = Trail.pending(Partition(world.workspace)).appending([
            .text(Identifier<Writer>(high: 9, low: 9).description), .integer(1),
        ])
        try await world.write(forged, process.entry("forged").recordBytes(schema: 1))
        try await process.log.runOnce()
        let entries = try await process.page().entries
        #expect(
            try await process.sequence().filter { !$0.hasPrefix("audit") }.sorted() == [
                "a1", "forged", "gap 2-2", "gap 3-3",
            ])
        for entry in entries { #expect(entry.isSealed == (entry.entry?.action == "a1")) }
        #expect(Set(try await world.alarms()).isSuperset(of: ["alarm.gap"]))
    }

    /// A position that was moved loses nothing: it is told, or what it would drop is looked for first.
    @Test func movedPositionsLoseNothing() async throws {
        let (world, process) = try await sequencedWorld(5)
        let position = try #require(try await world.records("audit.position").first)
        let text = String(decoding: position.record.bytes, as: UTF8.self)
        try await world.write(position.key, Array(text.replacing("\"next\":6", with: "\"next\":900").utf8))
        try await process.act("a5")
        let other = try await world.process()
        await #expect(throws: AuditError(.tampered)) { try await other.log.runOnce() }
        #expect(try await world.records("audit.pending").count == 1)
        #expect(try await world.alarms() == ["alarm.verificationFailed"])
    }

    /// The directory of logs, and what writers say, can be spoilt without hiding a log.
    @Test func aSpoiltDirectoryHidesNothing() async throws {
        let (world, process) = try await sequencedWorld(3)
        let directory = Key(.platform, [.text("audit.log")])
        for entry in try await world.base.records(in: KeyRange(under: directory), limit: 100) {
            try await world.write(entry.key, nil)
        }
        try await world.write(directory.appending([.text("nonsense")]), [1])
        try await process.act("a3")
        let other = try await world.process()
        await #expect(throws: AuditError(.tampered)) { try await other.log.runOnce() }
        #expect(try await other.sequence().contains("a3"))
        #expect(try await world.alarms().contains("alarm.verificationFailed"))
    }

    /// A minimum index that nobody pruned to, leaves that are gone, and leaves that were changed are told to every reader.
    @Test func readersAreNotLiedTo() async throws {
        let (world, process) = try await sequencedWorld()
        let state = try #require(try await world.records("audit.state").first)
        let text = String(decoding: state.record.bytes, as: UTF8.self)
        for minimum in ["256", "300", "9999"] {
            let bytes = Array(text.replacing("\"minimum\":0", with: "\"minimum\":\(minimum)").utf8)
            try await world.write(state.key, bytes)
            await #expect(throws: AuditError(.tampered)) { _ = try await process.page() }
            await #expect(throws: AuditError(.tampered)) { _ = try await process.verify() }
        }
        try await world.write(state.key, state.record.bytes)
        let chunks = try await world.records("audit.leaves")
        for chunk in chunks {
            try await world.write(chunk.key, nil)
            await #expect(throws: AuditError(.tampered)) { _ = try await process.page() }
            let bytes = String(decoding: chunk.record.bytes, as: UTF8.self).replacing("host:app", with: "host:apq")
            try await world.write(chunk.key, Array(bytes.utf8))
            await #expect(throws: AuditError(.tampered)) { _ = try await process.page() }
            let permit = try await process.permit(ReadAudit.self)
            await #expect(throws: AuditError(.tampered)) {
                try await process.log.lines(.ocsf, of: world.scope, permit) { _ in }
            }
            try await world.write(chunk.key, chunk.record.bytes)
        }
        #expect(try await process.page().entries.count == 300)
    }

    /// A checkpoint that nobody signed keeps nobody from signing.
    @Test func aPlantedCheckpointIsReplaced() async throws {
        let (world, process) = try await sequencedWorld(5)
        let real = try await process.checkpoint()
        let log = Partition(world.workspace)
        for size in [5, 6] {
            let text = Checkpoint(
                origin: "x", size: size, root: try #require(Digest(bytes: [UInt8](repeating: 0, count: 32)))
            ).text
            let note = SignedNote(text: text, signatures: [.init(name: "x", id: [1, 2, 3, 4], bytes: [5])])
            let stored = StoredCheckpoint(note: note.bytes, size: Int64(size))
            try await world.write(StoredCheckpoint.key(log, Int64(size)), stored.recordBytes(schema: 1))
        }
        let other = try await world.process()
        try await other.act("a5")
        try await other.log.runOnce()
        #expect(try await other.verify(real).isIntact)
        #expect(world.verifier.checkpoint(try await other.checkpoint())?.size == 6)
    }

    /// A log that is smaller than this process has seen is not gone on with, anchored or not.
    @Test func aSmallerLogIsNotGoneOnWith() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        try await process.act("a0")
        try await process.log.runOnce()
        let old = try await world.base.records(in: KeyRange(under: Key([])), limit: 1_000_000)
        struct Away: CheckpointSigner {
            let verifierKey: VerifierKey
            func sign(_ text: [UInt8]) async throws -> [UInt8] { throw AuditError(.signerFailed) }
        }
        for index in 1..<5 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        for entry in try await world.base.records(in: KeyRange(under: Key([])), limit: 1_000_000) {
            try await world.write(entry.key, old.first { $0.key == entry.key }?.record.bytes)
        }
        try await process.act("b")
        await #expect(throws: AuditError(.forked)) { try await process.log.runOnce() }
    }
}

extension AuditWorld {
    /// All leaves that are stored.
    func leaves() async throws -> [[UInt8]] {
        let reader = LogReader(store: base, log: Partition(workspace), control: control)
        let state = try await reader.state()
        var leaves: [[UInt8]] = []
        try await reader.leaves(Int(state.minimum)..<Int(state.size)) { _, leaf in leaves.append(leaf) }
        return leaves
    }

    /// Whether a text stands in any record.
    func holds(_ text: String) async throws -> Bool {
        let needle = Array(text.utf8)
        return try await base.records(in: KeyRange(under: Key([])), limit: 1_000_000).contains { entry in
            let bytes = entry.record.bytes
            guard bytes.count >= needle.count else { return false }
            return (0...bytes.count - needle.count).contains {
                bytes[$0] == needle[0] && bytes[$0...].starts(with: needle)
            }
        }
    }
}

enum SigningKeys {
    static func key(_ seed: UInt8) throws -> SigningKey {
        try SigningKey(seed: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
    }
}
