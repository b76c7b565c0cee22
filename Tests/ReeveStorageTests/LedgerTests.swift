// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveCrypto
import ReeveModel
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveStorage

private func authenticator(_ byte: UInt8 = 1) throws -> HMACKey {
    try HMACKey(SecretBytes(copying: [UInt8](repeating: byte, count: 32)))
}

/// A folder of the test's own, removed at the end.
private final class Folder {
    let path: String
    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/reeve-ledger-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var file: String { path + "/ledger" }
    func read() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file))) }
    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: file)) }
    func setMode(_ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    }
}

/// A ledger that loses replies and requests.
private final class FaultyLedger: Ledger {
    let base: any Ledger
    let fault: FaultyStore.Fault
    let failing: Int
    let calls = Mutex(0)
    init(_ base: any Ledger, failing: Int, with fault: FaultyStore.Fault) {
        (self.base, self.failing, self.fault) = (base, failing, fault)
    }
    private func run<Value>(_ body: () async throws(LedgerError) -> Value) async throws(LedgerError) -> Value {
        let call = calls.withLock { calls in
            calls += 1; return calls
        }
        if call > failing, fault == .crash || fault == .crashAfter { throw .unavailable("stopped") }
        guard call == failing else { return try await body() }
        switch fault {
        case .refused, .crash: throw .unavailable("refused")
        case .requestLost, .delayed: throw .outcomeUnknown
        default:
            _ = try await body()
            throw .outcomeUnknown
        }
    }
    /// With `.delayed` the lost request arrives after the next call.
    let late = Mutex<(line: [UInt8], index: Int)?>(nil)
    private func arrive() async {
        let arriving = late.withLock { late in
            defer { late = nil }
            return late
        }
        if let arriving { try? await base.append(arriving.line, at: arriving.index) }
    }
    func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
        do throws(LedgerError) {
            try await run { () throws(LedgerError) in try await base.append(line, at: index) }
        } catch {
            await arrive()
            if error == .outcomeUnknown, fault == .delayed { late.withLock { $0 = (line, index) } }
            throw error
        }
        await arrive()
    }
    func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        let lines = try await look(from: index, limit: limit)
        await arrive()
        return lines
    }
    private func look(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        try await run { () throws(LedgerError) in try await base.lines(from: index, limit: limit) }
    }
}

@Suite struct LedgerTests {
    private static let kinds = ["memory", "store", "file"]

    private static func ledger(_ kind: String, _ folder: Folder) -> any Ledger {
        switch kind {
        case "memory": MemoryLedger()
        case "store": StoreLedger(TestStore())
        default: FileLedger(path: folder.file)
        }
    }

    @Test(arguments: kinds) func linesAreKeptInOrder(_ kind: String) async throws {
        let folder = try Folder()
        let ledger = Self.ledger(kind, folder)
        #expect(try await ledger.lines(from: 0, limit: 10).isEmpty)
        for index in 0..<5 {
            for wrong in [index + 1, index - 1, -1] {
                await #expect(throws: LedgerError.taken(wrong)) { try await ledger.append([1], at: wrong) }
            }
            try await ledger.append(Array("line \(index)".utf8), at: index)
        }
        let lines = (0..<5).map { Array("line \($0)".utf8) }
        #expect(try await ledger.lines(from: 0, limit: .max) == lines)
        #expect(try await ledger.lines(from: 3, limit: 1) == [lines[3]])
        #expect(try await ledger.lines(from: 5, limit: 1).isEmpty)
        #expect(try await ledger.lines(from: 0, limit: 0).isEmpty)
        for line in [[], [0x0A], [UInt8](repeating: 7, count: LedgerLimits.maximumLineBytes + 1)] {
            await #expect(throws: LedgerError.invalidLine) { try await ledger.append(line, at: 5) }
        }
        try await ledger.append([UInt8](repeating: 7, count: LedgerLimits.maximumLineBytes), at: 5)
    }

