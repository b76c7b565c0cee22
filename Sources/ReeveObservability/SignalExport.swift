// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if Observability
/// Signals to swift-log, swift-metrics and swift-distributed-tracing. It is empty so far: there is nothing to call yet.
public enum SignalExport: Sendable {}
#else
/// Signals to swift-log, swift-metrics and swift-distributed-tracing. Enable the Observability trait to use it.
@available(*, unavailable, message: "enable the Observability trait: .package(…, traits: [\"Observability\"])")
public enum SignalExport: Sendable {}
#endif
