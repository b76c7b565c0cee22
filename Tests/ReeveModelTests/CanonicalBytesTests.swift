// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTesting
import Testing

@Suite struct CanonicalBytesTests {
    @Test func noneAndEmptyDiffer() {
        var none = CanonicalBytes(label: "x")
        none.add(nil as String?)
        var empty = CanonicalBytes(label: "x")
        empty.add("" as String?)
        #expect(none != empty)
    }

    @Test func theBytesAreFixed() {
        var encoding = CanonicalBytes(label: "a")
        encoding.add("b")
        encoding.add(1)
        encoding.add([0xFF])
        encoding.addList([1, 2]) { $0.add($1) }
        #expect(
            Hex.encode(encoding.bytes)
                == "01000000000000000161" + "03000000000000000162" + "040000000000000001" + "020000000000000001ff"
                + "060000000000000002" + "040000000000000001" + "040000000000000002")
    }
}

@Suite struct CanonicalBytesProperties {
    private enum Field: Hashable {
        case bytes([UInt8]), text(String), integer(Int64), none, list([Int64])
    }

    /// Two sequences of fields have equal encodings only when they are equal.
    @Test func encodingsAreInjective() {
        var generator = Scale.current.generator(for: "canonical bytes")
        var seen: [[UInt8]: [Field]] = [:]
        for _ in 0..<Scale.current.cases(ci: 50_000, soak: 1_000_000) {
            let fields = (0..<Int.random(in: 0...4, using: &generator)).map { _ in field(&generator) }
            var encoding = CanonicalBytes(label: "p")
            for field in fields {
                switch field {
                case .bytes(let value): encoding.add(value)
                case .text(let value): encoding.add(value)
                case .integer(let value): encoding.add(value)
                case .none: encoding.add(nil as String?)
                case .list(let values): encoding.addList(values) { $0.add($1) }
                }
            }
            let other = seen.updateValue(fields, forKey: encoding.bytes)
            #expect(other == nil || other == fields)
        }
    }

    private func field(_ generator: inout SeededGenerator) -> Field {
        let bytes = (0..<Int.random(in: 0...3, using: &generator)).map { _ in UInt8.random(in: 0...3, using: &generator)
        }
        return switch Int.random(in: 0..<5, using: &generator) {
        case 0: .bytes(bytes)
        case 1: .text(String(decoding: bytes, as: UTF8.self))
        case 2: .integer(Int64.random(in: -2...2, using: &generator))
        case 3: .none
        default: .list(bytes.map { Int64($0) })
        }
    }
}
