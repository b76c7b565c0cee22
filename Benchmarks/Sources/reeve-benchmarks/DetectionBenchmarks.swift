// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReevePublishing

/// What detection costs: the first call of a process, texts by themselves, and documents in which nothing is.
struct DetectionBenchmarks {
    let harness: Harness

    func run() async throws {
        // All tables are made by the first text that needs them.
        let resident = residentBytes()
        let first = try Self.time { try Detector().findings(in: Self.mixed) }
        let second = try Self.time { try Detector().findings(in: Self.mixed) }
        print(
            String(
                format: "First text of a process: %.1f ms, the same again: %.1f ms; %.1f MB more resident", first,
                second,
                Double(residentBytes() - resident) / 1e6))
        let detector = Detector()
        func find(_ name: String, _ text: String) -> Harness.Candidate {
            .init("\(name), \(text.utf8.count / 1000) kB", sync: { _ = try detector.findings(in: text) })
        }
        try await harness.compare(
            "Detector, all of a text looked at", operations: 20,
            [
                find("Sentences", Self.prose),
                find("A recipe of 200 steps as text", String(decoding: Self.document(200), as: UTF8.self)),
            ])
        let scrubber = Scrubber()
        func scrub(_ name: String, _ document: [UInt8]) -> Harness.Candidate {
            .init(
                "\(name), \(document.count / 1000) kB",
                sync: { _ = scrubber.scrub(document, as: .plainJSON, for: .publicLibrary) })
        }
        try await harness.compare(
            "Scrubbing what holds nothing: each string is looked at once", operations: 20,
            [
                scrub("1,000 strings", Self.document(200)), scrub("10,000 strings", Self.document(2000)),
                scrub("Sentences in one string", Array(#"["\#(Self.prose)"]"#.utf8)),
            ])
    }

    private static func time(_ body: () throws -> Any) throws -> Double {
        let start = ContinuousClock.now
        _ = try body()
        let time = start.duration(to: .now).components
        return Double(time.seconds) * 1e3 + Double(time.attoseconds) / 1e15
    }

    private static let mixed =
        "Dr. Jennifer Martinez, dana@acme-corp.io, +49 30 90 18 20 31, ssn 536-22-8726, born May 5th 1980, 54.200.12.9, "
        + "password=Tr0ub4dor3xyz9, /Users/dana/x, 0x52908400098527886E0F7030069857D2E4169EE7, https://acme.io"

    private static let prose = String(
        repeating: "The order of the customer is checked by the second step and sent to the store in the evening. ",
        count: 1000)

    /// Steps of five strings each.
    private static func document(_ count: Int) -> [UInt8] {
        let steps = (0..<count).map { index in
            #"{"title":"Send an order to the store","path":"orders/list/open","state":"=input.order.state == status.open","#
                + #""text":"The customer is told about it in the evening","kind":"action"}"#
        }
        return Array("[\(steps.joined(separator: ","))]".utf8)
    }
}
