// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Rules of a host's own, values that are never somebody's, and values that always are.
public struct CustomRules: Sendable {
    /// The rules; all of them are tried.
    public let rules: [CustomRule]
    /// Texts that are no finding where they are all of it, whatever rule finds them: the address of one's own support.
    public let allowed: Set<String>
    /// Texts of at least three bytes that are found wherever they stand as words, in upper or lower case, with their classes. White space at their
    /// ends is no matter.
    public let denied: [String: DataClass]

    /// What is allowed, as the detectors read it.
    private let allowedForms: Set<[UInt8]>
    /// What is denied as the detectors read it, by its first three bytes, the longest first.
    private let deniedForms: [UInt32: [(form: [UInt8], kind: DataClass)]]

    /// No rules.
    public static let none = CustomRules()

    private init() { (rules, allowed, denied, allowedForms, deniedForms) = ([], [], [:], [], [:]) }

    /// Rules; throws ``CustomRuleError/badDenial`` where a denied text has less than three bytes.
    public init(
        rules: [CustomRule] = [], allowing allowed: Set<String> = [], denying denied: [String: DataClass] = [:]
    ) throws(CustomRuleError) {
        (self.rules, self.allowed, self.denied) = (rules, allowed, denied)
        allowedForms = Set(allowed.map(Self.read))
        var kinds: [[UInt8]: DataClass] = [:]
        for (text, kind) in denied.sorted(by: { $0.key < $1.key }) {
            // The case of letters that are not in ASCII, and where their marks are, is not told from their bytes.
            let titled = text.split(separator: " ", omittingEmptySubsequences: false).map {
                $0.prefix(1).uppercased() + $0.dropFirst().lowercased()
            }.joined(separator: " ")
            let forms = [text, text.lowercased(), text.uppercased(), titled]
            for text in forms + forms.map(\.decomposed) {
                let form = Self.read(text).map(Self.fold).drop { $0 <= 0x20 }
                let trimmed = Array(form.prefix(form.lastIndex { $0 > 0x20 }.map { $0 + 1 - form.startIndex } ?? 0))
                guard trimmed.count >= 3 else { throw .badDenial }
                kinds[trimmed] = kind
            }
        }
        deniedForms = Dictionary(grouping: kinds.sorted { $0.key.count > $1.key.count }.map { ($0.key, $0.value) }) {
            Self.start($0.0[...])
        }
    }

    /// A text as the detectors read all texts.
    private static func read(_ text: String) -> [UInt8] { FoldedText(Array(text.utf8)).bytes }

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
    ///
    /// A pattern is looked for in the text as it is, too: `\\` before a letter is no escape to the one who wrote it.
    func scan(
        _ folded: FoldedText, masked text: [UInt8], of plain: [UInt8], _ context: DetectionContext,
        _ found: inout Detected, denied rule: String = "custom.denied"
    ) {
        for rule in rules {
            var ranges = rule.pattern.matches(in: text)
            if folded.isChanged { ranges += rule.pattern.matches(in: plain).compactMap(folded.range(of:)) }
            for range in ranges {
                let isNamed =
                    rule.wordSet.isEmpty || context.names(rule.wordSet)
                    || TextWords.names(rule.wordSet, near: range, in: text)
                guard isNamed else { continue }
                found.matches.append(
                    Match(kind: rule.kind, range: range, score: rule.confidence, rule: "custom." + rule.name))
            }
        }
        guard !deniedForms.isEmpty, text.count >= 3 else { return }
        var position = 0
        while position + 3 <= text.count {
            guard
                let denied = deniedForms[Self.start(text[position...])]?.first(where: {
                    stands($0.form, in: text, at: position)
                })
            else {
                position += 1
                continue
            }
            let range = position..<position + denied.form.count
            found.matches.append(Match(kind: denied.kind, range: range, score: 0.98, rule: rule))
            // Another one may begin in it.
            position += 1
        }
    }

    private func stands(_ form: [UInt8], in text: [UInt8], at position: Int) -> Bool {
        let end = position + form.count
        guard end <= text.count,
            end == text.count || !text[end].isWordByte || !form[form.count - 1].isWordByte,
            position == 0 || !text[position - 1].isWordByte || !form[0].isWordByte
        else { return false }
        return zip(text[position..<end], form).allSatisfy { Self.fold($0) == $1 }
    }

    /// Whether a text that was found is none.
    func allows(_ text: ArraySlice<UInt8>) -> Bool {
        !allowedForms.isEmpty && allowedForms.contains(Array(text))
    }
}

extension CustomRules: Hashable {
    /// Whether both have the same rules and lists.
    public static func == (left: Self, right: Self) -> Bool {
        left.rules == right.rules && left.allowed == right.allowed && left.denied == right.denied
    }

    /// Hashes the rules and lists.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(rules)
        hasher.combine(allowed)
        hasher.combine(denied)
    }
}
