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
    public var words: Set<String> { wordSet.words }
    let wordSet: WordSet

    /// A rule; throws when its pattern is wrong, its name is not of 1 to 64 letters, digits, `.`, `_` and `-`, the confidence is out of range, or a
    /// word is none.
    public init(
        _ name: String, _ kind: DataClass, _ pattern: String, confidence: Double = 0.9, words: Set<String> = []
    ) throws(CustomRuleError) {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ $0.isWordByte || $0 == 45 || $0 == 46 }) else {
            throw .badName
        }
        guard (SearchRules.reportFrom...1).contains(confidence) else { throw .badConfidence }
        // Two words, or one with a digit, would never be met.
        guard words.allSatisfy({ TextWords.of(Array($0.lowercased().utf8)) == [$0.lowercased()] }) else {
            throw .badWord
        }
        do throws(PatternError) {
            self.pattern = try Pattern(pattern)
        } catch {
            throw .badPattern(error)
        }
        self.name = name
        self.kind = kind
        self.confidence = confidence
        wordSet = WordSet(Set(words.map { $0.lowercased() }))
    }
}

/// What is wrong with a rule.
public enum CustomRuleError: Error, Hashable, Sendable {
    /// The name is empty, longer than 64 bytes, or has other characters than letters, digits, `.`, `_` and `-`.
    case badName
    /// The confidence is not from 0.3 to 1.
    case badConfidence
    /// A word is not of letters only.
    case badWord
    /// A text that is denied has less than three bytes.
    case badDenial
    /// The pattern is wrong.
    case badPattern(PatternError)
}

extension CustomRuleError: CustomStringConvertible {
    /// What is wrong, and in a pattern where.
    public var description: String {
        switch self {
        case .badName: "a rule's name has 1 to 64 letters, digits, `.`, `_` and `-`"
        case .badConfidence: "a rule's confidence is from 0.3 to 1"
        case .badWord: "a word of a rule has letters only; of two words each is one"
        case .badDenial: "a text that is denied has at least three bytes"
        case .badPattern(let error): "\(error)"
        }
    }
}
