// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Words by which a key says that its value could be somebody's: then the value is read, whatever it looks like.
enum TellingWords {
    /// Words of all detectors.
    private static let all: Set<String> = {
        var words = DetectionContext.words.union(QuasiIdentifier.allWords).union(DateDetector.birthWords.words).union(
            NetworkDetector.ipWords.words)
        for entries in IDRule.byLength { for entry in entries { words.formUnion(entry.rule.words.words) } }
        return words
    }()

    /// Whether a key is one. Complexity: O(bytes); readers keep the answer for each key.
    static func isTelling(_ key: some Sequence<UInt8>) -> Bool {
        let key = Array(key.prefix(257))
        // A longer one is no name.
        guard key.count <= 256 else { return false }
        let mayTell = TextWords.contains(in: key) { marks.contains($0) } || TextWords.holds("phone", in: key)
        guard mayTell || SecretName.mayTell(key) else { return false }
        let words = Set(TextWords.of(key))
        if NameDetector.namesPerson(words) || !words.isDisjoint(with: all)
            || QuasiIdentifier.isFact(key) || words.contains(where: { $0.hasPrefix("phone") || $0.hasSuffix("phone") })
        {
            return true
        }
        let name = SecretName(key, isMember: true)
        return name.kind != .none || name.mayBeProviders
    }

    /// Words beside which three digits, or fewer, are somebody's.
    static let ofFew: WordSet = {
        // A trade register needs no other word.
        var words = DateDetector.birthWords.words.union(["hrb", "hra"])
        for entry in IDRule.byLength.joined() where entry.shape.leastDigits <= 3 {
            words.formUnion(entry.rule.words.words)
        }
        return WordSet(words)
    }()

    private static let marks = WordSet(all.union(NameDetector.personWords).union(["name"]))
}
