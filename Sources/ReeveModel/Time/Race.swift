// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Synchronization

/// A call that is given up when a deadline passes first: it is cancelled, and what it brings later is dropped.
package struct Race: Sendable {
    private let time: any TimeSource
    private let deadline: Duration

    /// A race against a clock, until its `uptime` is a deadline.
    package init(time: any TimeSource, deadline: Duration) {
        self.time = time
        self.deadline = deadline
    }

    /// What a call came to; `nil` when the deadline passed first.
    package func run<R: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () async throws(Failure) -> R
    ) async -> Result<R, Failure>? {
        let waiting = Shared<CheckedContinuation<Result<R, Failure>?, Never>?>(nil)
        let tasks = Shared<[Task<Void, Never>]>([])
        let result = await withCheckedContinuation { continuation in
            waiting.value.withLock { $0 = continuation }
            @Sendable func finish(_ result: Result<R, Failure>?) {
                let first = waiting.value.withLock { waiting in
                    defer { waiting = nil }
                    return waiting
                }
                first?.resume(returning: result)
            }
            let call = Task {
                do throws(Failure) {
                    finish(.success(try await body()))
                } catch {
                    finish(.failure(error))
                }
            }
            let (time, deadline) = (time, deadline)
            let timer = Task {
                guard (try? await time.sleep(until: deadline)) != nil else { return }
                finish(nil)
            }
            tasks.value.withLock { $0 = [call, timer] }
        }
        tasks.value.withLock { $0.forEach { $0.cancel() } }
        return result
    }

    /// A value that both sides share.
    private final class Shared<Value: Sendable>: Sendable {
        let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
    }
}
