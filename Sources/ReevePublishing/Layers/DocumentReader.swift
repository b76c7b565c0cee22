// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Why a document cannot be taken apart.
enum ReadFailure: Error, Equatable {
    case json(JSONError)
    /// Values are packed into each other more often than the limit.
    case tooManyLayers
}

/// A value that goes by its role alone: the content of a string, array or object, or a number.
struct RoleDrop {
    let path: JSONPath
    let role: PathRole
    /// Where it stands in the source, without quotes or brackets.
    let span: Range<Int>
    /// A string's text; `nil` for anything else.
    let text: [UInt8]?
    var isNumber = false
    /// Whether the text is a file's name.
    var isFile = false
    /// The number of what it is packed into as a whole; its place is in that.
    var seal: Int?
}

/// Text that is packed so that no part of it stands by itself in what is outside: it is changed as a whole.
struct Seal {
    /// The packed text.
    let outer: TextPiece
    let content: Base64Text
}

/// A document taken apart into the texts of all its layers.
struct DocumentReader {
    /// Texts to search, each in its innermost layer.
    private(set) var pieces: [TextPiece] = []
    /// Data pills, as they stand in the string that holds them, in document order.
    var references: [[UInt8]] = []
    /// All that looks like a data pill in a string, also in a dropped one: none may come, go or change.
    private(set) var pills: [ArraySlice<UInt8>] = []
    /// The names of parts, and what refers to them, in document order; those that go with a dropped value do not count.
    private(set) var (names, uses): ([[UInt8]], [[UInt8]]) = ([], [])
    /// The decoded text of every string and every layer that stays, for a search that knows what it looks for.
    private(set) var decoded: [(path: JSONPath, bytes: [UInt8])] = []
    /// The kinds of the outermost layer's tokens and the bytes of its keys: what may not change. What is inside a
    /// dropped value does not count.
    private(set) var shape: [UInt8] = []
    /// What goes by its role, in document order.
    private(set) var drops: [RoleDrop] = []
    /// What is packed as a whole; the outer ones first.
    var seals: [Seal] = []

    /// The names of credentials that are stand-ins already, as the pool spells them.
    private(set) var connections: Set<String> = []

    let format: RecipeFormat
    static let maximumDepth = 8
    /// Shorter ids are too common to be looked for.
    private static let longID = 12
    /// The ids that are dropped and long enough to be told from other text.
    var ids: [[UInt8]] {
        drops.filter { $0.role == .identity }.compactMap(\.text).filter { $0.count >= Self.longID }
    }

    /// Where the reader is in one JSON document, the outermost or one that is packed into a string.
    private struct Walk {
        /// The places of the open objects and arrays.
        var open: [RoleTable.Place] = []
        /// Their paths.
        var paths: [JSONPath] = []
        /// The place of the next value.
        var next: RoleTable.Place
        /// The sample that is open: how deep it is, where its content starts, and whether it has any.
        var sample: (depth: Int, start: Int, path: JSONPath, hasContent: Bool)?
        /// Whether all of this document is dropped.
        let isDropped: Bool
    }

    init(_ document: [UInt8], format: RecipeFormat, limits: JSONTokens.Limits) throws(ReadFailure) {
        self.format = format
        let root = TextPiece(bytes: document, sources: .row(from: 0), path: JSONPath(), role: .literal)
        do throws(JSONError) {
            try JSONTokens(document, limits: limits).validate()
        } catch {
            throw .json(error)
        }
        try read(json: root, at: format.root, limits: limits)
        dropCopies()
    }

