// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A pattern for values in a text, in a language whose search never goes back.
///
///     let number = try Pattern("(?i)\\bacme-\\d{4,6}\\b")
///
/// It knows letters as they are, `.`, classes (`[A-F0-9]`, `[^"]`), `\d`, `\w`, `\s` and what is not (`\D`, `\W`, `\S`), `\b` and `\B` (where a
/// word of any script begins or ends),
/// `^` and `$` for the ends of the text, groups, `|`, and `?`, `*`, `+`, `{n}`, `{n,}`, `{n,m}` with at most 1,000 repetitions. `(?i)` at the
/// beginning takes upper for lower case, in ASCII. What needs more than the present state (references to groups, looking ahead or behind) is an
/// error. A character is one of Unicode (a scalar); a class holds ASCII only, and a class of what it is not takes all other characters.
///
/// The leftmost match is found, and the longest of those, however long it is. Complexity: O(bytes · states) for all matches of a text, whatever
/// the pattern is, with at most 2,000 states.
public struct Pattern: Sendable {
    /// The pattern as it was written.
    public let text: String
    let program: PatternProgram

    /// Compiles a pattern; throws where it is wrong.
    public init(_ text: String) throws(PatternError) {
        var parser = PatternParser(text)
        let tree = try parser.parse()
        self.text = text
        program = try PatternProgram(tree)
    }

    /// One of Reeve's own patterns, which is known to be right.
    init(known text: StaticString) {
        do throws(PatternError) {
            try self.init(text.description)
        } catch {
            preconditionFailure("the pattern \(text): \(error)")
        }
    }

    /// Where it matches in a text, as ranges of UTF-8 offsets that do not overlap, in order.
    public func matches(in text: String) -> [Range<Int>] { matches(in: Array(text.utf8)) }

    func matches(in text: [UInt8]) -> [Range<Int>] {
        var search = PatternSearch(program)
        return search.matches(in: text)
    }
}

extension Pattern: Hashable {
    /// Whether both are written alike.
    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    /// Hashes it as it is written.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension Pattern: Codable {
    /// Reads a pattern as it is written.
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    /// Writes a pattern as it was read.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// What is wrong with a pattern, and where.
public struct PatternError: Error, Hashable, Sendable {
    /// What is wrong.
    public enum Reason: String, Hashable, Sendable {
        /// A group or a class is not closed, or closed where none is open.
        case unbalanced
        /// Nothing stands before a repetition, or two stand beside each other.
        case nothingToRepeat
        /// A repetition of more than 1,000, or of less than its least.
        case badRepetition
        /// A range of a class goes backwards, or it holds what is not ASCII, or nothing.
        case badClass
        /// A backslash before what needs none, or at the end.
        case badEscape
        /// A reference to a group, looking ahead or behind, or another extension that takes more than linear time.
        case notLinear
        /// It has more than 2,000 states, or groups within 100 others.
        case tooLarge
        /// It matches nothing at all, and would do so everywhere.
        case matchesNothing
    }

    /// What is wrong.
    public let reason: Reason
    /// Where, counted from 1.
    public let line: Int
    /// Where in the line, in characters counted from 1.
    public let column: Int

    /// Where in the bytes of the pattern.
    let offset: Int

    /// An error at an offset in the bytes of a text.
    init(_ reason: Reason, _ text: some Collection<UInt8>, at offset: Int) {
        self.reason = reason
        self.offset = offset
        let lines = text.prefix(offset).split(separator: 0x0A, omittingEmptySubsequences: false)
        line = max(1, lines.count)
        column = (lines.last.map { String(decoding: $0, as: UTF8.self).count } ?? 0) + 1
    }
}

extension PatternError: CustomStringConvertible {
    /// What is wrong, and where.
    public var description: String { "line \(line), column \(column): \(reason.text)" }
}

extension PatternError.Reason {
    /// What is wrong, in words.
    var text: String {
        switch self {
        case .unbalanced: "a bracket or parenthesis has no other half"
        case .nothingToRepeat: "nothing stands before the repetition"
        case .badRepetition: "a repetition is of at most 1,000, the least first"
        case .badClass: "a class holds ASCII characters and ranges from the lower to the higher"
        case .badEscape: "a backslash stands before what needs none"
        case .notLinear:
            "this would not be found in linear time; only groups, classes, repetitions and alternatives are"
        case .tooLarge: "the pattern has more than 2,000 states or groups within 100 others"
        case .matchesNothing: "the pattern matches an empty text, which stands everywhere"
        }
    }
}
