// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What a detector knows about where a text stands.
struct DetectionContext {
    /// The words of the nearest key, in lower case.
    let keyWords: Set<String>

    init(path: JSONPath) {
        // A longer key is no name.
        keyWords = path.lastKey.map { $0.utf8.count <= 256 ? Self.words(of: $0) : [] } ?? []
    }

    var suggestsPhone: Bool {
        let names = ["mobile", "cell", "tel", "fax", "whatsapp", "sms", "msisdn"]
        let isPhone = keyWords.contains { names.contains($0) || $0.hasPrefix("phone") || $0.hasSuffix("phone") }
        // `phone_number_id`, `phone_verified_at`, `sms_count` are about phones, and hold none.
        return isPhone
            && keyWords.isDisjoint(with: ["id", "ids", "at", "count", "verified", "version", "type", "status"])
    }
    var suggestsCard: Bool { !keyWords.isDisjoint(with: ["card", "cardnumber", "pan", "creditcard"]) }
    var suggestsIBAN: Bool { keyWords.contains("iban") }

    /// The words of a name in camel case, snake case or kebab case, in lower case.
    static func words(of name: String) -> Set<String> {
        var (words, word): (Set<String>, [UInt8]) = ([], [])
        var wasLower = false
        func end() {
            if !word.isEmpty { words.insert(String(decoding: word, as: UTF8.self)) }
            word = []
        }
        for byte in name.utf8 {
            let isLetter = byte.isLetter || byte >= 0x80
            if !isLetter || (wasLower && byte.isUpper) { end() }
            if isLetter { word.append(byte.isUpper ? byte | 0x20 : byte) }
            wasLower = isLetter && !byte.isUpper
        }
        end()
        return words
    }
}

/// What a text holds: matches that do not overlap, and surrogates of Reeve's own pools, which are no findings.
struct Detected {
    var matches: [Match] = []
    /// Matches of classes that stay, apart from the others.
    var kept: [Match] = []
    var surrogates: [(text: String, range: Range<Int>)] = []
    /// Whether escapes stand in each other too often to be read.
    var isTooDeep = false
}

/// Runs all detectors over a text.
enum Detection {
    /// The version of the rules: a recipe that was scrubbed under an older one is not published.
    static let rulesVersion = 2

    /// What stands in a text; a class that is kept takes nothing away from the others.
    static func scan(_ piece: TextPiece, keeping kept: Set<DataClass> = []) -> Detected {
        var found = scan(whole: piece, kept)
        guard !piece.joints.isEmpty, !found.matches.isEmpty else { return found }
        // Of literals that are put together only what reaches over a joint is new, and not what each has for itself:
        // `'a@x.com' + 'b@x.com'` are two.
        let ends = [0] + piece.joints.map(\.at) + [piece.bytes.count]
        let single = zip(ends, ends.dropFirst()).flatMap { start, end in
            let part = scan(whole: piece.part(start..<end), kept)
            let ranges = (part.matches.map(\.range) + part.surrogates.map(\.range)).sorted {
                $0.lowerBound < $1.lowerBound
            }
            return ranges.map { start + $0.lowerBound..<start + $0.upperBound }
        }
        found.matches.removeAll { match in
            let next = piece.joints(from: match.range.lowerBound + 1).first
            guard let next, next.at < match.range.upperBound else { return true }
            let first = single.firstIndex(notBefore: { $0.upperBound <= match.range.lowerBound })
            let inside = single[first...].prefix { $0.lowerBound < match.range.upperBound }
            return inside.reduce(0) { $0 + match.range.clamped(to: $1).count } == match.range.count
        }
        return found
    }

    private static func scan(whole piece: TextPiece, _ kept: Set<DataClass>) -> Detected {
        var found = Detected()
        guard piece.bytes.count >= 6 else { return found }
        let folded = FoldedText(piece.bytes)
        let text = folded.bytes
        found.isTooDeep = folded.isTooDeep
        SecretDetector.scan(text, &found)
        if text.contains(UInt8(ascii: "@")) { EmailDetector.scan(text, &found) }
        if text.contains(where: \.isDigit) {
            let context = DetectionContext(path: piece.role == .reference ? JSONPath() : piece.path)
            IBANDetector.scan(text, context, &found)
            CardDetector.scan(text, context, &found)
            PhoneDetector.scan(text, context, isCode: piece.role == .formula, &found)
        }
        found.surrogates = found.surrogates.map { ($0.text, folded.place($0.range)) }
        guard !found.matches.isEmpty else { return found }
        func placed(_ matches: [Match]) -> [Match] {
            merged(matches).map { match in
                Match(
                    kind: match.kind, range: folded.place(match.range), score: match.score, rule: match.rule,
                    text: Array(text[match.range]))
            }
        }
        let all = found.matches
        found.matches = placed(kept.isEmpty ? all : all.filter { !kept.contains($0.kind) })
        if !kept.isEmpty {
            found.kept = placed(all.filter { kept.contains($0.kind) }).filter { match in
                !found.matches.contains { $0.range.overlaps(match.range) }
            }
        }
        return found
    }

    /// Of matches that overlap the surest stays, over all that they cover together; a secret in an address's local
    /// part stays by itself.
    private static func merged(_ matches: [Match]) -> [Match] {
        let ordered = matches.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var kept: [Match] = []
        for match in ordered {
            guard let last = kept.last, last.range.overlaps(match.range) else {
                kept.append(match)
                continue
            }
            let surer = (match.score, match.range.count) > (last.score, last.range.count) ? match : last
            let union =
                min(last.range.lowerBound, match.range.lowerBound)..<max(last.range.upperBound, match.range.upperBound)
            let isSecret = surer.kind == .secret && (last.kind == .email || match.kind == .email)
            kept[kept.count - 1] = Match(
                kind: surer.kind, range: isSecret ? surer.range : union, score: surer.score, rule: surer.rule)
        }
        return kept
    }
}

/// Classes of bytes.
extension UInt8 {
    var isDigit: Bool { (48...57).contains(self) }
    var isLetter: Bool { (97...122).contains(self | 0x20) && self < 0x80 }
    var isUpper: Bool { (65...90).contains(self) }
    var isAlphanumeric: Bool { isDigit || isLetter }
    /// An ASCII letter, digit or `_`: a digit next to one belongs to a name.
    var isWordByte: Bool { isAlphanumeric || self == 95 }
}
