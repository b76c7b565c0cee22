// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation

/// Measures what the rooms do: nanoseconds an operation, the median of fifteen rounds in one process, and beside peers
/// the ratio within each round. `Scripts/bench [--quick] [--million] [crypto] [storage] [stores] [access] [audit] [vault] [plans]
/// [publishing] [detection] [privacy] [retention] [rooms] [sizes]`.
@main
struct Benchmarks {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let harness = Harness(scale: arguments.contains("--quick") ? 1 : 10)
        if arguments.contains("--compare") { return try await VaultBenchmarks(harness: harness).compare() }
        let wanted = arguments.filter { !$0.hasPrefix("--") }
        func isWanted(_ name: String) -> Bool { wanted.isEmpty || wanted.contains(name) }
        // First: it measures the first call of a process.
        if isWanted("detection") { try await DetectionBenchmarks(harness: harness).run() }
        if isWanted("crypto") { try await CryptoBenchmarks(harness: harness).run() }
        if isWanted("storage") { try await StorageBenchmarks(harness: harness).run() }
        if wanted.contains("sizes") {
            var sizes = try await SizeMeasurements()
            try await sizes.run()
        }
        if isWanted("stores") { try await StoresBenchmarks(harness: harness).run() }
        if isWanted("access") { try await AccessBenchmarks(harness: harness).run() }
        if isWanted("audit") { try await AuditBenchmarks(harness: harness).run() }
        if isWanted("vault") { try await VaultBenchmarks(harness: harness).run() }
        if isWanted("plans") { try await PlansBenchmarks(harness: harness).run() }
        if isWanted("publishing") { try await PublishingBenchmarks(harness: harness).run() }
        if isWanted("privacy") { try await PrivacyBenchmarks(harness: harness).run() }
        if isWanted("retention") { try await RetentionBenchmarks(harness: harness).run() }
        if isWanted("rooms") { try await RoomBenchmarks(harness: harness).run() }
    }
}
