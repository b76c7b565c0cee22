// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What a text holds: matches that do not overlap, and surrogates of Reeve's own pools, which are no findings.
struct Detected {
    var matches: [Match] = []
    /// Matches of classes that stay, apart from the others.
    var kept: [Match] = []
    var surrogates: [(text: String, range: Range<Int>)] = []
    /// Whether escapes stand in each other too often to be read.
    var isTooDeep = false

    var isEmpty: Bool { matches.isEmpty && kept.isEmpty && surrogates.isEmpty }
}

/// Runs all detectors over a text.
enum Detection {
    /// The version of the rules: a recipe that was scrubbed under an older one is not published.
    static let rulesVersion = 6

    /// What stands in a text; a class that is kept takes nothing away from the others.
    static func scan(
        _ piece: TextPiece, by rules: SearchRules = .init(), in known: DetectionContext? = nil
    ) -> Detected {
        let context = known ?? DetectionContext(of: piece)
        var found = scan(whole: piece, rules, context)
        addTagged(piece, rules, context, &found)
        guard !piece.joints.isEmpty, !found.matches.isEmpty || !found.kept.isEmpty else { return found }
        // Of literals that are put together only what reaches over a joint is new, and not what each has for itself:
        // `'a@x.com' + 'b@x.com'` are two.
        let ends = [0] + piece.joints.map(\.at) + [piece.bytes.count]
        var (single, keptSingle): ([Range<Int>], [Range<Int>]) = ([], [])
        for (start, end) in zip(ends, ends.dropFirst()) {
            let part = scan(whole: piece.part(start..<end), rules, context)
            func placed(_ ranges: [Range<Int>]) -> [Range<Int>] {
                ranges.sorted { $0.lowerBound < $1.lowerBound }.map { start + $0.lowerBound..<start + $0.upperBound }
            }
            single += placed(part.matches.map(\.range) + part.surrogates.map(\.range))
            keptSingle += placed(part.kept.map(\.range))
        }
        found.matches.removeAll { !isNew($0.range, in: piece, beside: single) }
        found.kept.removeAll { !isNew($0.range, in: piece, beside: keptSingle) }
        return found
    }

    /// Adds what shows only without the tags of HTML in it: a person decides about it, since the tags would go with it.
    private static func addTagged(
        _ piece: TextPiece, _ rules: SearchRules, _ context: DetectionContext, _ found: inout Detected
    ) {
        guard piece.joints.isEmpty, let text = UntaggedText(piece.bytes) else { return }
        var plain = piece
        plain.bytes = text.bytes
        let seen = scan(whole: plain, rules, context)
        func over(_ matches: [Match]) -> [Match] {
            matches.compactMap { match in
                let range = text.place(match.range)
                guard range.count > match.range.count else { return nil }
                return Match(kind: match.kind, range: range, score: 0.5, rule: match.rule, text: match.text)
            }
        }
        found.matches += over(seen.matches)
        found.kept += over(seen.kept)
    }

    /// Whether a range reaches over a joint, and not only over what its parts have each, or is none of what a part has for itself.
    private static func isNew(_ range: Range<Int>, in piece: TextPiece, beside single: [Range<Int>]) -> Bool {
        let first = single.firstIndex(notBefore: { $0.upperBound <= range.lowerBound })
        let inside = single[first...].prefix { $0.lowerBound < range.upperBound }
        let next = piece.joints(from: range.lowerBound + 1).first
        // `'postc' + 'ode EC2A 1NT'`: the word that tells stands over the joint.
        guard let next, next.at < range.upperBound else { return inside.isEmpty }
        return inside.reduce(0) { $0 + range.clamped(to: $1).count } != range.count
    }

