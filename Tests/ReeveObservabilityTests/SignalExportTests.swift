// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if Observability
import InMemoryTracing
import Logging
import MetricsTestKit
import ReeveModel
import ReeveObservability
import Synchronization
import Testing
import Tracing

/// Keeps what is logged.
private final class Lines: Sendable {
    let kept = Mutex<[(level: Logger.Level, message: String, metadata: Logger.Metadata)]>([])
}

private struct KeepingHandler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        lines.kept.withLock { $0.append((event.level, "\(event.message)", event.metadata ?? [:])) }
    }
}

@Suite struct SignalExportTests {
    private static let workspace = Identifier<Workspace>(high: 1, low: 2)
    private static let signals = [
        Signal("vault.open", duration: .microseconds(250), count: 3, workspace: workspace),
        Signal("vault.open", .refused, code: "denied"),
        Signal(
            "vault.sweep", .failed, duration: .seconds(2), code: "unavailable", correlation: Identifier(high: 3, low: 4)
        ),
    ]

    @Test func signalsBecomeLogLines() {
        let lines = Lines()
        let export = SignalExport(logger: Logger(label: "t") { _ in KeepingHandler(lines: lines) })
        Self.signals.forEach(export.handle)
        let kept = lines.kept.withLock { $0 }
        #expect(kept.map(\.level) == [.debug, .notice, .error])
        #expect(kept.map(\.message) == ["vault.open", "vault.open", "vault.sweep"])
        #expect(kept[0].metadata["nanoseconds"] == "250000" && kept[0].metadata["workspace"] == "\(Self.workspace)")
        #expect(kept[1].metadata["code"] == "denied" && kept[1].metadata["nanoseconds"] == nil)
        #expect(kept[2].metadata["correlation"] != nil && kept[2].metadata["outcome"] == "failed")
    }

    @Test func signalsBecomeMetrics() throws {
        let metrics = TestMetrics()
        let export = SignalExport(logger: nil, metrics: metrics)
        Self.signals.forEach(export.handle)
        #expect(
            try metrics.expectCounter("reeve.vault.open", [("outcome", "success"), ("code", "none")]).totalValue == 3)
        #expect(
            try metrics.expectCounter("reeve.vault.open", [("outcome", "refused"), ("code", "denied")]).totalValue == 1)
        let timer = try metrics.expectTimer(
            "reeve.vault.sweep.duration", [("outcome", "failed"), ("code", "unavailable")])
        #expect(timer.values == [2_000_000_000])
    }

    @Test func signalsWithADurationBecomeSpans() {
        let tracer = InMemoryTracer()
        let export = SignalExport(logger: nil, tracer: tracer)
        Self.signals.forEach(export.handle)
        let spans = tracer.finishedSpans
        #expect(spans.map(\.operationName) == ["reeve.vault.open", "reeve.vault.sweep"])
        #expect(spans.map(\.errors.count) == [0, 0])
        #expect(spans.last?.status?.code == .error)
        for (span, nanoseconds) in zip(spans, [250_000, 2_000_000_000] as [UInt64]) {
            #expect(span.endInstant.nanosecondsSinceEpoch - span.startInstant.nanosecondsSinceEpoch == nanoseconds)
        }
    }

    @Test func extremeDurationsAreTaken() {
        let export = SignalExport(
            logger: Logger(label: "t") { _ in KeepingHandler(lines: Lines()) }, metrics: TestMetrics(),
            tracer: InMemoryTracer())
        for duration in [
            Duration.zero, .seconds(-5), .seconds(Int64.max), .seconds(Int64.min),
            .seconds(9_223_372_036) + .milliseconds(900),
        ] {
            export.handle(Signal("x", duration: duration, count: -1))
        }
    }
}
#endif
