// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import Synchronization

/// Pages for secrets: locked, left out of core dumps, empty in a forked child, cleansed when a block is given back.
///
/// A page is cut into blocks of one size, so that a thousand keys cost a few pages of the lock limit and not a thousand.
final class SecretSlab: Sendable {
    static let shared = SecretSlab()

    /// Switches wiping off, so that a test can show that it would find what is left behind. Nothing else sets it.
    static let leavesBytes = Atomic<Bool>(false)

    /// Block sizes in bytes; what is larger gets pages of its own.
    private static let classes = [64, 256, 1024, 4096, 16_384, 65_536]
    private static let regionBytes = 64 << 10

    private struct State {
        var free: [[UInt]] = Array(repeating: [], count: classes.count)
        var lockedBytes = 0
        var unlockedBytes = 0
        /// The regions that the system refused to lock.
        var refused: Set<UInt> = []
        /// Inherited pages are not locked in a forked child: it starts with none.
        var generation = ForkGuard.generation

        mutating func refresh() {
            guard generation != ForkGuard.generation else { return }
            self = State()
        }
    }
    private let state = Mutex(State())

    /// Bytes of secret memory that the system agreed to lock, and that it did not.
    var status: (locked: Int, unlocked: Int) {
        state.withLock { state in
            state.refresh()
            return (state.lockedBytes, state.unlockedBytes)
        }
    }

    /// The capacity of the block that `count` bytes get.
    static func capacity(for count: Int) -> Int {
        classes.first { $0 >= count } ?? (count + 4095) / 4096 * 4096
    }

    func allocate(_ count: Int) throws(CryptoError) -> UnsafeMutableRawPointer {
        guard let index = Self.classes.firstIndex(where: { $0 >= count }) else {
            return try unsafe map(Self.capacity(for: count))
        }
        let taken = state.withLock { state in
            state.refresh()
            return state.free[index].popLast()
        }
        if let taken, let pointer = unsafe UnsafeMutableRawPointer(bitPattern: taken) { return unsafe pointer }
        let size = Self.classes[index]
        let region = try unsafe map(Self.regionBytes)
        let blocks = (1..<Self.regionBytes / size).map { unsafe UInt(bitPattern: region + $0 * size) }
        state.withLock { $0.free[index] += blocks }
        return unsafe region
    }

    /// Cleanses the whole capacity of the block, then gives it back; one from before a fork is left alone after that.
    func release(_ pointer: UnsafeMutableRawPointer, _ count: Int, from generation: Int = ForkGuard.generation) {
        let capacity = Self.capacity(for: count)
        if !Self.leavesBytes.load(ordering: .relaxed) { unsafe OPENSSL_cleanse(pointer, capacity) }
        let address = UInt(bitPattern: pointer)
        let index = Self.classes.firstIndex(of: capacity)
        // The accounts first: once it is unmapped, another thread may get the same address.
        let isOwn = state.withLock { state in
            state.refresh()
            guard state.generation == generation else { return false }
            if let index {
                state.free[index].append(address)
            } else if state.refused.remove(address) == nil {
                state.lockedBytes -= capacity
            } else {
                state.unlockedBytes -= capacity
            }
            return true
        }
        if isOwn, index == nil { unsafe munmap(pointer, capacity) }
    }

    private func map(_ count: Int) throws(CryptoError) -> UnsafeMutableRawPointer {
        let mapped = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, reeve_map_flags(), -1, 0)
        guard let region = unsafe mapped, unsafe region != reeve_map_failed() else { throw CryptoError(.outOfMemory) }
        #if os(Linux)
        unsafe madvise(region, count, MADV_DONTDUMP)
        unsafe madvise(region, count, MADV_WIPEONFORK)
        #endif
        let locked = unsafe mlock(region, count) == 0
        let address = UInt(bitPattern: region)
        state.withLock { state in
            state.refresh()
            if locked {
                state.lockedBytes += count
            } else {
                state.unlockedBytes += count
                state.refused.insert(address)
            }
        }
        return unsafe region
    }
}