    @Test(arguments: kinds) func concurrentAppendersMakeOneChain(_ kind: String) async throws {
        let folder = try Folder()
        let ledger = Self.ledger(kind, folder)
        let key = try authenticator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let chain = AnchorLedger(ledger, authenticator: key, time: ManualTime())
                    for number in 0..<10 { try await chain.append(.floor("s\(writer)", generation: Int64(number))) }
                }
            }
            try await group.waitForAll()
        }
        let lines = try await AnchorLedger(ledger, authenticator: key).lines()
        #expect(lines.count == 40 && lines.map(\.index) == Array(0..<40))
        for writer in 0..<4 {
            #expect(lines.filter { $0.event.subject == "s\(writer)" }.compactMap(\.event.number) == Array(0..<10))
        }
    }

    /// A fault at every call, then a restart: what was acknowledged is there, once, in order; nothing is there twice.
    @Test(arguments: kinds, FaultyStore.Fault.allCases)
    func aCrashAnywhereLosesNothing(_ kind: String, _ fault: FaultyStore.Fault) async throws {
        let key = try authenticator()
        var call = 1
        while true {
            let folder = try Folder()
            let base = Self.ledger(kind, folder)
            let faulty = FaultyLedger(base, failing: call, with: fault)
            let chain = AnchorLedger(faulty, authenticator: key, time: ManualTime())
            var acknowledged: [LedgerEvent] = []
            for number in 0..<4 {
                let event = LedgerEvent.closed("key\(number)", state: "destroyed")
                if (try? await chain.append(event)) != nil { acknowledged.append(event) }
            }
            let isDone = faulty.calls.withLock { $0 } < call
            let after = AnchorLedger(base, authenticator: key, time: ManualTime())
            try await after.append(.reopened("key0", after: 1))
            let events = try await after.lines().map(\.event)
            #expect(Set(events).count == events.count, "\(kind) \(fault) at \(call)")
            #expect(events.filter { acknowledged.contains($0) } == acknowledged, "\(kind) \(fault) at \(call)")
            if isDone { break }
            call += 1
        }
        #expect(call > 8)
    }

    @Test func theStoresLedgerSurvivesACrashAtEveryStoreCall() async throws {
        let key = try authenticator()
        for fault in FaultyStore.Fault.allCases {
            for call in 1...24 {
                let base = TestStore()
                let chain = AnchorLedger(
                    StoreLedger(FaultyStore(base, failing: call, with: fault)), authenticator: key, time: ManualTime())
                var acknowledged: [Int] = []
                for number in 0..<4 {
                    if let line = try? await chain.append(.floor("s", generation: Int64(number))) {
                        acknowledged.append(line.index)
                    }
                }
                let after = AnchorLedger(StoreLedger(base), authenticator: key)
                let lines = try await after.lines()
                #expect(acknowledged.allSatisfy { lines.indices.contains($0) }, "\(fault) at \(call)")
                let numbers = lines.compactMap(\.event.number)
                #expect(zip(numbers, numbers.dropFirst()).allSatisfy(<), "\(fault) at \(call)")
            }
        }
    }

    /// Changed, moved, removed, put back or from another key: never read as if nothing had been.
    @Test func aChangedChainIsSeen() async throws {
        let key = try authenticator()
        let ledger = MemoryLedger()
        let digest = try #require(Digest(bytes: .init(repeating: 9, count: 32)))
        let chain = AnchorLedger(ledger, authenticator: key, time: ManualTime())
        let events: [LedgerEvent] = [
            .closed("k", state: "compromised"), .reopened("k", after: 1), .floor("s", generation: 7),
            .checkpoint("log", size: 5, root: digest), .closed("k", state: "destroyed"),
        ]
        for event in events { try await chain.append(event) }
        let lines = try await ledger.lines(from: 0, limit: 100)
        func read(_ lines: [[UInt8]], _ key: HMACKey) async -> Result<[LedgerEvent], LedgerError> {
            do throws(LedgerError) {
                return .success(try await AnchorLedger(MemoryLedger(lines), authenticator: key).lines().map(\.event))
            } catch {
                return .failure(error)
            }
        }
        #expect(await read(lines, key) == .success(events))
        #expect(await read(lines, try authenticator(2)) == .failure(.tampered(0)))
        for (number, line) in lines.enumerated() {
            for index in line.indices {
                var changed = lines
                changed[number][index] ^= 1
                #expect(await read(changed, key) == .failure(.tampered(number)))
                changed[number] = Array(line[..<index])
                #expect(await read(changed, key) == .failure(.tampered(number)))
            }
            if number < 4 {
                var gone = lines
                gone.remove(at: number)
                #expect(await read(gone, key) == .failure(.tampered(number)))
                var swapped = lines
                swapped.swapAt(number, number + 1)
                #expect(await read(swapped, key) == .failure(.tampered(number)))
            }
        }
        // Who has read the end sees that it is gone; the rest is a valid shorter ledger, and position() tells how short.
        let shortened = AnchorLedger(SwitchedLedger(first: lines, then: Array(lines.prefix(3))), authenticator: key)
        #expect(try await shortened.position() == 5)
        await #expect(throws: LedgerError.tampered(4)) { _ = try await shortened.position() }
        #expect(await read(Array(lines.prefix(3)), key) == .success(Array(events.prefix(3))))
    }

    /// A ledger that is exchanged for another one after it was read to its end.
    private final class SwitchedLedger: Ledger {
        private let ledgers: [MemoryLedger]
        private let calls = Mutex(0)
        init(first: [[UInt8]], then second: [[UInt8]]) { ledgers = [MemoryLedger(first), MemoryLedger(second)] }
        func append(_ line: [UInt8], at index: Int) async throws(LedgerError) { throw .invalidLine }
        func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
            let call = calls.withLock { calls in
                calls += 1; return calls
            }
            return try await ledgers[call <= 2 ? 0 : 1].lines(from: index, limit: limit)
        }
    }
}