    /// Ids that are dropped go wherever else they stand in a text: a webhook's is often its path, and the end of its address.
    ///
    /// Complexity: O(bytes), and for each place where an id could stand the ids that begin alike.
    private mutating func dropCopies() {
        var beginnings: [UInt64: Set<[UInt8]>] = [:]
        for id in ids { beginnings[id.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, default: []].insert(id) }
        guard !beginnings.isEmpty else { return }
        for (index, piece) in pieces.enumerated() {
            guard !piece.isDropped, !piece.isName, !piece.isWhole, !piece.role.isFixed, !piece.isNumber,
                piece.joints.isEmpty
            else { continue }
            var (key, next) = (UInt64(0), 0)
            for (position, byte) in piece.bytes.enumerated() {
                key = key << 8 | UInt64(byte)
                guard position >= max(7, next + 7), let candidates = beginnings[key] else { continue }
                let text = piece.bytes[(position - 7)...]
                guard let id = candidates.first(where: { text.starts(with: $0) }) else { continue }
                let range = text.startIndex..<text.startIndex + id.count
                next = range.upperBound
                pieces[index].isDropped = id.count == piece.bytes.count
                drops.append(
                    RoleDrop(
                        path: piece.path, role: .identity, span: piece.source(range), text: id, seal: piece.seal))
            }
        }
        drops.sort { $0.span.lowerBound < $1.span.lowerBound }
    }

