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
package enum ForkGuard {
    @safe private struct Page: Sendable {
        // Sendable by hand: a pointer is not. This one leads to an atomic byte, in a page that stays mapped; the atomic cannot
        // be a plain static, since the page is what the system empties on fork.
        nonisolated(unsafe) private let flag: UnsafeMutablePointer<Atomic<UInt8>>

        init(_ region: UnsafeMutableRawPointer) {
            unsafe flag = region.bindMemory(to: Atomic<UInt8>.self, capacity: 1)
            unsafe flag.initialize(to: Atomic(1))
        }

        var isSet: Bool { unsafe flag.pointee.load(ordering: .acquiring) == 1 }
        func set() { unsafe flag.pointee.store(1, ordering: .releasing) }
    }
    private static let page: Page? = {
        #if os(Linux)
        let mapped = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, reeve_map_flags(), -1, 0)
        guard let region = unsafe mapped, unsafe region != reeve_map_failed() else { return nil }
        guard unsafe madvise(region, 4096, MADV_WIPEONFORK) == 0 else { return nil }
        return unsafe Page(region)
        #else
        return nil
        #endif
    }()
    private static let process = Mutex(getpid())
    private static let current = Atomic<Int>(0)

    /// The current generation. Without a fork it costs two loads.
    package static var generation: Int {
        if let page, page.isSet { return current.load(ordering: .acquiring) }
        return process.withLock { process in
            let isNew = page.map { !$0.isSet } ?? (process != getpid())
            if isNew {
                // The new generation first: who sees the flag set sees it too.
                current.add(1, ordering: .releasing)
                process = getpid()
                page?.set()
            }
            return current.load(ordering: .acquiring)
        }
    }
}
