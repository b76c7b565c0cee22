// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Finds, decides, replaces and splices: the input's own bytes with edits in them.
struct FirstPass {
    let input: [UInt8]
    let reader: DocumentReader
    let findings: [ScrubFinding]
    let dropped: [DroppedValue]
    let edits: [ScrubReport.Edit]
    var output: [UInt8]
    /// Whether something was found that shares only a part with something else that goes.
    let isTangled: Bool
    /// The values that were taken out, decoded.
    let originals: [[UInt8]]
    /// What detectors found and a stand-in was put for, with its place in the input.
    private let replaced: [(match: Match, span: Range<Int>)]

    /// In which of its texts nothing was.
    let clean: CleanTexts
    /// Bytes read, in all layers.
    let work: Int
    /// What was found and left where it is, with how often: the second pass may find it again.
    let left: [Place: Int]

    /// Where a rule found something.
    struct Place: Hashable {
        let path: JSONPath
        let rule: String
    }

    /// Decides about a document that was taken apart, with stand-ins from a pool that several documents may share.
    init(_ reading: Reading, _ pool: inout Surrogates, review: ReviewedScrub? = nil) {
        let (input, reader, hits) = (reading.input, reading.reader, reading.found.hits)
        self.input = input
        self.reader = reader
        clean = reading.clean
        var edits = EditTree(reader, input)
        for drop in reader.drops {
            let replacement = drop.replacement(&pool)
            edits.add(.init(range: drop.span, label: drop.role.rawValue, replacement: replacement), in: drop.seal)
        }
        var renaming = Renaming(reader)
        let decisions = hits.map { hit -> (action: ScrubFinding.Action, replacement: [UInt8]?) in
            let piece = reader.pieces[hit.piece]
            let decision = Self.decide(hit.match, piece, &pool)
            if piece.isName {
                renaming.note(hit.match, replacement: decision.1, in: hit.piece)
            }
            return decision
        }
        for hit in reading.found.kept where reader.pieces[hit.piece].isName { renaming.noteKept(in: hit.piece) }
        for edit in renaming.edits(of: input) { edits.add(edit, in: nil) }
        // Ids are looked for in the output as well.
        var (findings, originals): ([ScrubFinding], [[UInt8]]) = ([], reader.ids)
        var left: [Place: Int] = [:]
        for (hit, decision) in zip(hits, decisions) {
            let (piece, match) = (reader.pieces[hit.piece], hit.match)
            let isRenamed = renaming.changes(hit.piece)
            var action = isRenamed && decision.action == .blocked ? .replaced : decision.action
            var fingerprint: Fingerprint?
            if action == .review, let review {
                fingerprint = review.review.fingerprint(of: match.kind, match.text)
                // A key that fails approves nothing.
                if let fingerprint, review.approved.contains(fingerprint) { action = .approved }
            }
            if action != .dropped, !isRenamed {
                edits.add(match, in: piece, replacement: decision.replacement)
            }
            switch action {
            case .replaced: originals.append(match.text)
            case .dropped: if match.score >= Match.replaceFrom { originals.append(match.text) }
            case .review, .approved, .kept, .blocked: left[Place(path: piece.path, rule: match.rule), default: 0] += 1
            }
            // Literals that are joined in more than one way show the same value more than once.
            if !piece.joints.isEmpty, let last = findings.last, last.span == hit.span, last.rule == match.rule {
                continue
            }
            findings.append(
                ScrubFinding(
                    kind: match.kind, path: piece.path, role: piece.role, span: hit.span,
                    rule: match.rule, score: match.score, action: action, fingerprint: fingerprint))
        }
        for hit in reading.found.kept {
            let (piece, match) = (reader.pieces[hit.piece], hit.match)
            // A page masks it.
            edits.add(match, in: piece, replacement: nil)
            findings.append(
                ScrubFinding(
                    kind: match.kind, path: piece.path, role: piece.role, span: hit.span, rule: match.rule,
                    score: match.score, action: .kept, fingerprint: nil))
        }
        if !reading.found.kept.isEmpty {
            findings.sort { ($0.span.lowerBound, -$0.span.upperBound) < ($1.span.lowerBound, -$1.span.upperBound) }
        }
        // Values that were found, also those that were left, and ids that go must not show in a path; nor keys in which anything was found.
        let all = hits + reading.found.kept
        // Of a set each value by itself.
        let values = all.map { $0.match.kind == .quasiIdentifier ? reader.pieces[$0.piece].bytes : $0.match.text }
        let list = DenyList(values + reader.ids)
        var keys = Set(all.map { reader.pieces[$0.piece] }.filter(\.isKey).map(\.path))
        keys.formUnion(Self.shortKeys(in: all, of: reader))
        for index in findings.indices { findings[index].path = findings[index].path.masked(list, keys) }
        dropped = reader.drops.map {
            DroppedValue(path: $0.path.masked(list, keys), role: $0.role, span: reader.place($0.span, in: $0.seal))
        }
        self.findings = findings
        self.edits = edits.resolved()
        isTangled = edits.isTangled
        self.originals = originals
        replaced = zip(hits, decisions).filter { $1.action == .replaced }.map { hit, _ in (hit.match, hit.span) }
        self.left = left
        work = reader.work + reading.found.work
        output = EditTree.splice(input, self.edits)
    }

