// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// However a document is written, the bytes that are read of it in all layers and passes are bounded by a constant times its own.
@Suite struct WorkProperties {
    /// Documents of about a size that are made to be read often.
    private struct Family: CustomTestStringConvertible {
        let testDescription: String
        let format: RecipeFormat
        let make: @Sendable (Int) -> String

        init(_ name: String, _ format: RecipeFormat, _ make: @escaping @Sendable (Int) -> String) {
            testDescription = name
            self.format = format
            self.make = make
        }

        /// One text in a recipe, repeated to a size.
        static func text(_ name: String, _ part: String, start: String = "", end: String = "") -> Family {
            Family(name, .workato) { size in
                recipe(start + String(repeating: part, count: max(1, size / part.utf8.count)) + end)
            }
        }

        /// One parameter of a workflow's step, repeated to a size.
        static func code(_ name: String, _ key: String, _ part: String, start: String = "", end: String = "") -> Family
        {
            Family(name, .n8n) { size in
                let text = start + String(repeating: part, count: max(1, size / part.utf8.count)) + end
                return
                    #"{"nodes":[{"name":"A","type":"t","parameters":{"\#(key)":"\#(json(text))"}}],"connections":{}}"#
            }
        }

        static func recipe(_ text: String) -> String {
            #"{"code":{"keyword":"trigger","input":{"m":"\#(json(text))"}},"config":[]}"#
        }
        static func json(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }
    }

    private static let families: [Family] = [
        .text("plain", "the quick brown fox "), .text("at signs", "@"), .text("short addresses", "a@a."),
        .text("digits", "1"),
        .text("digits apart", "1-1 "), .text("words of base 64", "aGVsbG8gd29ybGQ "),
        .text("one run of base 64", "aGVsbG8g"),
        .text("lines of base 64", "//////////////////////////////////////\n"),
        .text("readable lines, then none", "aGVsbG8gd29ybGQgYW5kIG1v\n", end: "////////////////////////"),
        .text("percent codes", "%2525"), .text("entities", "&amp;"), .text("backslashes", "\\"),
        .text("escapes", "\\u0041"),
        .text("interpolations", "#{"), .text("pills without end", "_('a"), .text("pills", "#{_('a.b')} "),
        .text("prefixes of keys", "sk-proj-"), .text("private keys", "-----BEGIN PRIVATE KEY-----"),
        .text("heredocs", "<<~A\n", start: "="), .text("percent literals", "%w(", start: "="),
        .text("literals", "'a'+", start: "=", end: "'a'"),
        .text("quotes", "'\"", start: "="), .text("brackets", "[", start: "=x"),
        .code("templates", "text", "{{", start: "="), .code("expressions", "text", "{{ 'a' }}", start: "="),
        .code("comments", "jsCode", "/*"), .code("comments in lines", "jsCode", "// 'a' + // 'b'\n"),
        .code("slashes", "jsCode", "/ "),
        .code("template literals", "jsCode", "`${"), .code("braces of Python", "pythonCode", "f'{"),
        .code("members", "jsCode", "a['b' + "), .code("spaces", "jsCode", "'a'          "),
        Family("numbers", .plainJSON) {
            "[" + Array(repeating: "12345678901", count: $0 / 12).joined(separator: ",") + "]"
        },
        Family("keys", .plainJSON) { size in "{" + (0..<size / 12).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        },
        Family("deep", .plainJSON) { size in
            String(repeating: "[", count: 250) + Array(repeating: "\"a b@c\"", count: size / 8).joined(separator: ",")
                + String(repeating: "]", count: 250)
        },
        Family("documents in each other", .plainJSON) { size in
            var text = "{\"a\":\"" + String(repeating: "x ", count: size / 4) + "\"}"
            while text.utf8.count < size { text = "{\"a\":\"\(Family.json(text))\"}" }
            return text
        },
        Family("base 64 in each other", .plainJSON) { size in
            var text = String(repeating: "a b ", count: size / 32)
            while text.utf8.count * 4 / 3 < size { text = "see " + Data(text.utf8).base64EncodedString() }
            return "[\"\(text)\"]"
        },
        Family("no document after all", .plainJSON) { size in
            "[" + Array(repeating: "\"{\\\"a\\\":[1,2,3\"", count: size / 18).joined(separator: ",") + "]"
        },
        Family("copies of an id", .n8n) { size in
            let texts = Array(repeating: "\"see 9f86d081-884c-4d63-a1b2 x\"", count: size / 34).joined(separator: ",")
            return
                #"{"nodes":[{"name":"A","type":"t","webhookId":"9f86d081-884c-4d63-a1b2","parameters":{"a":[\#(texts)]}}],"connections":{}}"#
        },
        Family("ids that begin alike", .n8n) { size in
            let nodes = (0..<size / 90).map {
                #"{"name":"A\#($0)","type":"t","webhookId":"9f86d081-\#(100_000 + $0)","parameters":{}}"#
            }
            return
                #"{"nodes":[\#(nodes.joined(separator: ","))],"connections":{"a":"\#(String(repeating: "9f86d081", count: size / 32))"}}"#
        },
    ]

