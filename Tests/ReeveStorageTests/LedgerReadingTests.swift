// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import Synchronization
import Testing

/// What was read is kept, and a part of it is asked for by number, or by what happened to what.
@Suite struct LedgerReadingTests {
    private let key: HMACKey

    init() throws {
        key = try HMACKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32)))
    }

    private func chain(_ ledger: any Ledger) -> AnchorLedger { AnchorLedger(ledger, authenticator: key) }

    @Test func aPartIsWhatIsAskedFor() async throws {
        let seed: UInt64 = 20_261_128
        var generator = SeededGenerator(seed: seed)
        let ledger = MemoryLedger()
        let chain = chain(ledger)
        for number in 0..<60 {
            let kind = ["checkpoint", "floor"].randomElement(using: &generator) ?? ""
            let subject = ["a", "b", "c"].randomElement(using: &generator) ?? ""
            try await chain.append(LedgerEvent(kind: kind, subject: subject, number: Int64(number)))
        }
        let all = try await self.chain(ledger).lines()
        #expect(all.count == 60)
        #expect(try await chain.lastLine() == all.last)
        for first in [-1, .min, 0, 1, 17, 59, 60, 61, .max] {
            let rest = try await chain.lines(from: first)
            #expect(rest == all.filter { $0.index >= first }, "seed \(seed), from \(first)")
            for (kind, subject) in [("floor", "a"), ("checkpoint", "b"), ("floor", "none"), ("none", "a")] {
                let own = all.filter { $0.event.kind == kind && $0.event.subject == subject }
                for count in [0, 1, 5, 1000] {
                    let expected = own.filter { line in
                        line.index >= first || own.suffix(count).contains(line)
                    }
                    let part = try await chain.lines(kind, of: subject, from: first, atLeast: count)
                    #expect(part.lines == expected, "seed \(seed), \(kind) \(subject) from \(first), \(count)")
                    #expect(part.position == 60)
                }
            }
        }
        for kind in ["floor", "checkpoint", "none"] {
            let subjects = Set(all.filter { $0.event.kind == kind }.map(\.event.subject))
            #expect(try await Set(chain.subjects(of: kind)) == subjects)
        }
    }

    /// A ledger may answer with fewer lines than were asked for: none is missed, at first and later.
    @Test(arguments: 1...3) func shortAnswersHideNothing(_ most: Int) async throws {
        let ledger = MemoryLedger()
        let (writer, reader) = (chain(ledger), chain(ShortLedger(ledger, most)))
        for count in [5, 6, 7, 12] {
            for number in try await writer.position()..<count {
                try await writer.append(.floor("s", generation: Int64(number)))
            }
            #expect(try await reader.position() == count)
            #expect(try await chain(ShortLedger(ledger, most)).lines().count == count)
        }
    }

    private struct ShortLedger: Ledger {
        let base: MemoryLedger
        let most: Int
        init(_ base: MemoryLedger, _ most: Int) { (self.base, self.most) = (base, most) }
        func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
            try await base.append(line, at: index)
        }
        func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
            try await base.lines(from: index, limit: min(limit, most))
        }
    }

    /// Many append and read through two chains: all see the same in the end.
    @Test func readersAndWritersAtOnceSeeOneLedger() async throws {
        let ledger = MemoryLedger()
        let chains = [chain(ledger), chain(ledger)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<20 {
                        try await chains[task % 2].append(.floor("s\(task)", generation: Int64(number)))
                        let own = try await chains[(task + 1) % 2].lines("floor", of: "s\(task)", from: 0).lines
                        #expect(own.map(\.event.number) == (0...number).map { Int64($0) })
                    }
                }
            }
            try await group.waitForAll()
        }
        let all = try await chain(ledger).lines()
        #expect(all.count == 160)
        for chain in chains { #expect(try await chain.lines() == all) }
    }

    /// Of two that read at the same time, one sees what was there before the ledger was exchanged.
    @Test func aLedgerThatIsExchangedWhileItIsReadIsSeen() async throws {
        let (old, new) = (MemoryLedger(), MemoryLedger())
        for number in 0..<3 { try await chain(old).append(.floor("old", generation: Int64(number))) }
        for number in 0..<2 { try await chain(new).append(.floor("new", generation: Int64(number))) }
        let ledger = ExchangedLedger(old, new)
        let chain = chain(ledger)
        // The first call has read the old one and waits; the second reads and keeps the new one.
        let first = Task { try await chain.position() }
        await ledger.hasRead.wait()
        #expect(try await chain.position() == 2)
        await ledger.mayReturn.open()
        await #expect(throws: LedgerError.tampered(1)) { try await first.value }
        #expect(try await chain.lines().map(\.event.subject) == ["new", "new"])
    }

    /// The first call is answered from one ledger, once it may be; every other from another one.
    private final class ExchangedLedger: Ledger {
        let hasRead = Gate()
        let mayReturn = Gate()
        private let (old, new): (MemoryLedger, MemoryLedger)
        private let calls = Mutex(0)
        init(_ old: MemoryLedger, _ new: MemoryLedger) { (self.old, self.new) = (old, new) }
        func append(_ line: [UInt8], at index: Int) async throws(LedgerError) { throw .invalidLine }
        func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            guard call == 1 else { return try await new.lines(from: index, limit: limit) }
            let lines = try await old.lines(from: index, limit: limit)
            await hasRead.open()
            await mayReturn.wait()
            return lines
        }
    }
}

/// Who waits goes on once it is open.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
        waiting = []
    }

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}