    /// Reads a piece that is known to be a JSON document: each key, string and number becomes a piece of its own.
    mutating func read(
        json piece: TextPiece, at place: RoleTable.Place, limits: JSONTokens.Limits
    ) throws(ReadFailure) {
        var failure: ReadFailure?
        var walk = Walk(next: place, isDropped: piece.isDropped)
        do throws(JSONError) {
            try JSONTokens(piece.bytes, limits: limits).forEach { token, inner in
                guard failure == nil else { return }
                do throws(ReadFailure) {
                    try read(token, at: inner, of: piece, &walk)
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
        _ token: JSONTokens.Token, at inner: JSONPath, of piece: TextPiece, _ walk: inout Walk
    ) throws(ReadFailure) {
        // Paths share their beginnings with those of what they are in.
        func path() -> JSONPath {
            guard piece.depth > 0 || piece.seal != nil else { return inner }
            let outer = walk.paths.last ?? piece.path.appending(.decoded)
            return inner.lastElement.map { outer.appending($0) } ?? outer
        }
        let isClosing = token.kind == .objectEnd || token.kind == .arrayEnd
        if isClosing { close(token, of: piece, &walk) } else { walk.sample?.hasContent = true }
        if piece.depth == 0, walk.sample == nil { note(token, piece, walk) }
        switch token.kind {
        case .objectStart, .arrayStart:
            if walk.sample == nil, !walk.isDropped, walk.next.role == .sample {
                walk.sample = (walk.open.count, token.range.upperBound, path(), false)
            }
            walk.paths.append(path())
            walk.open.append(walk.next)
        case .key:
            guard let place = walk.open.last, case .key(let name)? = inner.lastElement else { return }
            var key = try text(of: token, in: piece, path())
            key.role = place.names
            key.isDropped = walk.isDropped || walk.sample != nil
            key.isUse = place.names == .reference
            if key.isTemplate, !key.isUse {
                try read(text: key, at: place)
            } else {
                add(key)
                addPacked(key)
            }
            walk.next = format.place(of: name, in: place)
            return
        case .string, .number: try read(value: token, at: path(), of: piece, walk)
        case .literal, .objectEnd, .arrayEnd: break
        }
        // In an array the next value stands where this one did; in an object a key comes first.
        if let place = walk.open.last { walk.next = place }
    }

    private mutating func close(_ token: JSONTokens.Token, of piece: TextPiece, _ walk: inout Walk) {
        walk.open.removeLast()
        walk.paths.removeLast()
        guard let sample = walk.sample, sample.depth == walk.open.count else { return }
        walk.sample = nil
        guard sample.hasContent else { return }
        let span = piece.source(sample.start..<token.range.lowerBound)
        drops.append(RoleDrop(path: sample.path, role: .sample, span: span, text: nil, seal: piece.seal))
    }

    private mutating func read(
        value token: JSONTokens.Token, at path: JSONPath, of piece: TextPiece, _ walk: Walk
    ) throws(ReadFailure) {
        let isOutside = walk.sample == nil && !walk.isDropped
        var value: TextPiece
        if token.kind == .number {
            value = piece.part(token.range)
            value.path = path
            value.isNumber = true
        } else {
            value = try text(of: token, in: piece, path)
        }
        value.role = walk.next.role
        value.isDropped = !isOutside || value.role.isDropped
        if isOutside, value.role.isDropped { drop(value) }
        if format.language == .workato, !value.isNumber { pills += RubyText.pills(in: value.bytes) }
        value.isName = walk.next.isName
        value.isUse = value.role == .reference
        if value.isNumber || value.isName || value.isUse {
            add(value)
            addPacked(value)
        } else {
            try read(text: value, at: walk.next)
        }
    }

    /// Notes a string or a number that goes by its role, unless it is what would be left of it.
    ///
    /// Of the name of a connection's file only the stem goes: its folder stands elsewhere, too.
    private mutating func drop(_ value: TextPiece) {
        let isLeft = value.isNumber ? value.bytes == [UInt8(ascii: "0")] : value.bytes.isEmpty
        guard !isLeft else { return }
        var part = 0..<value.bytes.count
        if value.role == .credential, !value.isNumber {
            part = Surrogates.connectionStem(of: value.bytes)
            var folder = value.part(0..<part.lowerBound)
            folder.isDropped = false
            add(folder)
            if let name = Surrogates.connection(from: value.bytes[part]) {
                connections.insert(name)
                return
            }
        }
        drops.append(
            RoleDrop(
                path: value.path, role: value.role, span: value.source(part),
                text: value.isNumber ? nil : Array(value.bytes[part]), isNumber: value.isNumber,
                isFile: part.count < value.bytes.count, seal: value.seal))
    }

    /// The decoded text of a key or string.
    private func text(
        of token: JSONTokens.Token, in piece: TextPiece, _ path: JSONPath
    ) throws(ReadFailure) -> TextPiece {
        var text: TextPiece
        if token.hasEscapes {
            let unescaped: JSONText.Unescaped
            do throws(JSONError) {
                unescaped = try JSONText.unescapeWithOffsets(piece.bytes[token.content], at: token.content.lowerBound)
            } catch {
                throw .json(error)
            }
            text = piece.inner(unescaped, .json)
        } else {
            text = piece.part(token.content)
            text.encodings.insert(.json, at: 0)
            text.depth += 1
        }
        text.path = path
        return text
    }

    private mutating func note(_ token: JSONTokens.Token, _ piece: TextPiece, _ walk: Walk) {
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
        // Keys that refer to a name change with it.
        if token.kind == .key, walk.open.last?.names != .reference { shape += piece.bytes[token.range] }
    }

    /// The place of a range of a piece in the document: of one that is packed as a whole, that of the packing.
    func place(_ range: Range<Int>, of piece: TextPiece) -> Range<Int> { place(piece.source(range), in: piece.seal) }

    /// The place of what stands at a place in a packing.
    func place(_ range: Range<Int>, in seal: Int?) -> Range<Int> {
        guard let seal else { return range }
        let outer = seals[seal].outer
        return place(0..<outer.bytes.count, of: outer)
    }

    /// Adds what is packed in a key, a name or a reference: it cannot be changed there.
    private mutating func addPacked(_ piece: TextPiece) {
        guard !piece.isNumber else { return }
        for content in Base64Text.find(in: piece.bytes) {
            var inner = TextPiece(bytes: content.bytes, sources: .row(from: 0), path: piece.path, role: .structural)
            (inner.isDropped, inner.depth, inner.seal) = (piece.isDropped, piece.depth + 1, seals.count)
            seals.append(Seal(outer: piece.part(content.range), content: content))
            add(inner)
        }
    }

    /// Keeps a piece that is long enough to hold anything.
    mutating func add(_ piece: TextPiece) {
        if piece.isName, !piece.isDropped { names.append(piece.bytes) }
        if piece.isUse, !piece.isDropped { uses.append(piece.bytes) }
        guard piece.bytes.count >= 6 else { return }
        pieces.append(piece)
        keep(piece)
    }

    mutating func keep(_ piece: TextPiece) {
        if !piece.isDropped { decoded.append((piece.path, piece.bytes)) }
    }
}
