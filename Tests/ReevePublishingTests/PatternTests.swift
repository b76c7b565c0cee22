// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// The language of a host's own rules.
@Suite struct PatternTests {
    @Test(arguments: [
        ("abc", "xabcabc", [1..<4, 4..<7]), ("a+", "baaac", [1..<4]), ("a|ab", "ab", [0..<2]),
        ("a?b", "ab b", [0..<2, 3..<4]),
        ("\\bB-\\d{6}\\b", "xB-123456 B-123456 B-1234567", [10..<18]), ("[A-F0-9]{4}", "xAB12z", [1..<5]),
        ("[^\\s,]+", "a b,c", [0..<1, 2..<3, 4..<5]),
        ("^a", "aa", [0..<1]), ("a$", "aa", [1..<2]), ("(?i)acme-\\w+", "ACME-x9 acme-", [0..<7]),
        ("a{2,3}", "aaaaa", [0..<3, 3..<5]), ("a{2,}", "aaaaa", [0..<5]),
        ("(ab|cd)*e", "ababcde", [0..<7]), ("é+", "aéé", [1..<5]), (".", "\na", [1..<2]),
        ("\\.\\*\\[", "x.*[", [1..<4]), ("[]a]+", "x]a", [1..<3]), ("[a-]+", "x-a", [1..<3]),
        ("a\\Bb", "ab", [0..<2]), ("\\t\\n", "\t\n", [0..<2]), ("a.*b|a", "a a", [0..<1, 2..<3]),
    ])
    func matches(_ pattern: String, _ text: String, _ ranges: [Range<Int>]) throws {
        #expect(try Pattern(pattern).matches(in: text) == ranges)
    }

    @Test(arguments: [
        ("a(b", PatternError.Reason.unbalanced, 1, 2), ("a)b", .unbalanced, 1, 2), ("[a", .unbalanced, 1, 1),
        ("*a", .nothingToRepeat, 1, 1), ("a**", .nothingToRepeat, 1, 3),
        ("a+?", .nothingToRepeat, 1, 3), ("^*", .nothingToRepeat, 1, 2), ("a{3,2}", .badRepetition, 1, 2),
        ("a{1001}", .badRepetition, 1, 2), ("a{x}", .badRepetition, 1, 2),
        ("[z-a]", .badClass, 1, 2), ("[é]", .badClass, 1, 2), ("\\q", .badEscape, 1, 1), ("a\\", .badEscape, 1, 2),
        ("(a)\\1", .notLinear, 1, 4), ("(?=a)", .notLinear, 1, 1),
        ("(?<n>a)", .notLinear, 1, 1), ("(a{100}){100}", .tooLarge, 1, 1), ("a*", .matchesNothing, 1, 1),
        ("\\b", .matchesNothing, 1, 1), ("", .matchesNothing, 1, 1),
        ("ab\ncd[z-a]", .badClass, 2, 4), ("é[z-a]", .badClass, 1, 3), ("a}", .unbalanced, 1, 2),
        (String(repeating: "(", count: 200), .tooLarge, 1, 102),
    ])
    func errorsSayWhere(_ pattern: String, _ reason: PatternError.Reason, _ line: Int, _ column: Int) throws {
        let error = #expect(throws: PatternError.self) { try Pattern(pattern) }
        #expect(
            error?.reason == reason && error?.line == line && error?.column == column, "\(String(describing: error))")
        #expect(error?.description.contains("line \(line), column \(column)") ?? false)
    }

    /// What makes others go back over a text again and again takes as many steps for each byte here, whichever way one goes.
    @Test(arguments: [
        ("(a+)+$", false), ("^(a+)+-", true), ("b(a|a)*", true), ("c(a|aa)+-?", true), ("!(\\w+\\s?)+", true),
        ("b(a*)*", true),
        ("(a|a)*b", false), ("(a|aa)+-", false), ("(a*)*-", false),
    ])
    func workIsLinear(_ pattern: String, _ isBefore: Bool) throws {
        func work(_ count: Int) throws -> Int {
            var search = PatternSearch(try Pattern(pattern).program)
            let letters = Array(repeating: UInt8(ascii: "a"), count: count)
            let found = search.matches(in: isBefore ? [UInt8(ascii: "-")] + letters : letters + [UInt8(ascii: "-")])
            #expect(found.count <= 1)
            return search.work
        }
        let (small, large, most) = (try work(4_096), try work(65_536), try work(1 << 20))
        #expect(large <= 17 * small && most <= 17 * large, "\(small) \(large) \(most)")
    }

    /// A search that is not over at once goes through the whole text, so that the test above can fail.
    @Test func theWorkIsDone() throws {
        var search = PatternSearch(try Pattern("b(a|a)*").program)
        #expect(search.matches(in: Array(repeating: UInt8(ascii: "a"), count: 4_096)).isEmpty)
        #expect(search.work > 4_096 * 3)
    }

    /// However long a match is, and however far one looks for a longer one in vain, nothing is hidden.
    @Test(arguments: [
        ("a+", String(repeating: "a", count: 3_000), [0..<3_000]),
        ("x.*y|bc", "x" + String(repeating: "a", count: 3_000) + "bc", [3_001..<3_003]),
        ("x.*y|bc", "x" + String(repeating: "a", count: 3_000) + "bcy", [0..<3_004]),
    ])
    func aMatchHasNoLimit(_ pattern: String, _ text: String, _ ranges: [Range<Int>]) throws {
        #expect(try Pattern(pattern).matches(in: text) == ranges)
    }

    /// A longer match that is looked for behind each one costs nothing more.
    @Test func manyMatchesAreLinear() throws {
        func work(_ count: Int) throws -> Int {
            var search = PatternSearch(try Pattern("a.*b|a").program)
            #expect(search.matches(in: Array(repeating: UInt8(ascii: "a"), count: count)).count == count)
            return search.work
        }
        #expect(try work(65_536) <= 17 * work(4_096))
    }

    /// A match begins and ends with whole characters.
    @Test(arguments: [
        (".", "é€", [0..<2, 2..<5]), (".{2}", "é€🙂", [0..<5]), ("[^a]b", "éb", [0..<3]), ("\\W+", "é-€a", [0..<6]),
        ("é|€", "€é", [0..<3, 3..<5]), ("é{2}", "ééé", [0..<4]), ("\\bé", "é aé –é", [0..<2, 10..<12]),
        ("\\bÖB-\\d\\b", "xÖB-1 ÖB-1", [7..<12]), ("\\bB\\b", "–B– éB", [3..<4]),
    ])
    func charactersAreWhole(_ pattern: String, _ text: String, _ ranges: [Range<Int>]) throws {
        #expect(try Pattern(pattern).matches(in: text) == ranges)
    }

    /// Bytes that are no characters are taken one by one.
    @Test func brokenCharactersAreBytes() throws {
        let text: [UInt8] = [0x80, 0xE2, 0x82, 0x61, 0xC3, 0xA9, 0xA9, 0xF0]
        #expect(
            try Pattern(".").matches(in: text)
                == [0..<1, 1..<2, 2..<3, 3..<4, 4..<6, 6..<7, 7..<8])
    }
}

