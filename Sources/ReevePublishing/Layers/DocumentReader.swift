// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Why a document cannot be taken apart.
enum ReadFailure: Error, Equatable {
    case json(JSONError)
    /// Values are packed into each other more often than the limit.
    case tooManyLayers
}

/// A document taken apart into the texts of all its layers.
struct DocumentReader {
    /// Texts to search, each in its innermost layer.
    private(set) var pieces: [TextPiece] = []
    /// Data pills, as they stand in the string that holds them, in document order.
    private(set) var references: [[UInt8]] = []
    /// The decoded text of every string and every layer, for a search that knows what it looks for.
    private(set) var decoded: [(path: JSONPath, bytes: [UInt8])] = []
    /// The kinds of the outermost layer's tokens and the bytes of its keys: what may not change.
    private(set) var shape: [UInt8] = []

    private let format: RecipeFormat
    private static let maximumDepth = 8

    init(_ document: [UInt8], format: RecipeFormat, limits: JSONTokens.Limits) throws(ReadFailure) {
        self.format = format
        var root = TextPiece(bytes: document, sources: [], encodings: [], path: JSONPath(), role: .literal)
        root.sources = Array(0...document.count)
        do throws(JSONError) {
            try JSONTokens(document, limits: limits).validate()
        } catch {
            throw .json(error)
        }
        try read(json: root, limits: limits)
    }

    /// Reads a piece that is known to be a JSON document: each key, string and number becomes a piece of its own.
    private mutating func read(json piece: TextPiece, limits: JSONTokens.Limits) throws(ReadFailure) {
        var failure: ReadFailure?
        do throws(JSONError) {
            try JSONTokens(piece.bytes, limits: limits).forEach { token, inner in
                guard failure == nil else { return }
                do throws(ReadFailure) {
                    try read(token, at: inner, of: piece)
                } catch {
                    failure = error
                }
            }
        } catch {
            throw .json(error)
        }
        if let failure { throw failure }
    }

    private mutating func read(
        _ token: JSONTokens.Token, at inner: JSONPath, of piece: TextPiece
    ) throws(ReadFailure) {
        if piece.depth == 0 { note(token, piece) }
        guard token.kind == .key || token.kind == .string || token.kind == .number else { return }
        let path =
            piece.depth == 0
            ? inner : inner.elements.reduce(piece.path.appending(.decoded)) { $0.appending($1) }
        if token.kind == .number {
            var number = piece.part(token.range)
            number.path = path
            number.isNumber = true
            number.role = format.role(of: path)
            return add(number)
        }
        let unescaped: JSONText.Unescaped
        do throws(JSONError) {
            unescaped = try JSONText.unescapeWithOffsets(piece.bytes[token.content], at: token.content.lowerBound)
        } catch {
            throw .json(error)
        }
        var text = piece.inner(unescaped, .json)
        text.path = path
        text.role = token.kind == .key ? .structural : format.role(of: path)
        if token.kind == .key { add(text) } else { try read(text: text) }
    }

    private mutating func note(_ token: JSONTokens.Token, _ piece: TextPiece) {
        let kind: UInt8 =
            switch token.kind {
            case .objectStart: 1
            case .objectEnd: 2
            case .arrayStart: 3
            case .arrayEnd: 4
            case .key: 5
            case .string: 6
            case .number: 7
            case .literal: 8
            }
        shape.append(kind)
        if token.kind == .key { shape += piece.bytes[token.range] }
    }

    /// Reads the decoded text of a string, looking for further layers in it.
    private mutating func read(text piece: TextPiece) throws(ReadFailure) {
        guard piece.depth <= Self.maximumDepth else { throw .tooManyLayers }
        if let first = piece.bytes.first(where: { $0 > 0x20 }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
            (try? JSONTokens(piece.bytes).validate()) != nil
        {
            decoded.append((piece.path, piece.bytes))
            return try read(json: piece, limits: .init())
        }
        guard format.hasFormulas else { return add(piece) }
        if piece.bytes.first == UInt8(ascii: "=") {
            decoded.append((piece.path, piece.bytes))
            return try read(formula: piece)
        }
        let parts = RubyText.interpolations(of: piece.bytes)
        guard parts.contains(where: \.isFormula) else { return add(piece) }
        decoded.append((piece.path, piece.bytes))
        for (range, isFormula) in parts {
            if isFormula { try read(formula: piece.part(range)) } else { add(piece.part(range)) }
        }
    }

    private mutating func read(formula piece: TextPiece) throws(ReadFailure) {
        for segment in RubyText.segments(of: piece.bytes, in: 0..<piece.bytes.count) {
            switch segment {
            case .reference(let range):
                references.append(Array(piece.bytes[range]))
                var inside = piece.part(range)
                inside.isReference = true
                inside.role = .structural
                add(inside)
            case .code(let range):
                var code = piece.part(range)
                code.isCode = true
                add(code)
            case .literal(let range, let quote):
                let text = RubyText.unescape(piece.bytes, range, quote: quote)
                try read(text: piece.inner(text, quote == UInt8(ascii: "'") ? .rubySingle : .rubyDouble))
            }
        }
    }

    /// Keeps a piece that is long enough to hold anything.
    private mutating func add(_ piece: TextPiece) {
        guard piece.bytes.count >= 6 else { return }
        pieces.append(piece)
        decoded.append((piece.path, piece.bytes))
    }
}
