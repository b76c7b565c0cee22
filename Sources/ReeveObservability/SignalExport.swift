// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if Observability
public import Logging
public import Metrics
public import ReeveModel
public import Tracing

/// Takes signals to swift-log, swift-metrics and swift-distributed-tracing.
///
///     let signals = SignalExport(logger: Logger(label: "reeve"))
///
/// - A log line at `debug` for what was done, `notice` for what was refused and `error` for what failed, with the ids and
///   codes as metadata.
/// - The counter `reeve.<name>` by the signal's count, and for a signal with a duration the timer
///   `reeve.<name>.duration` in nanoseconds; both with the dimensions `outcome` and `code`, which is `none` where there is none.
///   Workspaces are no dimension: there are too many.
/// - A span of the signal's name and duration that ends now, below the span of the task; failed ones are marked so.
///
/// Calls may come concurrently. What the libraries do with them decides how long a call takes.
public struct SignalExport: SignalHandler {
    private let logger: Logger?
    private let metrics: (any MetricsFactory)?
    private let tracer: (any Tracer)?

    /// An export to those that are given; by default to the logger alone. The systems that the process has bootstrapped
    /// are `MetricsSystem.factory` and `InstrumentationSystem.tracer`.
    public init(logger: Logger?, metrics: (any MetricsFactory)? = nil, tracer: (any Tracer)? = nil) {
        self.logger = logger
        self.metrics = metrics
        self.tracer = tracer
    }

    /// Takes a signal to each of the three.
    public func handle(_ signal: Signal) {
        log(signal)
        measure(signal)
        if let tracer { trace(signal, tracer) }
    }

    private func log(_ signal: Signal) {
        guard let logger else { return }
        let level: Logger.Level =
            switch signal.outcome {
            case .success: .debug
            case .refused: .notice
            case .failed: .error
            }
        var metadata: Logger.Metadata = ["outcome": "\(signal.outcome.rawValue)", "count": "\(signal.count)"]
        if let duration = signal.duration { metadata["nanoseconds"] = "\(duration.nanoseconds)" }
        if let code = signal.code { metadata["code"] = "\(code)" }
        if let workspace = signal.workspace { metadata["workspace"] = "\(workspace)" }
        if let correlation = signal.correlation { metadata["correlation"] = "\(correlation)" }
        logger.log(level: level, "\(signal.name)", metadata: metadata)
    }

    private func measure(_ signal: Signal) {
        guard let metrics else { return }
        // Always the same dimensions: some systems allow no others for one name.
        let dimensions = [("outcome", signal.outcome.rawValue), ("code", signal.code?.description ?? "none")]
        Counter(label: "reeve.\(signal.name)", dimensions: dimensions, factory: metrics).increment(
            by: max(0, signal.count))
        if let duration = signal.duration {
            Timer(label: "reeve.\(signal.name).duration", dimensions: dimensions, factory: metrics)
                .recordNanoseconds(duration.nanoseconds)
        }
    }

    private func trace(_ signal: Signal, _ tracer: some Tracer) {
        guard let duration = signal.duration else { return }
        let end = DefaultTracerClock.now
        let before = UInt64(clamping: duration.nanoseconds)
        let start = DefaultTracerClock.Timestamp(
            nanosecondsSinceEpoch: end.nanosecondsSinceEpoch - min(before, end.nanosecondsSinceEpoch))
        let span = tracer.startSpan("reeve.\(signal.name)", at: start)
        span.attributes["reeve.outcome"] = signal.outcome.rawValue
        span.attributes["reeve.count"] = signal.count
        if let code = signal.code { span.attributes["reeve.code"] = code.description }
        if let workspace = signal.workspace { span.attributes["reeve.workspace"] = workspace.description }
        if signal.outcome == .failed { span.setStatus(SpanStatus(code: .error)) }
        span.end(at: end)
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow2) = whole.addingReportingOverflow(components.attoseconds / 1_000_000_000)
        return overflow || overflow2 ? (components.seconds < 0 ? .min : .max) : sum
    }
}
#else
/// Signals to swift-log, swift-metrics and swift-distributed-tracing. Enable the Observability trait to use it.
@available(*, unavailable, message: "enable the Observability trait: .package(…, traits: [\"Observability\"])")
public enum SignalExport: Sendable {}
#endif
