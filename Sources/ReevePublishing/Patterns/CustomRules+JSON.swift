// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension CustomRules {
    /// Reads rules from JSON; what is wrong is told with its line and column.
    ///
    ///     {
    ///       "rules": [{"name": "badge", "class": "national id", "pattern": "\\bB-\\d{6}\\b", "words": ["badge"]}],
    ///       "allow": ["support@acme.com"],
    ///       "deny": [{"value": "Project Falcon", "class": "organization"}]
    ///     }
    ///
    /// `confidence` and `words` may be left out, and so may each of the three lists. A key that is not known is an error: what somebody meant to
    /// forbid would be let through.
    public init(json text: some Sequence<UInt8>) throws(CustomRulesError) {
        var reader = try CustomRulesReader(Array(text))
        self = try reader.read()
    }
}

/// What is wrong with a file of rules, and where.
public struct CustomRulesError: Error, Hashable, Sendable {
    /// What is wrong.
    public let reason: String
    /// Where, counted from 1.
    public let line: Int
    /// Where in the line, in characters counted from 1.
    public let column: Int

    init(_ reason: String, _ text: [UInt8], at offset: Int) {
        let place = PatternError(.unbalanced, text, at: offset)
        (self.reason, line, column) = (reason, place.line, place.column)
    }
}

extension CustomRulesError: CustomStringConvertible {
    /// What is wrong, and where.
    public var description: String { "line \(line), column \(column): \(reason)" }
}

/// Reads a file of rules, token by token.
private struct CustomRulesReader {
    private let text: [UInt8]
    private var tokens: [JSONTokens.Token] = []
    private var position = 0

    init(_ text: [UInt8]) throws(CustomRulesError) {
        self.text = text
        var all: [JSONTokens.Token] = []
        do throws(JSONError) {
            try JSONTokens(text, limits: .init(bytes: 1 << 20, depth: 8)).forEach { token, _ in all.append(token) }
        } catch {
            throw CustomRulesError("this is no JSON: \(error.code)", text, at: error.offset)
        }
        tokens = all
    }

    private func error(_ reason: String) -> CustomRulesError {
        CustomRulesError(reason, text, at: position < tokens.count ? tokens[position].range.lowerBound : text.count)
    }

    private var next: JSONTokens.Token.Kind? { position < tokens.count ? tokens[position].kind : nil }

    private mutating func take(_ kind: JSONTokens.Token.Kind, _ name: String) throws(CustomRulesError)
        -> JSONTokens.Token
    {
        guard next == kind else { throw error("here has to be \(name)") }
        position += 1
        return tokens[position - 1]
    }

    private func content(of token: JSONTokens.Token) -> (text: String, sources: [Int]) {
        // The tokeniser has checked the escapes.
        let decoded = try? JSONText.unescapeWithOffsets(text[token.content], at: token.content.lowerBound)
        return (decoded.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "", decoded?.sources ?? [])
    }

    /// Reads the members of an object, whose values the body reads.
    private mutating func members(
        _ keys: Set<String>, _ body: (String, inout Self) throws(CustomRulesError) -> Void
    ) throws(CustomRulesError) {
        _ = try take(.objectStart, "an object")
        while next == .key {
            let key = content(of: tokens[position]).text
            guard keys.contains(key) else {
                throw error("the key is not known; there are \(keys.sorted().joined(separator: ", "))")
            }
            position += 1
            try body(key, &self)
        }
        _ = try take(.objectEnd, "the end of the object")
    }

    private mutating func elements(_ body: (inout Self) throws(CustomRulesError) -> Void) throws(CustomRulesError) {
        _ = try take(.arrayStart, "an array")
        while next != .arrayEnd, next != nil { try body(&self) }
        _ = try take(.arrayEnd, "the end of the array")
    }

    private mutating func string() throws(CustomRulesError) -> String {
        content(of: try take(.string, "a string")).text
    }

    private mutating func kind() throws(CustomRulesError) -> DataClass {
        let start = position
        guard let kind = DataClass(rawValue: try string()) else {
            position = start
            throw error(
                "the class is not known; there are \(DataClass.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return kind
    }

    mutating func read() throws(CustomRulesError) -> CustomRules {
        var (rules, allowed, denied): ([CustomRule], Set<String>, [String: DataClass]) = ([], [], [:])
        try members(["rules", "allow", "deny"]) { (key, reader) throws(CustomRulesError) in
            switch key {
            case "rules": try reader.elements { (reader) throws(CustomRulesError) in rules.append(try reader.rule()) }
            case "allow":
                try reader.elements { (reader) throws(CustomRulesError) in allowed.insert(try reader.string()) }
            default:
                try reader.elements { (reader) throws(CustomRulesError) in
                    let (value, kind) = try reader.denial()
                    denied[value] = kind
                }
            }
        }
        do throws(CustomRuleError) {
            return try CustomRules(rules: rules, allowing: allowed, denying: denied)
        } catch {
            throw self.error("\(error)")
        }
    }

    private mutating func denial() throws(CustomRulesError) -> (String, DataClass) {
        let start = position
        var value: String?
        var kind: DataClass?
        try members(["value", "class"]) { (key, reader) throws(CustomRulesError) in
            if key == "value" { value = try reader.string() } else { kind = try reader.kind() }
        }
        guard let value, let kind, (try? CustomRules(denying: [value: kind])) != nil else {
            position = start
            throw error("what is denied has a `value` of at least three bytes and a `class`")
        }
        return (value, kind)
    }

    private mutating func rule() throws(CustomRulesError) -> CustomRule {
        let start = position
        var name: String?
        var kind: DataClass?
        var pattern: (text: String, sources: [Int])?
        var words: Set<String> = []
        var confidence = 0.9
        try members(["name", "class", "pattern", "confidence", "words"]) { (key, reader) throws(CustomRulesError) in
            switch key {
            case "name": name = try reader.string()
            case "class": kind = try reader.kind()
            case "pattern": pattern = reader.content(of: try reader.take(.string, "a string"))
            case "confidence":
                let token = try reader.take(.number, "a number")
                confidence = Double(String(decoding: reader.text[token.range], as: UTF8.self)) ?? 0
            default: try reader.elements { (reader) throws(CustomRulesError) in words.insert(try reader.string()) }
            }
        }
        guard let name, let kind, let pattern else {
            position = start
            throw error("a rule has a `name`, a `class` and a `pattern`")
        }
        do throws(CustomRuleError) {
            return try CustomRule(name, kind, pattern.text, confidence: confidence, words: words)
        } catch {
            guard case .badPattern(let wrong) = error, wrong.offset < pattern.sources.count else {
                position = start
                throw self.error("\(error)")
            }
            throw CustomRulesError(wrong.reason.text, text, at: pattern.sources[wrong.offset])
        }
    }
}
