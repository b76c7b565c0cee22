// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import RawLibcrypto

/// Times operations in rounds, one candidate after the other in each round, so that a machine that changes its speed does
/// so for all of them; prints the median round of each, and its ratio to the first.
struct Harness {
    /// A tenth of the rounds' length with `--quick`.
    let scale: Int

    /// What is measured: a loop over the operation, so that what calls it costs nothing.
    struct Candidate {
        let name: String
        let run: (Int) async throws -> Void

        /// An operation that does not wait.
        init(_ name: String, sync body: @escaping () throws -> Void) {
            self.name = name
            run = { count in try Self.repeatBody(count, body) }
        }

        /// An operation that may wait.
        init(_ name: String, _ body: @escaping () async throws -> Void) {
            self.name = name
            run = { count in for _ in 0..<count { try await body() } }
        }

        private static func repeatBody(_ count: Int, _ body: () throws -> Void) throws {
            for _ in 0..<count { try body() }
        }
    }

    /// Nanoseconds an operation of each candidate.
    func compare(_ title: String, operations: Int, _ candidates: [Candidate]) async throws {
        let count = max(1, operations * scale / 10)
        var times = [[Double]](repeating: [], count: candidates.count)
        var allocations = [Double](repeating: 0, count: candidates.count)
        for round in 0..<15 {
            for (index, candidate) in candidates.enumerated() {
                let mallocs = raw_malloc_count()
                let start = ContinuousClock.now
                try await candidate.run(count)
                times[index].append(Self.nanoseconds(start.duration(to: .now)) / Double(count))
                // The count is a thread's own: of what goes on on another it says nothing.
                if round == 14 {
                    allocations[index] = max(Double(raw_malloc_count()) - Double(mallocs), 0) / Double(count)
                }
            }
        }
        print(title)
        defer { fflush(nil) }
        for (index, candidate) in candidates.enumerated() {
            // The ratio within each round, since the rounds differ.
            let ratio = Self.median(zip(times[index], times[0]).map { $0 / $1 })
            let time = Self.median(times[index])
            let versus = index == 0 ? "" : String(format: "%6.2f x", ratio)
            print(
                "  " + candidate.name.padding(toLength: 44, withPad: " ", startingAt: 0)
                    + String(format: "%10.0f ns %6.1f allocations ", time, allocations[index]) + versus)
        }
    }

    /// One candidate alone.
    func measure(_ title: String, operations: Int, _ body: @escaping () async throws -> Void) async throws {
        try await compare(title, operations: operations, [Candidate("", body)])
    }

    /// Operations a second of each candidate on several threads at once; `make` gives each thread its own body.
    func throughput(
        _ title: String, threads: Int, operations: Int, _ candidates: [(String, @Sendable () -> (@Sendable () -> Void))]
    ) {
        let count = max(1, operations * scale / 10)
        var times = [[Double]](repeating: [], count: candidates.count)
        for _ in 0..<15 {
            for (index, candidate) in candidates.enumerated() {
                let bodies = (0..<threads).map { _ in candidate.1() }
                let start = ContinuousClock.now
                DispatchQueue.concurrentPerform(iterations: threads) { thread in
                    let body = bodies[thread]
                    for _ in 0..<count { body() }
                }
                times[index].append(Self.nanoseconds(start.duration(to: .now)) / Double(count * threads))
            }
        }
        print("\(title), \(threads) threads")
        for (index, candidate) in candidates.enumerated() {
            let ratio = Self.median(zip(times[index], times[0]).map { $0 / $1 })
            print(
                "  " + candidate.0.padding(toLength: 44, withPad: " ", startingAt: 0)
                    + String(format: "%10.0f ns", Self.median(times[index]))
                    + (index == 0 ? "" : String(format: " %6.2f x", ratio)))
        }
    }

    /// The median and the 99th percentile of single calls.
    func percentiles(_ title: String, operations: Int, _ body: () -> Void) {
        let count = max(100, operations * scale / 10)
        var times: [Double] = []
        for _ in 0..<count {
            let start = ContinuousClock.now
            body()
            times.append(Self.nanoseconds(start.duration(to: .now)))
        }
        times.sort()
        print(String(format: "\(title): p50 %.0f ns, p99 %.0f ns", times[count / 2], times[count * 99 / 100]))
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func nanoseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
    }
}

/// Bytes of this process's memory that are in RAM now.
func residentBytes() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let fields = text.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
}
