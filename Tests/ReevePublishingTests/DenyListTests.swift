// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveTesting
import Testing

@testable import ReevePublishing

@Suite struct DenyListProperties {
    /// The search finds exactly what a plain one finds, for values and texts of few letters, in which much begins alike.
    @Test func theSearchIsThePlainOne() {
        var generator = Scale.current.generator(for: "deny list")
        let letters = Array("abABc-".utf8)
        func text(_ length: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: length, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? 0 }
        }
        func folded(_ text: [UInt8]) -> [UInt8] { text.map { $0.isUpper ? $0 | 0x20 : $0 } }
        var found = 0
        for _ in 0..<Scale.current.cases(ci: 50_000, soak: 5_000_000) {
            let originals = (0..<Int.random(in: 1...4, using: &generator)).map { _ in text(6...9) }
            var document = text(0...60)
            if Bool.random(using: &generator), let original = originals.first {
                document.insert(contentsOf: original, at: Int.random(in: 0...document.count, using: &generator))
            }
            let lower = folded(document)
            let expected = document.indices.filter { start in
                originals.contains { lower[start...].starts(with: folded($0)) }
            }
            #expect(DenyList(originals).places(in: document) == expected)
            found += expected.isEmpty ? 0 : 1
        }
        #expect(found > 10_000)
    }
}
