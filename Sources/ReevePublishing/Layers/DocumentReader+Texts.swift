// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// The layers inside a string: documents, formulas, templates and source code.
extension DocumentReader {
    /// Reads the decoded text of a string, looking for further layers in it.
    mutating func read(text piece: TextPiece, at place: RoleTable.Place) throws(ReadFailure) {
        guard piece.depth <= Self.maximumDepth else { throw .tooManyLayers }
        if isDocument(piece.bytes[...]) {
            keep(piece)
            return try read(json: piece, at: place, limits: .init())
        }
        for content in Base64Text.find(in: piece.bytes) {
            var inner = TextPiece(bytes: content.bytes, sources: .row(from: 0), path: piece.path, role: piece.role)
            (inner.isDropped, inner.depth, inner.seal) = (piece.isDropped, piece.depth + 1, seals.count)
            seals.append(Seal(outer: piece.part(content.range), content: content))
            try read(text: inner, at: place)
        }
        switch format.language {
        case .none: add(piece)
        case .workato: try read(workato: piece, at: place)
        case .n8n: try read(n8n: piece, at: place)
        }
    }

    private func isDocument(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first(where: { $0 > 0x20 }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return false }
        return (try? JSONTokens(Array(text)).validate()) != nil
    }

    // MARK: Workato

    private mutating func read(workato piece: TextPiece, at place: RoleTable.Place) throws(ReadFailure) {
        if piece.bytes.first == UInt8(ascii: "=") {
            keep(piece)
            return try read(script: piece, .ruby, at: place)
        }
        let parts = RubyText.interpolations(of: piece.bytes)
        guard parts.contains(where: \.isFormula) else {
            guard piece.role == .code else { return add(piece) }
            keep(piece)
            return try read(script: piece, ScriptText.language(of: piece.bytes), at: place)
        }
        keep(piece)
        for (range, isFormula) in parts {
            if isFormula { try read(script: piece.part(range), .ruby, at: place) } else { add(piece.part(range)) }
        }
    }

    // MARK: n8n

    private mutating func read(n8n piece: TextPiece, at place: RoleTable.Place) throws(ReadFailure) {
        if piece.role == .code {
            keep(piece)
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
        keep(piece)
        for (range, isExpression) in parts {
            let part = piece.part(range)
            if isExpression { try read(script: part, .javaScript, at: place) } else { add(part) }
        }
    }

    private mutating func read(
        script piece: TextPiece, _ language: ScriptText.Language, at place: RoleTable.Place
    ) throws(ReadFailure) {
        var run = LiteralRun()
        for segment in ScriptText.segments(of: piece.bytes, language) {
            switch segment {
            case .code(let range):
                if !LiteralRun.joins(piece.bytes[range]) { for text in run.end() { add(text) } }
                add(code: piece.part(range))
            case .reference(let range):
                for text in run.end() { add(text) }
                if !piece.isDropped { references.append(Array(piece.bytes[range])) }
                var inside = piece.part(range)
                inside.role = .reference
                add(inside)
            case .comment(let range):
                for text in run.end() { add(text) }
                var comment = piece.part(range)
                comment.role = .comment
                add(comment)
            case .name(let range, let encoding), .member(let range, let encoding):
                for text in run.end() { add(text) }
                var inside = piece.inner(unescaped(range, encoding, in: piece), encoding)
                inside.role = .reference
                if case .name = segment { inside.isUse = true }
                if !piece.isDropped, !inside.isUse { references.append(Array(piece.bytes[range])) }
                add(inside)
            case .literal(let range, let encoding):
                var literal = piece.inner(unescaped(range, encoding, in: piece), encoding)
                // A role of code is for the text around the literals.
                if literal.role == .code { literal.role = .literal }
                run.literals.append(literal)
                try read(text: literal, at: place)
            }
        }
        for text in run.end() { add(text) }
    }

    private func unescaped(
        _ range: Range<Int>, _ encoding: TextPiece.Encoding, in piece: TextPiece
    ) -> JSONText.Unescaped {
        RubyText.unescape(piece.bytes, range, quote: encoding == .rubySingle ? UInt8(ascii: "'") : UInt8(ascii: "\""))
    }

    private mutating func add(code piece: TextPiece) {
        var code = piece
        code.role = .formula
        add(code)
    }
}

/// Literals of an expression that are joined without anything else between them.
private struct LiteralRun {
    var literals: [TextPiece] = []
    /// Literals that one value is made of, at most, where it runs into others.
    private static let mostParts = 5

    /// Whether code between two literals joins them: quotes with their prefixes, spaces, line ends, `+`, `<<`, an open parenthesis, and what parts a
    /// template literal.
    static func joins(_ code: ArraySlice<UInt8>) -> Bool {
        code.allSatisfy { "\"'`+<\\ \t\r\n({}$frbuFRBU".utf8.contains($0) }
    }

    /// The literals so far as one text, and begins anew; none when there are not several.
    ///
    /// A value is told by what stands around it. Where the literal before it or behind it would run into it, those that it can be made
    /// of are read by themselves as well: `'id' + 'AKIA' + '…'`.
    mutating func end() -> [TextPiece] {
        defer { literals = [] }
        guard literals.count > 1 else { return [] }
        let count = literals.count
        var texts = [TextPiece.joined(literals[...])]
        for start in 0..<count - 1 where start == 0 || isGlued(start) {
            for end in (start + 2)...min(start + Self.mostParts, count)
            where end - start < count && (end == count || isGlued(end)) {
                texts.append(TextPiece.joined(literals[start..<end]))
            }
        }
        return texts
    }

    /// Whether a literal and the one before it run into each other.
    private func isGlued(_ index: Int) -> Bool {
        guard let last = literals[index - 1].bytes.last, let first = literals[index].bytes.first else { return false }
        return last > 0x20 && first > 0x20
    }
}