    private static func scan(
        whole piece: TextPiece, _ rules: SearchRules, _ context: DetectionContext
    ) -> Detected {
        var found = Detected()
        guard piece.bytes.count >= rules.shortest else { return found }
        let folded = FoldedText(piece.bytes)
        var text = folded.bytes
        found.isTooDeep = folded.isTooDeep
        found.surrogates = Surrogates.names(in: text)
        rules.known?.scan(text, &found)
        let classes = TextClasses(text)
        SecretDetector.scan(text, &found)
        if classes.hasAt { EmailDetector.scan(text, &found) }
        // The names of parameters are no words of the text: `REPLACE_WITH_PASSPORT_1` says nothing about what stands behind it.
        for (_, range) in found.surrogates where text[range.lowerBound...].starts(with: RecipeParameter.prefix) {
            for place in range { text[place] = RecipeParameter.mask }
        }
        if classes.hasDigit {
            IBANDetector.scan(text, context, &found)
            CardDetector.scan(text, context, &found)
            PhoneDetector.scan(text, context, isCode: piece.role == .formula, &found)
            IDDetector.scan(text, context, &found)
            if !rules.isForScrubbing || DateDetector.mayBeBirth(text, context) {
                DateDetector.scan(text, context, &found)
            }
            if classes.longestRun >= CryptoAddressDetector.shortest { CryptoAddressDetector.scan(text, &found) }
        }
        AssignmentDetector.scan(text, context, classes, &found)
        rules.custom?.scan(folded, masked: text, of: piece.bytes, context, &found)
        rules.taken?.scan(folded, masked: text, of: piece.bytes, context, &found, denied: "taken")
        if classes.hasDigit || classes.colons >= 2 || classes.dashes >= 5 {
            NetworkDetector.scan(text, context, &found)
        }
        if !piece.role.isFixed, !piece.isKey, !piece.isNumber {
            NameDetector.scan(text, context, &found)
            if classes.hasSpace { LegalForms.scan(text, &found) }
        }
        if classes.hasDot { TenantHosts.scan(text, &found) }
        if classes.hasSlash { PlaceDetector.scanFolders(text, &found) }
        if !rules.isForScrubbing { PlaceDetector.scanAddresses(text, &found) }
        if classes.hasDigit, classes.longestRun >= HexDetector.shortest {
            HexDetector.scan(text, &found) { inner in
                var piece = TextPiece(bytes: inner, sources: .row(from: 0), path: piece.path, role: piece.role)
                piece.isKey = true
                return scan(whole: piece, rules, context).matches
            }
        }
        let shown = rules.isForScrubbing ? found.surrogates.sorted { $0.range.lowerBound < $1.range.lowerBound } : []
        let (standIns, secretStandIns) = (
            shown.map(\.range), shown.filter { !Surrogates.mayBePassword($0.text) }.map(\.range)
        )
        found.matches.removeAll { match in
            // A stand-in's digits may have the check of something else.
            match.score < rules.minimum || rules.custom?.allows(folded.bytes[match.range]) ?? false
                || isInside(match.range, match.kind == .secret ? secretStandIns : standIns)
                || rules.isForScrubbing && (match.rule == "date" || match.rule.hasPrefix("url"))
        }
        found.surrogates = found.surrogates.map { ($0.text, folded.place($0.range)) }
        guard !found.matches.isEmpty else { return found }
        func placed(_ matches: [Match]) -> [Match] {
            (rules.isForScrubbing ? merged(matches, in: folded.bytes) : distinct(matches)).map { match in
                Match(
                    kind: match.kind, range: folded.place(match.range), score: match.score, rule: match.rule,
                    text: Array(folded.bytes[match.range]))
            }
        }
        let kept = rules.kept
        guard !kept.isEmpty else {
            found.matches = placed(found.matches)
            return found
        }
        let staying = found.matches.filter { kept.contains($0.kind) }
        found.kept = placed(staying)
        found.matches = placed(
            found.matches.filter { match in
                !kept.contains(match.kind) && !staying.contains { isNumber(match, surely: $0) }
            })
        return found
    }

    /// Whether digits that could be of one class are surely of another: `+49 15…` with the check digit of a card is a telephone's.
    private static func isNumber(_ match: Match, surely other: Match) -> Bool {
        let numbers: Set<DataClass> = [.phone, .paymentCard, .iban]
        return numbers.isSuperset(of: [match.kind, other.kind]) && other.range.clamped(to: match.range) == match.range
            && (other.score, other.range.count) > (match.score, match.range.count)
    }

    /// Whether a range is within one of some ranges, which are in order and do not overlap.
    private static func isInside(_ range: Range<Int>, _ ranges: [Range<Int>]) -> Bool {
        let next = ranges.firstIndex(notBefore: { $0.upperBound < range.upperBound })
        return next < ranges.count && ranges[next].lowerBound <= range.lowerBound
    }

    /// Of matches of one rule that overlap the longest; other rules may see something else there.
    private static func distinct(_ matches: [Match]) -> [Match] {
        var kept: [Match] = []
        for match in matches.sorted(by: {
            ($0.rule, $0.range.lowerBound, -$0.range.upperBound) < ($1.rule, $1.range.lowerBound, -$1.range.upperBound)
        }) {
            if let last = kept.last, last.rule == match.rule, last.range.overlaps(match.range) {
                if match.range.count > last.range.count { kept[kept.count - 1] = match }
            } else {
                kept.append(match)
            }
        }
        return kept.sorted { ($0.range.lowerBound, $1.score) < ($1.range.lowerBound, $0.score) }
    }

    /// Of matches that overlap the surest stays, over all that they cover together; a secret that is all of an address's local part stays
    /// by itself.
    private static func merged(_ matches: [Match], in text: [UInt8]) -> [Match] {
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
            // `https://ghp_…@github.com` is no address.
            let isSecret =
                surer.kind == .secret && (last.kind == .email || match.kind == .email)
                && surer.range.lowerBound == union.lowerBound && surer.range.upperBound < text.count
                && text[surer.range.upperBound] == UInt8(ascii: "@")
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