    /// The constant: bytes read for each byte of input, at most.
    private static let most = 48

    /// Bytes of input and bytes read; a document that is refused for its findings was not read to the end.
    private func work(_ family: Family, _ size: Int, by rules: SearchRules = .init()) throws -> (input: Int, read: Int)
    {
        let document = Array(family.make(size).utf8)
        let limits = JSONTokens.Limits(bytes: max(8 << 20, 2 * document.count))
        do throws(BlockReason) {
            let reading = try Reading(document, family.format, limits, by: rules)
            var pool = Surrogates(occupied: reading.found.surrogates)
            let pass = FirstPass(reading, &pool)
            return (document.count, try pass.work + SecondPass.check(pass, family.format, limits, by: rules))
        } catch {
            switch error {
            case .tooManyFindings, .tooManyLayers, .survivor: return (document.count, 0)
            default: throw error
            }
        }
    }

    @Test func bytesReadAreBounded() throws {
        var worst: (ratio: Int, name: String) = (0, "")
        for family in Self.families {
            for size in Scale.current.isSoak ? [1000, 64_000, 4 << 20, 64 << 20] : [1000, 64_000, 1 << 20] {
                let start = ContinuousClock.now
                let (input, read) = try work(family, size)
                let ratio = (read + input - 1) / input
                #expect(ratio <= Self.most, "\(family.testDescription), \(input) bytes: \(read) read")
                if ratio > worst.ratio { worst = (ratio, family.testDescription) }
                if Scale.current.isSoak {
                    print("\(family.testDescription) \(input) bytes: \(ratio) times, \(start.duration(to: .now))")
                }
            }
        }
        print("work: at most \(worst.ratio) bytes read for each byte (\(worst.name))")
        #expect(worst.ratio > 3)
    }

    /// The constant where no string is passed over.
    private static let mostThoroughly = 160

    /// Where a value stands elsewhere without the word that told it, a document is read once more, with all its strings; with identities that a
    /// host knows and with rules of its own it is always read so.
    @Test func bytesReadThoroughlyAreBounded() throws {
        var rules = SearchRules()
        rules.taken = try CustomRules(denying: ["told elsewhere": .person])
        var worst = 0
        for family in Self.families {
            for size in [1000, 64_000, 1 << 20] {
                let (input, read) = try work(family, size, by: rules)
                let ratio = (read + input - 1) / input
                #expect(ratio <= Self.mostThoroughly, "\(family.testDescription), \(input) bytes: \(read) read")
                worst = max(worst, ratio)
            }
        }
        print("work: at most \(worst) bytes read for each byte, with all strings")
        #expect(worst > 3)
    }
}
