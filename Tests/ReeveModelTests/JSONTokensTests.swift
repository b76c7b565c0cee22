// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveTesting
import Testing

@testable import ReeveModel

@Suite struct JSONTokensTests {
    @Test(arguments: [
        ("", JSONError.Code.truncated), ("{", .truncated), ("[1,", .truncated), ("\"a", .truncated),
        ("{\"a\"", .truncated),
        ("tru", .truncated), ("[1] x", .trailingData), ("{} {}", .trailingData), ("{a:1}", .unexpectedByte),
        ("[1,]", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte), ("[1 2]", .unexpectedByte),
        ("'a'", .unexpectedByte),
        ("{\"a\" 1}", .unexpectedByte), ("]", .unexpectedByte), ("[}", .unexpectedByte), ("nul!", .unexpectedByte),
        ("01", .invalidNumber), ("-", .invalidNumber), ("1.", .invalidNumber), ("1e", .invalidNumber),
        (".5", .unexpectedByte),
        ("+1", .unexpectedByte), ("\"\\x\"", .invalidEscape), ("\"\\u12g4\"", .invalidEscape),
        ("\"\\ud800\"", .loneSurrogate), ("\"\\udc00\"", .loneSurrogate), ("\"\\ud800\\u0041\"", .loneSurrogate),
        ("\"a\nb\"", .controlCharacter), ("{\"a\":1,\"a\":2}", .duplicateKey),
        ("{\"a\":1,\"\\u0061\":2}", .duplicateKey),
        ("\u{FEFF}{}", .byteOrderMark), ("NaN", .unexpectedByte), ("[1]]", .trailingData),
    ])
    func defectsAreRefused(_ text: String, _ code: JSONError.Code) {
        #expect { try JSONTokens(Array(text.utf8)).validate() } throws: { ($0 as? JSONError)?.code == code }
    }

    @Test(arguments: [
        "{}", "[]", "null", "-0", "0.5e-7", "\"\"", " [ 1 , { \"a\" : [ ] } ] ", "\"\\ud83d\\ude00\"", "[[],[[]],{}]",
        "{\"\":{\"\":1}}", "123456789012345678901234567890", "\"\u{7F}é😀\"",
    ])
    func validDocumentsAreRead(_ text: String) throws {
        try JSONTokens(Array(text.utf8)).validate()
    }

