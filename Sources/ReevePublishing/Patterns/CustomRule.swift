// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A rule of a host's own: what the values of a class look like.
///
///     let badge = try CustomRule("badge", .nationalID, "\\bB-\\d{6}\\b")
public struct CustomRule: Hashable, Sendable {
    /// Its name; findings have `custom.` before it.
    public let name: String
    /// The class of what it finds, which says what stands for it.
    public let kind: DataClass
    /// What its values look like.
    public let pattern: Pattern
    /// How sure it is, from 0.3 to 1: below 0.6 a person decides.
    public let confidence: Double
    /// When there are any, a value is one only where one of these words is in its key or stands near it, in lower case.
    public let words: Set<String>

    /// A rule; throws when its pattern is wrong, its name is not of 1 to 64 letters, digits, `.`, `_` and `-`, or the confidence is out of range.
    public init(
        _ name: String, _ kind: DataClass, _ pattern: String, confidence: Double = 0.9, words: Set<String> = []
    ) throws(CustomRuleError) {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ $0.isWordByte || $0 == 45 || $0 == 46 }) else {
            throw .badName
        }
        guard (SearchRules.reportFrom...1).contains(confidence) else { throw .badConfidence }
        do throws(PatternError) {
            self.pattern = try Pattern(pattern)
        } catch {
            throw .badPattern(error)
        }
        self.name = name
        self.kind = kind
        self.confidence = confidence
        self.words = Set(words.map { $0.lowercased() })
    }
}

/// What is wrong with a rule.
public enum CustomRuleError: Error, Hashable, Sendable {
    /// The name is empty, longer than 64 bytes, or has other characters than letters, digits, `.`, `_` and `-`.
    case badName
    /// The confidence is not from 0.3 to 1.
    case badConfidence
    /// The pattern is wrong.
    case badPattern(PatternError)
}

extension CustomRuleError: CustomStringConvertible {
    /// What is wrong, and in a pattern where.
    public var description: String {
        switch self {
        case .badName: "a rule's name has 1 to 64 letters, digits, `.`, `_` and `-`"
        case .badConfidence: "a rule's confidence is from 0.3 to 1"
        case .badPattern(let error): "\(error)"
        }
    }
}

/// Rules of a host's own, values that are never somebody's, and values that always are.
public struct CustomRules: Hashable, Sendable {
    /// The rules; all of them are tried.
    public let rules: [CustomRule]
    /// Texts that are no finding where they are all of it, whatever rule finds them: the address of one's own support.
    public let allowed: Set<String>
    /// Texts of at least three bytes that are found wherever they stand as words, in upper or lower case, with their classes.
    public let denied: [String: DataClass]

    private let deniedStarts: [UInt32: [[UInt8]]]
    private let deniedKinds: [[UInt8]: DataClass]

    /// No rules.
    public static let none = CustomRules()

    /// Rules; denied texts of less than three bytes are left out.
    public init(rules: [CustomRule] = [], allowing allowed: Set<String> = [], denying denied: [String: DataClass] = [:])
    {
        self.rules = rules
        self.allowed = allowed
        self.denied = denied.filter { $0.key.utf8.count >= 3 }
        var kinds: [[UInt8]: DataClass] = [:]
        for (text, kind) in self.denied { kinds[text.utf8.map(Self.fold)] = kind }
        deniedKinds = kinds
        deniedStarts = Dictionary(grouping: kinds.keys.sorted { $0.count > $1.count }) { Self.start($0[...]) }
    }

    /// Whether there is nothing in it.
    public var isEmpty: Bool { rules.isEmpty && allowed.isEmpty && denied.isEmpty }

    /// What makes two of them the same.
    var canonical: String {
        let rules = rules.map {
            "\($0.name)\u{1}\($0.kind.rawValue)\u{1}\($0.pattern.text)\u{1}\($0.confidence)\u{1}\($0.words.sorted())"
        }
        let denied = denied.map { "\($0.key)\u{1}\($0.value.rawValue)" }.sorted()
        return [rules, allowed.sorted(), denied].map { $0.joined(separator: "\u{2}") }.joined(separator: "\u{3}")
    }

    private static func fold(_ byte: UInt8) -> UInt8 { byte.isUpper ? byte | 0x20 : byte }
    private static func start(_ text: ArraySlice<UInt8>) -> UInt32 {
        text.prefix(3).reduce(0) { $0 << 8 | UInt32(fold($1)) }
    }

    /// Adds what the rules find and what is denied. Complexity: O(bytes) for each rule.
    func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        for rule in rules {
            for range in rule.pattern.matches(in: text) {
                let isNamed =
                    rule.words.isEmpty || context.names(rule.words)
                    || TextWords.names(rule.words, near: range, in: text)
                guard isNamed else { continue }
                found.matches.append(
                    Match(kind: rule.kind, range: range, score: rule.confidence, rule: "custom." + rule.name))
            }
        }
        guard !deniedStarts.isEmpty, text.count >= 3 else { return }
        var position = 0
        while position + 3 <= text.count {
            guard position == 0 || !text[position - 1].isWordByte,
                let forms = deniedStarts[Self.start(text[position...])],
                let form = forms.first(where: { stands($0, in: text, at: position) }), let kind = deniedKinds[form]
            else {
                position += 1
                continue
            }
            found.matches.append(
                Match(kind: kind, range: position..<position + form.count, score: 0.98, rule: "custom.denied"))
            position += form.count
        }
    }

    private func stands(_ form: [UInt8], in text: [UInt8], at position: Int) -> Bool {
        let end = position + form.count
        guard end <= text.count, end == text.count || !text[end].isWordByte else { return false }
        return zip(text[position..<end], form).allSatisfy { Self.fold($0) == $1 }
    }

    /// Whether a text that was found is none.
    func allows(_ text: ArraySlice<UInt8>) -> Bool {
        !allowed.isEmpty && allowed.contains(String(decoding: text, as: UTF8.self))
    }
}
