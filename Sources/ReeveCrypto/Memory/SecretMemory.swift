// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system says about the memory that holds secrets.
public struct SecretMemory: Hashable, Sendable {
    /// Bytes of pages that are locked in memory.
    public let lockedBytes: Int
    /// Bytes of pages that the system refused to lock: raise `RLIMIT_MEMLOCK` to avoid them.
    public let unlockedBytes: Int

    /// The state at this moment.
    public static var status: SecretMemory {
        let (locked, unlocked) = SecretSlab.shared.status
        return SecretMemory(lockedBytes: locked, unlockedBytes: unlocked)
    }

    /// Leaves all memory of this process, and of those that it starts from then on, out of core dumps; returns whether the
    /// system agreed.
    ///
    /// Pages of secrets are never in one. Keys in use have copies in libcrypto's own heap, which are, unless this is called: a
    /// program that opens credentials calls it when it starts. A core then has the registers of each thread, but neither stack
    /// nor heap. On Linux it sets the process's `coredump_filter`, elsewhere the size limit of cores.
    public static func leaveOutOfCoreDumps() -> Bool {
        #if os(Linux)
        let file = unsafe open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return unsafe write(file, "0", 1) == 1
        #else
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        return unsafe setrlimit(RLIMIT_CORE, &none) == 0
        #endif
    }
}
