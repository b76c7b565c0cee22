// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Words by which a key says that its value could be somebody's: then the value is read, whatever it looks like.
enum TellingWords {
    /// Words of all detectors.
    private static let all: Set<String> = {
        var words = DetectionContext.words.union(DateDetector.birthWords)
        for rules in IDRule.byLength { for (rule, _) in rules { words.formUnion(rule.words) } }
        return words
    }()

    /// Whether a key is one. Complexity: O(bytes); readers keep the answer for each key.
    static func isTelling(_ key: some Sequence<UInt8>) -> Bool {
        let key = Array(key.prefix(257))
        // A longer one is no name.
        guard key.count <= 256 else { return false }
        let text = String(decoding: key, as: UTF8.self)
        let words = DetectionContext.words(of: text)
        if !words.isDisjoint(with: all) || words.contains(where: { $0.hasPrefix("phone") || $0.hasSuffix("phone") }) {
            return true
        }
        let name = SecretName(key)
        return name.kind != .none || ProviderWords.isProvider(name.words)
    }

    /// The answers for the keys of one document.
    struct Cache {
        private var answers: [UInt64: (key: [UInt8], isTelling: Bool)] = [:]

        /// Whether a key is one, by its hash and where it stands.
        mutating func isTelling(_ text: [UInt8], _ range: Range<Int>, _ hash: UInt64) -> Bool {
            if let (key, answer) = answers[hash], key.count == range.count, key.elementsEqual(text[range]) {
                return answer
            }
            let answer = TellingWords.isTelling(text[range])
            answers[hash] = (Array(text[range]), answer)
            return answer
        }
    }
}
