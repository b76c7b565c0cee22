// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Work that a room does on its own: the shape of a service in swift-service-lifecycle, safe to run on every node.
public protocol BackgroundWork: Sendable {
    /// The work's name, for signals and health.
    var name: String { get }
    /// Does what is due now, and returns: for a scheduler, and for tests.
    func runOnce() async throws
    /// Works until the task is cancelled, and then returns.
    func run() async throws
}

/// Work that is done again and again, at most once each `interval` on each node.
///
/// A round that fails is reported as a signal and tried again after the interval; the work goes on.
public struct PeriodicWork: BackgroundWork {
    /// The work's name.
    public let name: String
    private let interval: Duration
    private let time: any TimeSource
    private let signals: any SignalHandler
    private let signal: Signal.Name
    private let body: @Sendable () async throws -> Void

    /// Work that runs `body` each `interval`, which is at least a millisecond. Its signals carry its name.
    public init(
        _ name: StaticString, every interval: Duration, time: any TimeSource = SystemTime(),
        signals: any SignalHandler = NoSignals(), _ body: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name.description
        self.interval = max(.milliseconds(1), interval)
        self.time = time
        self.signals = signals
        signal = Signal.Name(name)
        self.body = body
    }

    /// Runs the body once and reports how it ended.
    public func runOnce() async throws {
        let start = time.uptime
        do {
            try await body()
            signals.handle(Signal(signal, duration: time.uptime - start))
        } catch {
            signals.handle(Signal(signal, .failed, duration: time.uptime - start))
            throw error
        }
    }

    /// Runs the body each interval until the task is cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            let start = time.uptime
            do {
                try await runOnce()
            } catch {
                // Reported by its signal; the next round tries again.
            }
            do {
                try await time.sleep(until: start + interval)
            } catch {
                return
            }
        }
    }
}
