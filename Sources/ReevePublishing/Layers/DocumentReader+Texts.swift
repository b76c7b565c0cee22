// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// The layers inside a string: documents, formulas, templates and source code.
extension DocumentReader {
    /// Reads the decoded text of a string, looking for further layers in it.
    mutating func read(text piece: TextPiece, at place: RoleTable.Place) throws(ReadFailure) {
        guard piece.depth <= Self.maximumDepth else { throw .tooManyLayers }
        // Base 64 is looked for, and what the language parts texts by.
        work += 2 * piece.bytes.count
        if isDocument(piece.bytes[...]) {
            keep(piece)
            return try read(json: piece, at: place, limits: .init())
        }
        for content in Base64Text.find(in: piece.bytes) {
            let role = content.isGuess ? PathRole.structural : piece.role
            var inner = TextPiece(bytes: content.bytes, sources: .row(from: 0), path: piece.path, role: role)
            inner.isTelling = piece.isTelling
            (inner.isDropped, inner.depth, inner.seal, inner.isKey) = (
                piece.isDropped, piece.depth + 1, seals.count, piece.isKey
            )
            seals.append(Seal(outer: piece.part(content.range), content: content))
            try read(text: inner, at: place)
        }
        addPackedInCodes(piece)
        switch format.language {
        case .none: add(piece)
        case .workato: try read(workato: piece, at: place)
        case .n8n: try read(n8n: piece, at: place)
        }
    }

    private mutating func isDocument(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first(where: { $0 > 0x20 }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return false }
        work += 2 * text.count
        return (try? JSONTokens(Array(text)).validate()) != nil
    }

    /// Whether every program reads a number alike: not an integer over 2^53, which some round, nothing beyond the largest fraction, and no
    /// more than eight digits before an exponent, which some write out and some do not.
    func isExact(_ range: Range<Int>, in text: [UInt8]) -> Bool {
        guard range.count > 15 || text[range].contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return true }
        let number = String(decoding: text[range], as: UTF8.self)
        guard number.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) else {
            return Int(number).map { $0.magnitude <= 1 << 53 } ?? false
        }
        let hasExponent = number.utf8.contains { $0 | 0x20 == UInt8(ascii: "e") }
        guard !hasExponent || number.utf8.reduce(0, { $0 + ($1.isDigit ? 1 : 0) }) <= 8 else { return false }
        return Double(number)?.isFinite ?? false
    }

    /// Notes the pills of a string that is passed over, as they stand in its text.
    mutating func noteSeenPills(of piece: TextPiece, isOutside: Bool) {
        for index in seenPills.indices {
            let pill = seenPills[index]
            pills.add(piece.bytes, pill.range, without: UInt8(ascii: "\\"))
            if pill.isInFormula, isOutside { references.add(piece.bytes, pill.range, without: UInt8(ascii: "\\")) }
        }
    }

    /// Adds what is packed in a key, a name or a reference: it cannot be changed there.
    mutating func addPacked(_ piece: TextPiece) {
        guard !piece.isNumber else { return }
        work += piece.bytes.count
        for content in Base64Text.find(in: piece.bytes) { add(content, at: content.range, of: piece) }
    }

    /// Adds what is packed over the ends of literals that are put together: it cannot be changed there.
    mutating func addPackedOverJoints(_ piece: TextPiece) {
        work += piece.bytes.count
        for content in Base64Text.find(in: piece.bytes) {
            let next = piece.joints(from: content.range.lowerBound + 1).first
            guard let next, next.at < content.range.upperBound else { continue }
            add(content, at: content.range, of: piece)
        }
    }

    /// Adds what is packed and then written with percent codes or escapes: it cannot be changed there.
    private mutating func addPackedInCodes(_ piece: TextPiece) {
        guard piece.bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "\\") }) else { return }
        work += 2 * piece.bytes.count
        let folded = FoldedText(piece.bytes)
        guard folded.bytes.count != piece.bytes.count else { return }
        for content in Base64Text.find(in: folded.bytes) {
            let range = folded.place(content.range)
            if range.count != content.range.count { add(content, at: range, of: piece) }
        }
    }

    private mutating func add(_ content: Base64Text, at range: Range<Int>, of piece: TextPiece) {
        var inner = TextPiece(bytes: content.bytes, sources: .row(from: 0), path: piece.path, role: .structural)
        inner.isTelling = piece.isTelling
        (inner.isDropped, inner.depth, inner.seal, inner.isKey) = (
            piece.isDropped, piece.depth + 1, seals.count, piece.isKey
        )
        seals.append(Seal(outer: piece.part(range), content: content))
        add(inner)
    }

    // MARK: Workato

    private mutating func read(workato piece: TextPiece, at place: RoleTable.Place) throws(ReadFailure) {
        if piece.bytes.first == UInt8(ascii: "=") {
            return try read(script: piece, .ruby, at: place)
        }
        let parts = RubyText.interpolations(of: piece.bytes)
        guard piece.role != .code else {
            let formulas = parts.filter(\.isFormula).map(\.range)
            return try read(script: piece, ScriptText.language(of: piece.bytes), formulas: formulas, at: place)
        }
        guard parts.contains(where: \.isFormula) else { return add(piece) }
        try read(parts: parts.map { ($0.range, $0.isFormula) }, of: piece, .ruby, at: place)
    }

    // MARK: n8n

    private mutating func read(n8n piece: TextPiece, at place: RoleTable.Place) throws(ReadFailure) {
        if piece.role == .code {
            let isPython = piece.path.lastKey?.hasPrefix("python") == true
            return try read(script: piece, isPython ? .python : .javaScript, at: place)
        }
        guard piece.isTemplate || piece.bytes.first == UInt8(ascii: "=") else { return add(piece) }
        if piece.bytes.first == UInt8(ascii: "="), isDocument(piece.bytes.dropFirst()) {
            keep(piece)
            var document = piece.part(1..<piece.bytes.count)
            document.isTemplate = true
            return try read(json: document, at: place, limits: .init())
        }
        let parts = TemplateText.parts(of: piece.bytes)
        guard parts.contains(where: \.isExpression) else { return add(piece) }
        try read(parts: parts.map { ($0.range, $0.isExpression) }, of: piece, .javaScript, at: place)
    }
}
