// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Counts the forks between the process that loaded this library and the current one.
///
/// Secret memory is empty in a forked child. A secret remembers the generation it was made in, and is dead in a later
/// one. A page that the system empties on fork tells; where there is none, the process id does.
enum ForkGuard {
    // Sendable by hand: the flag is 1 but in a process that was just forked, which has one thread.
    @safe private struct Page: @unchecked Sendable {
        let flag: UnsafeMutablePointer<UInt8>
    }
    private static let page: Page? = {
        #if os(Linux)
        let mapped = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, reeve_map_flags(), -1, 0)
        guard let region = unsafe mapped, unsafe region != reeve_map_failed() else { return nil }
        guard unsafe madvise(region, 4096, MADV_WIPEONFORK) == 0 else { return nil }
        let flag = unsafe region.assumingMemoryBound(to: UInt8.self)
        unsafe flag.pointee = 1
        return unsafe Page(flag: flag)
        #else
        return nil
        #endif
    }()
    private static let process = Mutex(getpid())
    private static let current = Atomic<Int>(0)

    /// The current generation. Without a fork it costs two loads.
    static var generation: Int {
        if let page, unsafe page.flag.pointee == 1 { return current.load(ordering: .relaxed) }
        return process.withLock { process in
            let isNew: Bool
            if let page {
                isNew = unsafe page.flag.pointee == 0
                unsafe page.flag.pointee = 1
            } else {
                isNew = process != getpid()
                process = getpid()
            }
            if isNew { current.add(1, ordering: .relaxed) }
            return current.load(ordering: .relaxed)
        }
    }
}
