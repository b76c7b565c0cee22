// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Source code, formulas and the expressions of templates: their literals, comments and references.
extension DocumentReader {
    /// Reads a text whose parts are text or code by turns.
    mutating func read(
        parts: [(range: Range<Int>, isCode: Bool)], of piece: TextPiece, _ language: ScriptText.Language,
        at place: RoleTable.Place
    ) throws(ReadFailure) {
        addWhole(piece)
        var run = LiteralRun()
        for (range, isCode) in parts {
            var part = piece.part(range)
            // What stands around an expression of n8n may be a document, or code of another language.
            part.isInCode = language == .javaScript
            structure.append(isCode ? 15 : 16)
            if isCode {
                try read(code: part, language, at: place, &run)
            } else {
                add(part)
                run.literals.append(part)
            }
        }
        end(&run)
    }

    /// Reads a text that is code from end to end.
    mutating func read(
        script piece: TextPiece, _ language: ScriptText.Language, at place: RoleTable.Place
    ) throws(ReadFailure) {
        addWhole(piece)
        var run = LiteralRun()
        try read(code: piece, language, at: place, &run)
        end(&run)
    }

    /// Reads source code with formulas in it, whose values stand in it before it runs: they are read by themselves, and stand as spaces in the
    /// code.
    mutating func read(
        script piece: TextPiece, _ language: ScriptText.Language, formulas: [Range<Int>], at place: RoleTable.Place
    ) throws(ReadFailure) {
        addWhole(piece)
        var run = LiteralRun()
        var code = piece
        for formula in formulas {
            try read(code: piece.part(formula), .ruby, at: place, &run)
            end(&run)
            // With what opens and closes it.
            for index in formula.lowerBound - 2..<min(formula.upperBound + 1, code.bytes.count) {
                code.bytes[index] = 0x20
            }
        }
        try read(code: code, language, at: place, &run)
        end(&run)
    }

    /// Adds a text with code in it as it stands: a value may reach over what is no literal for the language.
    private mutating func addWhole(_ piece: TextPiece) {
        var whole = piece
        whole.isWhole = true
        whole.role = .formula
        add(whole)
    }

    private mutating func read(
        code script: TextPiece, _ language: ScriptText.Language, at place: RoleTable.Place, _ run: inout LiteralRun
    ) throws(ReadFailure) {
        var piece = script
        piece.isInCode = true
        // It is cut, and its literals are decoded.
        work += 2 * piece.bytes.count
        for segment in ScriptText.segments(of: piece.bytes, language) {
            note(segment)
            switch segment {
            case .code(let range):
                if !run.joins(over: piece.bytes[range]) { end(&run) }
                // It stands in the text as a whole, which is kept.
                work += range.count
                if mayHold(piece, range) { add(code: piece.part(range)) }
            case .reference(let range):
                end(&run)
                if !piece.isDropped { references.add(piece.bytes[range]) }
                var inside = piece.part(range)
                inside.role = .reference
                add(inside)
            case .comment(let range):
                guard range.count >= shortest else { continue }
                var comment = piece.part(range)
                comment.role = .comment
                add(comment)
                addJoined(in: comment, language)
            case .name(let range, let encoding):
                end(&run)
                var inside = piece.inner(unescaped(range, encoding, in: piece), encoding)
                inside.role = .reference
                inside.isUse = true
                add(inside)
            case .member(let range, let encoding):
                var inside = piece.inner(unescaped(range, encoding, in: piece), encoding)
                inside.role = .reference
                if !piece.isDropped { references.add(piece.bytes[range]) }
                run.literals.append(inside)
                add(inside)
            case .literal(let range, let encoding):
                var literal = piece.inner(unescaped(range, encoding, in: piece), encoding)
                // A role of code is for the text around the literals.
                if literal.role == .code { literal.role = .literal }
                run.literals.append(literal)
                try read(text: literal, at: place)
            }
        }
    }

    private mutating func note(_ segment: ScriptText.Segment) {
        let kind: UInt8 =
            switch segment {
            case .code: 9
            case .reference: 10
            case .comment: 11
            case .name: 12
            case .member: 13
            case .literal: 14
            }
        structure.append(kind)
    }

    /// Adds what literals in a comment come to where they are joined: code that somebody took out.
    private mutating func addJoined(in comment: TextPiece, _ language: ScriptText.Language) {
        work += 2 * comment.bytes.count
        var run = LiteralRun()
        for segment in ScriptText.segments(of: comment.bytes, language) {
            switch segment {
            case .literal(let range, let encoding), .name(let range, let encoding), .member(let range, let encoding):
                run.literals.append(comment.inner(unescaped(range, encoding, in: comment), encoding))
            case .code(let range):
                if !run.joins(over: comment.bytes[range]) { end(&run) }
            case .reference, .comment: end(&run)
            }
        }
        end(&run)
    }

    /// Adds what the literals of a run come to together.
    private mutating func end(_ run: inout LiteralRun) {
        var read = 0
        let joined = run.end { text, range in
            read += range.count
            return mayHold(text, range)
        }
        work += read
        guard let (whole, texts) = joined else { return }
        // What is looked for by itself is looked for here, too.
        keep(whole)
        if !texts.isEmpty { addPackedOverJoints(whole) }
        for text in texts { add(text) }
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
