// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What a detector knows about where a text stands.
struct DetectionContext {
    /// The words of the nearest key and of what stands for one beside it, in lower case.
    let keyWords: Set<String>
    private let keyHashes: [UInt64]
    /// What the key, or what stands for it, says about a secret; nothing about code.
    let name: SecretName?
    /// Whether the text is a literal in code: words in it are those of a program.
    let isInCode: Bool

    /// Nothing.
    static let none = DetectionContext(key: nil, label: nil)

    /// What is known about a piece: of a key, and of what refers to something, nothing.
    init(of piece: TextPiece) {
        guard piece.role != .reference, !piece.isKey else {
            self = .none
            return
        }
        self.init(
            key: piece.path.lastKey.map { Array($0.utf8) }, label: piece.label, isCode: piece.role == .formula,
            isInCode: piece.isInCode)
    }

    private init(key: [UInt8]?, label: [UInt8]?, isCode: Bool = false, isInCode: Bool = false) {
        // A longer one is no name, and neither is a sentence.
        let names = [label.flatMap { Self.isLabel($0) ? $0 : nil }, key.flatMap { $0.count <= 256 ? $0 : nil }]
            .compactMap(\.self)
        keyWords = Set(names.flatMap { TextWords.of($0) })
        keyHashes = keyWords.map { WordSet.hash($0.utf8) }
        name = isCode ? nil : names.first.map { SecretName($0, isMember: true) }
        self.isInCode = isInCode
    }

    /// Whether a text beside a value is the value's name: a few words, in which nothing was replaced.
    static func isLabel(_ text: [UInt8]) -> Bool {
        text.count <= 64 && text.allSatisfy { $0.isWordByte || " -.()[]/".utf8.contains($0) || $0 >= 0x80 }
            && RecipeParameter.find(in: text).isEmpty
    }

    /// What is known by each key, made once.
    struct Cache {
        private struct Place: Hashable {
            let key: [UInt8]
            let isCode: Bool
            let isInCode: Bool
        }

        private var known: [Place: DetectionContext] = [:]

        mutating func context(of piece: TextPiece) -> DetectionContext {
            guard piece.label == nil, piece.role != .reference, !piece.isKey, let key = piece.path.lastKey else {
                return DetectionContext(of: piece)
            }
            let place = Place(key: Array(key.utf8), isCode: piece.role == .formula, isInCode: piece.isInCode)
            if let context = known[place] { return context }
            let context = DetectionContext(of: piece)
            known[place] = context
            return context
        }
    }

    /// Words for what the detectors of contacts and accounts look for.
    static let words = phoneWords.words.union(cardWords.words).union(["iban"])
    private static let phoneWords: WordSet = ["mobile", "cell", "tel", "fax", "whatsapp", "sms", "msisdn"]
    private static let cardWords: WordSet = ["card", "cardnumber", "pan", "creditcard"]

    var suggestsPhone: Bool {
        let isPhone =
            names(Self.phoneWords) || keyWords.contains { $0.hasPrefix("phone") || $0.hasSuffix("phone") }
        // `phone_number_id`, `phone_verified_at`, `sms_count` are about phones, and hold none.
        return isPhone
            && keyWords.isDisjoint(with: ["id", "ids", "at", "count", "verified", "version", "type", "status"])
    }
    var suggestsCard: Bool { names(Self.cardWords) }
    var suggestsIBAN: Bool { keyWords.contains("iban") }

    /// Whether one of some words is one of the key's.
    func names(_ words: WordSet) -> Bool { keyHashes.contains(where: words.contains) }
}