    @Test(
        arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xE2, 0x82], [0xFF]]
            as [[UInt8]])
    func invalidUTF8IsRefused(_ bytes: [UInt8]) {
        let quoted = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
        #expect { try JSONTokens(quoted).validate() } throws: { ($0 as? JSONError)?.code == .invalidUTF8 }
    }

    @Test func limitsAreRefused() {
        let deep =
            Array(repeating: UInt8(ascii: "["), count: 10_000) + Array(repeating: UInt8(ascii: "]"), count: 10_000)
        #expect { try JSONTokens(deep).validate() } throws: { ($0 as? JSONError)?.code == .tooDeep }
        #expect { try JSONTokens(deep, limits: .init(bytes: 19_999)).validate() } throws: {
            ($0 as? JSONError)?.code == .tooLarge
        }
        // The depth is bounded whatever is configured.
        #expect { try JSONTokens(deep, limits: .init(depth: .max)).validate() } throws: {
            ($0 as? JSONError)?.code == .tooDeep
        }
        #expect { try JSONTokens(deep, limits: .init(depth: -1)).validate() } throws: {
            ($0 as? JSONError)?.code == .tooDeep
        }
        let allowed =
            Array(repeating: UInt8(ascii: "["), count: 1000) + Array(repeating: UInt8(ascii: "]"), count: 1000)
        #expect(throws: Never.self) { try JSONTokens(allowed, limits: .init(depth: 1000)).validate() }
    }

    @Test func pathsAndOffsetsAreTold() throws {
        let text = "{\"a\":[1,{\"b\":\"x\"}],\"c\":{}}"
        var told: [String] = []
        try JSONTokens(Array(text.utf8)).forEach { token, path in told.append("\(token.kind) \(path) \(token.range)") }
        #expect(
            told == [
                "objectStart (root) 0..<1", "key a 1..<4", "arrayStart a 5..<6", "number a[0] 6..<7",
                "objectStart a[1] 8..<9", "key a[1].b 9..<12", "string a[1].b 13..<16", "objectEnd a[1] 16..<17",
                "arrayEnd a 17..<18", "key c 19..<22", "objectStart c 23..<24", "objectEnd c 24..<25",
                "objectEnd (root) 25..<26",
            ])
    }

    /// Keys are told apart by their bytes, however many there are, and equal ones found in every spelling.
    @Test func keysAreComparedByTheirBytes() throws {
        let many = (0..<3000).map { "\"k\($0)\":0" }.joined(separator: ",")
        try JSONTokens(Array("{\(many)}".utf8)).validate()
        for text in [#"{"é":1,"e\u0301":2}"#, "{\"é\":1,\"e\u{301}\":2}", #"{"a":1,"b":2,"ab":3,"":4}"#] {
            try JSONTokens(Array(text.utf8)).validate()
        }
        for text in ["{\(many),\"k1234\":1}", #"{"\u00e9":1,"é":2}"#, #"{"é":1,"\u00E9":2}"#, #"{"":1,"a":2,"":3}"#] {
            #expect { try JSONTokens(Array(text.utf8)).validate() } throws: {
                ($0 as? JSONError)?.code == .duplicateKey
            }
        }
        var paths: Set<JSONPath> = []
        try JSONTokens(Array("{\"é\":1,\"e\u{301}\":2}".utf8)).forEach { token, path in
            if token.kind == .number { paths.insert(path) }
        }
        #expect(paths.count == 2)
    }

    @Test func errorsHoldNoInput() {
        #expect("\(JSONError(.unexpectedByte, at: 17))" == "unexpected character in the JSON input at byte 17")
        for code in JSONError.Code.allCases { #expect("\(JSONError(code, at: 1))".hasSuffix(" at byte 1")) }
    }

    /// A byte that cannot stand in a string is found wherever it stands in it.
    @Test func everyPlaceOfAStringIsLookedAt() throws {
        let wrong: [(bytes: [UInt8], code: JSONError.Code)] = [
            ([0x00], .controlCharacter), ([0x1F], .controlCharacter), ([0x80], .invalidUTF8), ([0xFF], .invalidUTF8),
            ([0xC3], .invalidUTF8), ([0x5C, 0x20], .invalidEscape),
        ]
        for length in 0...26 {
            let plain = (0..<length).map { UInt8(0x23 + $0 % 0x39) }
            #expect(throws: Never.self) { try JSONTokens([0x22] + plain + [0x22]).validate() }
            for position in 0...length {
                for (bytes, code) in wrong {
                    let text = [0x22] + plain[..<position] + bytes + plain[position...] + [0x22]
                    let error = #expect(throws: JSONError.self) { try JSONTokens(text).validate() }
                    #expect(error == JSONError(code, at: position + 1), "\(length) \(position)")
                }
                // A quote ends it, and what follows is too much.
                let ended = [0x22] + plain[..<position] + [0x22] + plain[position...] + [0x22]
                let error = #expect(throws: JSONError.self) { try JSONTokens(ended).validate() }
                #expect(error == JSONError(.trailingData, at: position + 2))
            }
        }
    }

    /// A key is compared with all before it, however many they are.
    @Test func keysAreComparedHoweverMany() throws {
        for count in [1, 15, 16, 17, 18, 40, 300] {
            let keys = (0..<count).map { "\"key \($0)\":{\"key 0\":0}" }.joined(separator: ",")
            #expect(throws: Never.self) { try JSONTokens(Array("{\(keys),\"other\":1}".utf8)).validate() }
            for earlier in [0, count / 2, count - 1] {
                for spelling in ["key \(earlier)", "\\u006bey \(earlier)"] {
                    let document = "{\(keys),\"\(spelling)\":1}"
                    let error = #expect(throws: JSONError.self) { try JSONTokens(Array(document.utf8)).validate() }
                    #expect(error == JSONError(.duplicateKey, at: keys.utf8.count + 2))
                }
            }
        }
    }
}

