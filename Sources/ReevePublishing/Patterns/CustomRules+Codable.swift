// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension CustomRule: Codable {
    private enum CodingKeys: String, CodingKey { case name, kind = "class", pattern, confidence, words }

    /// Reads a rule; `confidence` and `words` may be left out.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            values.decode(String.self, forKey: .name), values.decode(DataClass.self, forKey: .kind),
            values.decode(String.self, forKey: .pattern),
            confidence: values.decodeIfPresent(Double.self, forKey: .confidence) ?? 0.9,
            words: values.decodeIfPresent(Set<String>.self, forKey: .words) ?? [])
    }

    /// Writes all of it, words in order.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(kind, forKey: .kind)
        try values.encode(pattern, forKey: .pattern)
        try values.encode(confidence, forKey: .confidence)
        try values.encode(words.sorted(), forKey: .words)
    }
}

extension CustomRules: Codable {
    private enum CodingKeys: String, CodingKey { case rules, allow, deny }

    private struct Denial: Codable {
        let value: String
        let kind: DataClass
        enum CodingKeys: String, CodingKey { case value, kind = "class" }
    }

    /// Reads rules as ``init(json:)`` does, which tells where something is wrong.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let all = try decoder.container(keyedBy: AnyKey.self)
        if let unknown = all.allKeys.first(where: { CodingKeys(stringValue: $0.stringValue) == nil }) {
            throw DecodingError.dataCorruptedError(forKey: unknown, in: all, debugDescription: "rules have no such key")
        }
        let denials = try values.decodeIfPresent([Denial].self, forKey: .deny) ?? []
        try self.init(
            rules: values.decodeIfPresent([CustomRule].self, forKey: .rules) ?? [],
            allowing: values.decodeIfPresent(Set<String>.self, forKey: .allow) ?? [],
            denying: Dictionary(denials.map { ($0.value, $0.kind) }) { $1 })
    }

    /// Writes all of it, in order.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(rules, forKey: .rules)
        try values.encode(allowed.sorted(), forKey: .allow)
        try values.encode(
            denied.sorted { $0.key < $1.key }.map { Denial(value: $0.key, kind: $0.value) }, forKey: .deny)
    }
}
