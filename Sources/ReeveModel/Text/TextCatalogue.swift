// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Texts for end users, by key and named arguments: English is shipped, other languages come from the host.
///
/// A text holds its arguments as `{name}`; `{{` and `}}` stand for braces. What is missing in one language is taken from
/// the language behind it, and a key that is nowhere shows as itself, so that a missing text is seen and nothing fails.
public struct TextCatalogue: Hashable, Sendable, Codable {
    /// The name of a text, such as `plans.limit-reached`.
    public struct Key: Hashable, Sendable, Codable, CodingKeyRepresentable, RawRepresentable {
        /// The name.
        public let rawValue: String
        /// A key by its name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// A key by its name.
        public init(_ name: String) { rawValue = name }
    }

    /// The language, as a tag of BCP 47 such as `en`.
    public let language: String
    private var texts: [Key: String]
    private var fallback: [Key: String]

    /// Texts in a language.
    public init(language: String, texts: [Key: String]) {
        self.language = language
        self.texts = texts
        fallback = [:]
    }

    /// These texts, and where they lack one those of another catalogue.
    public func falling(backOn other: TextCatalogue) -> TextCatalogue {
        var result = self
        result.fallback = fallback.merging(other.fallback.merging(other.texts) { $1 }) { own, _ in own }
        return result
    }

    /// These texts and more of the same language; the new ones win.
    public func adding(_ more: [Key: String]) -> TextCatalogue {
        var result = self
        result.texts.merge(more) { $1 }
        return result
    }

    /// The keys that have a text in this language itself.
    public var keys: Set<Key> { Set(texts.keys) }

    /// A text with its arguments. An argument is put in as it is, braces and all, and never looked into again; one that
    /// is missing stays `{name}`. Escape the result for where it is shown; ``Markup/text(_:)`` does for HTML.
    public func text(_ key: Key, _ arguments: [String: String] = [:]) -> String {
        guard let template = texts[key] ?? fallback[key] else { return key.rawValue }
        // By code points: a combining mark behind a brace makes no other character of it.
        var result = String.UnicodeScalarView()
        var rest = template.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if (scalar == "{" || scalar == "}") && rest.first == scalar {
                rest.removeFirst()
                result.append(scalar)
            } else if scalar == "{", let end = rest.prefix(Self.longestName + 1).firstIndex(of: "}"),
                let value = arguments[String(rest[..<end])]
            {
                result.append(contentsOf: value.unicodeScalars)
                rest = rest[rest.index(after: end)...]
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// The longest name of an argument, in code points.
    private static let longestName = 64
}