/// The corpus of documents in `Golden/json-corpus.json`; `Scripts/check-json-corpus` reads it with Python and Node.
@Suite struct JSONCorpusTests {
    private struct Case: Decodable {
        let text: String?
        let hex: String?
        let rfc: String
        let reeve: String?

        var bytes: [UInt8]? { text.map { Array($0.utf8) } ?? hex.flatMap { Hex.decode($0) } }
        /// What RFC 8259 says, but for what Reeve refuses all the same.
        var isAccepted: Bool { reeve.map { $0 == "accepted" } ?? (rfc == "valid") }
    }

    @Test func theCorpusIsReadAsItSays() throws {
        let url = try #require(Bundle.module.url(forResource: "Golden/json-corpus", withExtension: "json"))
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
        #expect(cases.count > 250)
        for (index, one) in cases.enumerated() {
            let bytes = try #require(one.bytes)
            let tokens = JSONTokens(bytes)
            let isAccepted = (try? tokens.validate()) != nil
            #expect(isAccepted == one.isAccepted, "case \(index): \(one.text ?? one.hex ?? "")")
            #expect(tokens.work() <= 2 * bytes.count, "case \(index)")
        }
    }
}

@Suite struct JSONTokensProperties {
    /// What is accepted is accepted by another parser too, and mutations never crash.
    @Test func mutationsAreReadOrRefused() throws {
        var generator = Scale.current.generator(for: "JSON mutations")
        let seed = Array(
            #"{"a":[1,-2.5e3,{"b":"x\u00e9\n\ud83d\ude00"}],"c":{},"d":[true,false,null,[[]]],"e":"é😀","f":""}"#.utf8)
        var accepted = 0
        for _ in 0..<Scale.current.cases(ci: 30_000, soak: 1_000_000) {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                guard !bytes.isEmpty else { break }
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(bytes[index], at: index)
                default: bytes.removeLast(bytes.count - index)
                }
            }
            #expect(JSONTokens(bytes).work() <= 2 * bytes.count)
            guard (try? JSONTokens(bytes).validate()) != nil else { continue }
            accepted += 1
            #expect(throws: Never.self) { _ = try JSONDecoder().decode(AnyJSON.self, from: Data(bytes)) }
        }
        #expect(accepted > 100)
    }

    /// Unescaping what was escaped gives the text back, with offsets that rise and end at the end.
    @Test func escapingRoundTrips() throws {
        var generator = Scale.current.generator(for: "JSON escapes")
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 500_000) {
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let ranges: [ClosedRange<UInt32>] = [
                    0...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
                ]
                let range = ranges[Int.random(in: 0..<ranges.count, using: &generator)]
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
                    text.unicodeScalars.append(scalar)
                }
            }
            let escaped = JSONText.escape(text.utf8)
            let result = try JSONText.unescapeWithOffsets(escaped[...], at: 0)
            #expect(result.bytes == Array(text.utf8))
            #expect(result.sources.count == result.bytes.count + 1)
            #expect(result.sources.last == escaped.count)
            #expect(zip(result.sources, result.sources.dropFirst()).allSatisfy { $0 <= $1 })
            try JSONTokens([UInt8(ascii: "\"")] + escaped + [UInt8(ascii: "\"")]).validate()
        }
    }
}

/// Any JSON value, read by the other parser.
private enum AnyJSON: Decodable {
    case value

    init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            while !list.isAtEnd { _ = try list.decode(AnyJSON.self) }
        }
        self = .value
    }
}
