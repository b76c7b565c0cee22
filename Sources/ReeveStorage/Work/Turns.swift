// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Synchronization

/// Lets one task at a time work on each of several things.
package final class Turns<Thing: Hashable & Sendable>: Sendable {
    private let waiting = Mutex<[Thing: [CheckedContinuation<Void, Never>]]>([:])

    package init() {}

    /// Runs `body` when nobody else works on the same thing.
    package func run<R, E: Error>(_ thing: Thing, _ body: () async throws(E) -> R) async throws(E) -> R {
        await enter(thing)
        defer { leave(thing) }
        return try await body()
    }

    private func enter(_ thing: Thing) async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                guard waiting[thing] != nil else {
                    waiting[thing] = []
                    return true
                }
                waiting[thing]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave(_ thing: Thing) {
        let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
            guard waiting[thing]?.isEmpty == false else {
                waiting[thing] = nil
                return nil
            }
            return waiting[thing]?.removeFirst()
        }
        next?.resume()
    }
}