@Suite struct FileLedgerTests {
    /// The last line torn at every byte, as by a crash: the others are read, and the next append repairs the file.
    @Test func aTornLineIsRemovedByTheNextAppend() async throws {
        let folder = try Folder()
        let first = FileLedger(path: folder.file)
        try await first.append(Array("one".utf8), at: 0)
        try await first.append(Array("two".utf8), at: 1)
        let whole = try folder.read()
        for cut in 4..<whole.count {
            try folder.write(Array(whole[..<cut]))
            try folder.setMode(0o600)
            let ledger = FileLedger(path: folder.file)
            #expect(try await ledger.lines(from: 0, limit: 9) == [Array("one".utf8)])
            try await ledger.append(Array("three".utf8), at: 1)
            #expect(try await ledger.lines(from: 0, limit: 9) == [Array("one".utf8), Array("three".utf8)])
            #expect(try folder.read() == Array("one\nthree\n".utf8))
        }
    }

    @Test func theFileIsItsOwnersAlone() async throws {
        let folder = try Folder()
        let ledger = FileLedger(path: folder.file)
        try await ledger.append([65], at: 0)
        let mode = try #require(
            try FileManager.default.attributesOfItem(atPath: folder.file)[.posixPermissions] as? Int)
        #expect(mode == 0o600)
        try folder.setMode(0o640)
        await #expect(throws: LedgerError.self) { try await ledger.append([66], at: 1) }
        await #expect(throws: LedgerError.self) { _ = try await ledger.lines(from: 0, limit: 1) }
        try folder.setMode(0o600)
        // A second name, a link and a folder are refused.
        try FileManager.default.linkItem(atPath: folder.file, toPath: folder.path + "/second")
        await #expect(throws: LedgerError.self) { try await ledger.append([66], at: 1) }
        try FileManager.default.removeItem(atPath: folder.path + "/second")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: folder.file)
        for path in [folder.path + "/link", folder.path, folder.path + "/no/such", ""] {
            await #expect(throws: LedgerError.self) { try await FileLedger(path: path).append([66], at: 1) }
        }
        try await ledger.append([66], at: 1)
    }

    /// A pipe in the file's place does not hold up who opens it.
    @Test func aPipeIsRefused() async throws {
        let folder = try Folder()
        #expect(mkfifo(folder.file, 0o600) == 0)
        await #expect(throws: LedgerError.self) { _ = try await FileLedger(path: folder.file).lines(from: 0, limit: 1) }
        await #expect(throws: LedgerError.self) { try await FileLedger(path: folder.file).append([65], at: 0) }
    }

    @Test func aShortenedFileIsSeen() async throws {
        let folder = try Folder()
        let ledger = FileLedger(path: folder.file)
        for index in 0..<3 { try await ledger.append(Array("line".utf8), at: index) }
        try folder.write(Array("line\n".utf8))
        try folder.setMode(0o600)
        await #expect(throws: LedgerError.tampered(3)) { _ = try await ledger.lines(from: 0, limit: 1) }
        try FileManager.default.removeItem(atPath: folder.file)
        await #expect(throws: LedgerError.tampered(0)) { _ = try await ledger.lines(from: 0, limit: 1) }
    }

    /// Two processes' worth of handles on one file never take one number twice.
    @Test func handlesOnOneFileShareItsNumbers() async throws {
        let folder = try Folder()
        let (one, two) = (FileLedger(path: folder.file), FileLedger(path: folder.file))
        try await one.append([65], at: 0)
        await #expect(throws: LedgerError.taken(0)) { try await two.append([66], at: 0) }
        try await two.append([66], at: 1)
        #expect(try await one.lines(from: 0, limit: 9) == [[65], [66]])
    }

    @Test func hostileFilesAreRefused() async throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let folder = try Folder()
            let bytes = (0..<Int.random(in: 0...9000, using: &generator)).map { _ in
                UInt8.random(in: 0...40, using: &generator)
            }
            try folder.write(bytes)
            try folder.setMode(0o600)
            let chain = AnchorLedger(FileLedger(path: folder.file), authenticator: try authenticator())
            let result: [AnchorLedger.Line]? = try? await chain.lines()
            #expect(result == nil || (result?.isEmpty == true && !bytes.contains(0x0A)))
        }
    }
}