    /// Rules that find what was replaced wherever else it stands, where it is long enough to be told from other text; `nil` when there are none.
    ///
    /// With what is packed, the whole of a text in base 64 that something was replaced in: packed again it may look like a secret.
    func taken(withPacked: Bool) -> CustomRules? {
        var values = replaced.map { ($0.match.text, $0.match.kind) }
        if withPacked {
            values += replaced.map { (Array(input[$0.span]), $0.match.kind) }.filter { Base64Text.isAll($0.0) }
        }
        let texts = values.filter { $0.0.count >= DenyList.shortest }.map { (String(decoding: $0, as: UTF8.self), $1) }
        let rules = try? CustomRules(denying: Dictionary(texts) { first, _ in first })
        return rules?.isEmpty == false ? rules : nil
    }

    /// Paths to keys that are a value of a set, which may be too short for a list.
    private static func shortKeys(in hits: [Hits.Hit], of reader: DocumentReader) -> Set<JSONPath> {
        let facts = hits.filter { $0.match.kind == .quasiIdentifier }.map { reader.pieces[$0.piece] }
        let values = Set(
            facts.map { String(decoding: $0.bytes, as: UTF8.self).lowercased() }.filter { $0.utf8.count > 1 })
        guard !values.isEmpty else { return [] }
        return hits.reduce(into: []) { found, hit in
            var path = JSONPath()
            for element in reader.pieces[hit.piece].path.elements {
                path = path.appending(element)
                if case .key(let key) = element, values.contains(key.lowercased()) { found.insert(path) }
            }
        }
    }

    private static func decide(
        _ match: Match, _ piece: TextPiece, _ pool: inout Surrogates
    ) -> (ScrubFinding.Action, [UInt8]?) {
        if piece.isDropped { return (.dropped, nil) }
        // What reaches over several parts is no value that could be told from them.
        guard match.score >= Match.replaceFrom, !piece.isWhole else { return (.review, nil) }
        guard !piece.role.isFixed, !piece.isNumber || match.range.count == piece.bytes.count else {
            return (.blocked, nil)
        }
        // A name in code may be one of the code.
        let isName = match.kind == .person || match.kind == .organization || match.kind == .domain
        guard !isName || piece.role != .formula else { return (.review, nil) }
        // Digits right behind it would be read as those of what stands for it.
        let end = match.range.upperBound
        guard end == piece.bytes.count || !piece.bytes[end].isDigit else { return (.review, nil) }
        let replacement = pool.replacement(for: match.kind, match.text, isNumber: piece.isNumber)
        return replacement == nil ? (.review, nil) : (.replaced, replacement)
    }
}

extension RoleDrop {
    /// What is left of the value: nothing, `0`, or the stand-in of a credential's name. It needs no escapes.
    fileprivate func replacement(_ pool: inout Surrogates) -> [UInt8] {
        if isNumber { return [UInt8(ascii: "0")] }
        guard role == .credential, let text else { return [] }
        return pool.connection(text, isFile: isFile)
    }
}

extension JSONPath {
    /// This path with keys that hold one of the values, or anything that a detector finds, and with those that are known to, replaced.
    func masked(_ list: DenyList, _ personal: Set<JSONPath> = []) -> JSONPath {
        var (shown, path): ([Element], JSONPath) = ([], JSONPath())
        for element in elements {
            path = path.appending(element)
            shown.append(!personal.isEmpty && personal.contains(path) ? .key("(personal)") : element.masked(list))
        }
        return JSONPath(shown)
    }
}

extension JSONPath.Element {
    fileprivate func masked(_ list: DenyList) -> JSONPath.Element {
        // A key that long is no name, whatever it holds.
        guard case .key(let key) = self, key.utf8.count <= 256 else {
            if case .key = self { return .key("(personal)") }
            return self
        }
        let isPersonal = list.occurs(in: Array(key.utf8)) || !Detection.scan(TextPiece(text: key)).matches.isEmpty
        return isPersonal ? .key("(personal)") : self
    }
}