@Suite struct PatternProperties {
    private indirect enum Tree {
        case letter(Character)
        case set([Character])
        case all([Tree])
        case any([Tree])
        case repeated(Tree, Int, Int?)

        static func random(_ depth: Int, _ generator: inout some RandomNumberGenerator) -> Tree {
            let letters: [Character] = ["a", "b", "c"]
            switch Int.random(in: depth == 0 ? 0...1 : 0...4, using: &generator) {
            case 0: return .letter(letters.randomElement(using: &generator) ?? "a")
            case 1: return .set(letters.filter { _ in Bool.random(using: &generator) } + ["a"])
            case 2:
                return .all((0..<Int.random(in: 1...3, using: &generator)).map { _ in random(depth - 1, &generator) })
            case 3:
                return .any((0..<Int.random(in: 1...3, using: &generator)).map { _ in random(depth - 1, &generator) })
            default:
                let least = Int.random(in: 0...2, using: &generator)
                let most: Int? = Bool.random(using: &generator) ? nil : least + Int.random(in: 1...2, using: &generator)
                return .repeated(random(depth - 1, &generator), least, most)
            }
        }

        var pattern: String {
            switch self {
            case .letter(let letter): String(letter)
            case .set(let letters): "[" + String(letters) + "]"
            case .all(let parts): parts.map(\.pattern).joined()
            case .any(let parts): "(" + parts.map(\.pattern).joined(separator: "|") + ")"
            case .repeated(let inner, let least, let most):
                "(?:\(inner.pattern)){\(least),\(most.map(String.init) ?? "")}"
            }
        }

        /// All ends of matches that begin at a place.
        func ends(_ text: [Character], _ start: Int) -> Set<Int> {
            switch self {
            case .letter(let letter): return start < text.count && text[start] == letter ? [start + 1] : []
            case .set(let letters): return start < text.count && letters.contains(text[start]) ? [start + 1] : []
            case .all(let parts):
                return parts.reduce([start]) { starts, part in
                    starts.reduce(into: []) { $0.formUnion(part.ends(text, $1)) }
                }
            case .any(let parts): return parts.reduce(into: []) { $0.formUnion($1.ends(text, start)) }
            case .repeated(let inner, let least, let most):
                var (found, now, count): (Set<Int>, Set<Int>, Int) = ([], [start], 0)
                if least == 0 { found = now }
                while count < most ?? text.count + 3, !now.isEmpty {
                    now = now.reduce(into: []) { $0.formUnion(inner.ends(text, $1)) }
                    count += 1
                    if count >= least { found.formUnion(now) }
                }
                return found
            }
        }
    }

    /// Random patterns over short texts find what a search does that tries everything.
    @Test func theSearchIsThePlainOne() throws {
        var generator = Scale.current.generator(for: "patterns")
        var matched = 0
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let tree = Tree.random(3, &generator)
            let text = (0..<Int.random(in: 0...10, using: &generator)).map { _ in
                "abc".randomElement(using: &generator) ?? "a"
            }
            guard !tree.ends([], 0).contains(0) else {
                #expect(throws: PatternError.self) { try Pattern(tree.pattern) }
                continue
            }
            var (expected, position): ([Range<Int>], Int) = ([], 0)
            while position < text.count {
                if let end = tree.ends(text, position).max() {
                    expected.append(position..<end)
                    position = end
                } else {
                    position += 1
                }
            }
            matched += expected.isEmpty ? 0 : 1
            #expect(try Pattern(tree.pattern).matches(in: String(text)) == expected, "\(tree.pattern) \(String(text))")
        }
        #expect(matched > 1000)
    }

    /// Random bytes as patterns are compiled or refused, and what is compiled ends.
    @Test func hostilePatternsEnd() {
        var generator = Scale.current.generator(for: "hostile patterns")
        let parts = [
            "a", "b", "(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "\\", "^", "$", ".", "-", "\\d", "{2,3}", "(?:",
            "(?i)", "é", "\u{0}", "[^", "\\b", "1", ",",
        ]
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let pattern = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            guard let compiled = try? Pattern(pattern) else { continue }
            for match in compiled.matches(in: "ab(1)é-a\n") { #expect(!match.isEmpty) }
        }
    }
}
