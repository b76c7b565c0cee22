// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What the detectors find in a document that was taken apart.
struct Hits {
    /// Something found, and where.
    struct Hit {
        let match: Match
        /// The index of the piece it was found in.
        let piece: Int
        /// Its place in the document.
        let span: Range<Int>

        /// The order of the document, the longer of two at one place first.
        static func isBefore(_ left: Hit, _ right: Hit) -> Bool {
            (left.span.lowerBound, -left.span.upperBound) < (right.span.lowerBound, -right.span.upperBound)
        }
    }

    /// In document order, the longer of two at one place first.
    private(set) var hits: [Hit] = []
    /// What is of a class that stays, in document order.
    private(set) var kept: [Hit] = []
    /// Bytes that the detectors were given.
    private(set) var work = 0
    /// A document with more is not scrubbed.
    private static let maximum = 10_000
    /// Stand-ins that stand in it already.
    private(set) var surrogates: Set<String>

    /// Runs all detectors, but for texts in which the same rules found nothing before. Complexity: O(bytes + hits log hits).
    init(_ reader: DocumentReader, by rules: SearchRules = .init(), clean: inout CleanTexts) throws(BlockReason) {
        surrogates = reader.connections
        var shown = reader.drops.map { reader.place($0.span, in: $0.seal) }
        var contexts = DetectionContext.Cache()
        var gone: Set<Int> = []
        for (index, piece) in reader.pieces.enumerated() where piece.fact != nil || !clean.contains(piece) {
            let found = Detection.scan(piece, by: rules, in: contexts.context(of: piece))
            let isTwice = !piece.joints.isEmpty || piece.bytes.contains(UInt8(ascii: "<"))
            work += isTwice ? 2 * piece.bytes.count : piece.bytes.count
            guard !found.isTooDeep else { throw .tooManyLayers }
            if found.isEmpty { clean.insert(piece) }
            if !piece.isDropped { surrogates.formUnion(found.surrogates.map(\.text)) }
            if !piece.isWhole { shown += found.surrogates.map { reader.place($0.range, of: piece) } }
            if piece.fact != nil, Self.goes(found, of: piece) { gone.insert(index) }
            for match in found.matches {
                hits.append(Hit(match: match, piece: index, span: reader.place(match.range, of: piece)))
            }
            if !piece.isDropped {
                self.kept += found.kept.map { match in
                    Hit(match: match, piece: index, span: reader.place(match.range, of: piece))
                }
            }
            // One value can show in several readings of its text.
            guard max(hits.count, self.kept.count) <= 4 * Self.maximum else { throw .tooManyFindings }
        }
        addSets(of: reader, without: gone, by: rules)
        hits.sort(by: Hit.isBefore)
        self.kept.sort(by: Hit.isBefore)
        hits = Self.withoutWhole(hits, in: reader, where: shown)
        self.kept = Self.withoutWhole(self.kept, in: reader, where: [])
        if rules.isForScrubbing { hits = Self.withoutParts(hits, in: reader) }
        guard max(hits.count, self.kept.count) <= Self.maximum else { throw .tooManyFindings }
    }

    /// Whether all of a text is replaced, or stands for something that was.
    private static func goes(_ found: Detected, of piece: TextPiece) -> Bool {
        let text = piece.bytes
        let start = text.firstIndex(where: { $0 > 0x20 }) ?? 0
        let all = start..<(text.lastIndex(where: { $0 > 0x20 }).map { $0 + 1 } ?? start)
        let standIns = found.surrogates.map(\.range) + Surrogates.names(in: text).map(\.range)
        // A number may have no stand-in.
        let matches = piece.isNumber ? [] : found.matches.filter { $0.score >= Match.replaceFrom }.map(\.range)
        return (standIns + matches).contains { $0.clamped(to: all) == all }
    }

    /// Adds facts that tell who somebody is together with others that stay.
    private mutating func addSets(of reader: DocumentReader, without gone: Set<Int>, by rules: SearchRules) {
        guard rules.minimum <= Self.sureOfSets else { return }
        for (index, set, values) in QuasiIdentifier.complete(in: reader.pieces, without: gone) {
            let piece = reader.pieces[index]
            guard !(rules.custom?.allows(piece.bytes[...]) ?? false) else { continue }
            let match = Match(
                kind: .quasiIdentifier, range: 0..<piece.bytes.count, score: Self.sureOfSets, rule: "set." + set,
                text: values)
            let hit = Hit(match: match, piece: index, span: reader.place(match.range, of: piece))
            if rules.kept.contains(.quasiIdentifier) { kept.append(hit) } else { hits.append(hit) }
        }
    }
    private static let sureOfSets = 0.5

    /// What was found, but for doubts about a part of something that goes as it is: of an account's number in two literals the half.
    ///
    /// The hits are in order.
    private static func withoutParts(_ hits: [Hit], in reader: DocumentReader) -> [Hit] {
        var sure: Range<Int>?
        return hits.filter { hit in
            if hit.match.score >= Match.replaceFrom {
                if !reader.pieces[hit.piece].isWhole, hit.span.upperBound > sure?.upperBound ?? 0 { sure = hit.span }
                return true
            }
            return sure.map { $0.clamped(to: hit.span) != hit.span || $0 == hit.span } ?? true
        }
    }

    /// What was found, but for what was found in a text as a whole where something shows in its parts as well.
    private static func withoutWhole(_ hits: [Hit], in reader: DocumentReader, where shown: [Range<Int>]) -> [Hit] {
        guard hits.contains(where: { reader.pieces[$0.piece].isWhole }) else { return hits }
        let parts = hits.filter { !reader.pieces[$0.piece].isWhole }.map(\.span)
        var covered: [Range<Int>] = []
        for span in (parts + shown).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = covered.last, last.upperBound >= span.lowerBound {
                covered[covered.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                covered.append(span)
            }
        }
        return hits.filter { hit in
            let piece = reader.pieces[hit.piece]
            guard piece.isWhole else { return true }
            var range = hit.match.range
            if hit.match.kind == .email, let at = piece.bytes[range].firstIndex(of: UInt8(ascii: "@")) {
                // `name+'@acme.com'`: a literal that ends an address, and code before it.
                let quote = piece.bytes[range.lowerBound..<at].lastIndex(of: UInt8(ascii: "'"))
                if let quote, quote + 1 == at, quote == range.lowerBound || !piece.bytes[quote - 1].isAlphanumeric {
                    return false
                }
                // What stands before a literal is none of its address.
                if let quote, quote + 1 < at { range = quote + 1..<range.upperBound }
            }
            return !isCovered(range, of: piece, by: covered, reader)
        }
    }

    /// Whether all letters and digits of a range stand in what its parts show, but for the prefixes of literals.
    private static func isCovered(
        _ range: Range<Int>, of piece: TextPiece, by covered: [Range<Int>], _ reader: DocumentReader
    ) -> Bool {
        range.allSatisfy { position in
            let byte = piece.bytes[position]
            guard byte.isAlphanumeric || byte >= 0x80 else { return true }
            let place = reader.place(position..<position + 1, of: piece).lowerBound
            let next = covered.firstIndex(notBefore: { $0.upperBound <= place })
            if next < covered.count, covered[next].lowerBound <= place { return true }
            let isPrefix = position + 1 < piece.bytes.count && "'\"`".utf8.contains(piece.bytes[position + 1])
            return isPrefix && LiteralRun.joins(byte)
        }
    }
}
