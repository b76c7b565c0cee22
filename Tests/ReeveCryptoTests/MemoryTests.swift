// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization
import Testing

@testable import ReeveCrypto

#if os(Linux)
import Glibc

/// Looks for a pattern in all memory of this process. The pattern is computed byte by byte, so that it lies nowhere by
/// itself.
private enum MemorySearch {
    static let count = 48

    static func byte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: index &* 37 &+ 11) ^ 0xA7 }

    /// Makes a secret of the pattern and lets it go; returns how often the pattern stands in memory before and after.
    static func run(wiping: Bool) -> (before: Int, after: Int)? {
        SecretSlab.leavesBytes.store(!wiping, ordering: .relaxed)
        return try? hold()
    }

    private static func hold() throws -> (before: Int, after: Int) {
        var before = 0
        do {
            let secret = try SecretBytes(count: count) { (target: inout MutableRawSpan) throws(CryptoError) in
                for index in 0..<count { target.storeBytes(of: byte(index), toByteOffset: index, as: UInt8.self) }
            }
            before = occurrences()
            // Used once more, so that it is not released before the search.
            guard secret.count == count else { return (0, 0) }
        }
        return (before, occurrences())
    }

    static func occurrences() -> Int {
        let size = 1 << 20
        guard let window = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            window != MAP_FAILED
        else { return -1 }
        defer { munmap(window, size) }
        let memory = open("/proc/self/mem", O_RDONLY)
        let maps = open("/proc/self/maps", O_RDONLY)
        guard memory >= 0, maps >= 0 else { return -1 }
        defer { close(memory); close(maps) }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while case let length = read(maps, &part, part.count), length > 0 { text += part[..<length] }
        let own = UInt(bitPattern: window)
        var found = 0
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, fields[1].hasPrefix("r"), !line.contains("[v"),
                !(bounds[0]...bounds[1]).contains(own)
            else { continue }
            var position = bounds[0]
            while position < bounds[1] {
                let wanted = min(UInt(size), bounds[1] - position)
                let length = pread(memory, window, Int(wanted), off_t(position))
                guard length >= count else { break }
                let bytes = UnsafeRawBufferPointer(start: window, count: length)
                // Each eighth of the pattern by itself, so that a part that was left is found too.
                for part in stride(from: 0, to: count, by: 8) {
                    for start in 0...(length - count) where bytes[start] == byte(part) {
                        if (1..<8).allSatisfy({ bytes[start + $0] == byte(part + $0) }) { found += 1 }
                    }
                }
                if UInt(length) == bounds[1] - position { break }
                // The next window overlaps this one, so that nothing hides at the seam.
                position += UInt(length - count + 1)
            }
        }
        return found
    }
}

@Suite struct MemoryTests {
    /// A released secret stands nowhere in the memory of the process.
    @Test func aReleasedSecretLeavesNoByte() async {
        await #expect(processExitsWith: .success) {
            let found = MemorySearch.run(wiping: true)
            exit(found.map { $0.before == 6 && $0.after == 0 } == true ? 0 : 1)
        }
    }

    /// A block is wiped to its end, whatever part of it was asked for.
    @Test func theWholeBlockIsWiped() async {
        await #expect(processExitsWith: .success) {
            let slab = SecretSlab.shared
            for count in [1, 48, 65, 1000, 5000, 60_000] {
                guard let block = try? slab.allocate(count) else { exit(1) }
                let capacity = SecretSlab.capacity(for: count)
                memset(block, 0xAB, capacity)
                slab.release(block, count)
                let bytes = UnsafeRawBufferPointer(start: block, count: capacity)
                guard bytes.allSatisfy({ $0 == 0 }) else { exit(2) }
            }
            exit(0)
        }
    }

    /// No memory of a process that asked for it is in its core.
    @Test func coresHoldNoMemory() async {
        await #expect(processExitsWith: .success) {
            guard SecretMemory.leaveOutOfCoreDumps() else { exit(1) }
            var filter = [UInt8](repeating: 0, count: 16)
            let file = open("/proc/self/coredump_filter", O_RDONLY)
            guard read(file, &filter, filter.count) > 0 else { exit(2) }
            exit(filter.prefix { $0 != 10 }.allSatisfy { $0 == UInt8(ascii: "0") } ? 0 : 3)
        }
    }

    /// With wiping switched off the same search finds it.
    @Test func theSearchFindsWhatIsLeft() async {
        await #expect(processExitsWith: .success) {
            let found = MemorySearch.run(wiping: false)
            exit(found.map { $0.before == 6 && $0.after == 6 } == true ? 0 : 1)
        }
    }
}
#endif

@Suite struct RandomnessTests {
    /// A generator whose state two copies of a process would share.
    private static func copiedEngine() -> Randomness.Source {
        { target in
            for index in 0..<target.byteCount {
                target.storeBytes(of: UInt8(truncatingIfNeeded: index), toByteOffset: index, as: UInt8.self)
            }
            return true
        }
    }

    private static func nonce(_ buffer: borrowing NonceBuffer) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12)
        var failure: CryptoError?
        bytes.withUnsafeMutableBytes { target in
            guard let start = target.baseAddress else { return }
            do throws(CryptoError) { try buffer.next(into: start, generation: ForkGuard.generation) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private final class Clock: Sendable { let now = Atomic<UInt64>(5_000_000_000) }

    /// Two copies of one process, generator and buffers and all: other keys at once, other nonces after a second.
    @Test func copiesOfAProcessPartWithinASecond() throws {
        func key() throws -> SecretBytes {
            try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
                try Randomness.fillSecret(&target, from: Self.copiedEngine())
            }
        }
        let areEqual = try key().constantTimeEquals(key())
        #expect(!areEqual)

        let clock = Clock()
        let original = NonceBuffer(engine: Self.copiedEngine(), clock: { clock.now.load(ordering: .relaxed) })
        _ = try Self.nonce(original)
        let copy = try original.copy()
        // The copy is a true one: within the second it still has the same page.
        let (one, same) = (try Self.nonce(original), try Self.nonce(copy))
        #expect(one == same)
        clock.now.store(6_000_000_001, ordering: .relaxed)
        for _ in 0..<400 {
            let (one, other) = (try Self.nonce(original), try Self.nonce(copy))
            #expect(one != other)
        }
    }

    @Test func aPageIsNeverUsedTwice() throws {
        let buffer = NonceBuffer(engine: Self.copiedEngine(), clock: { 0 })
        var nonces: [[UInt8]] = []
        for _ in 0..<5000 { nonces.append(try Self.nonce(buffer)) }
        #expect(Set(nonces).count == nonces.count)
    }

    @Test func aFailingGeneratorGivesNothing() throws {
        #expect(throws: CryptoError(.randomnessUnavailable)) { try Self.nonce(NonceBuffer(engine: { _ in false })) }
        #expect(throws: CryptoError(.randomnessUnavailable)) {
            _ = try SecretBytes(count: 8) { (target: inout MutableRawSpan) throws(CryptoError) in
                try Randomness.fillSecret(&target, from: { _ in false })
            }
        }
    }
}
