// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Why a document cannot be taken apart.
enum ReadFailure: Error, Equatable {
    case json(JSONError)
    /// Values are packed into each other more often than the limit.
    case tooManyLayers
    /// Programs read what stands at a path differently.
    case ambiguous(JSONPath)
    /// A version of the format that is not known.
    case unknownVersion(JSONPath)
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
    var references = TextList()
    /// All that looks like a data pill in a string, also in a dropped one: none may come, go or change.
    var pills = TextList()
    /// The names of parts, and what refers to them, in document order; those that go with a dropped value do not count.
    private(set) var (names, uses): ([[UInt8]], [[UInt8]]) = ([], [])
    /// The decoded text of every string and every layer that stays, for a search that knows what it looks for.
    private(set) var decoded: [(path: JSONPath, bytes: [UInt8])] = []
    /// The kinds of the outermost layer's tokens and the hashes of its keys: what may not change. What is inside a
    /// dropped value does not count.
    private(set) var shape: [UInt64] = []
    /// The kinds of the tokens of inner documents, and of the parts of code, in the order in which they are read.
    var structure: [UInt8] = []
    /// What goes by its role, in document order.
    var drops: [RoleDrop] = []
    /// Where it says that its author keeps the recipe private.
    private(set) var privacy: JSONPath?
    /// What is packed as a whole; the outer ones first.
    var seals: [Seal] = []

    /// The names of credentials that are stand-ins already, as the pool spells them.
    var connections: Set<String> = []

    let format: RecipeFormat
    static let maximumDepth = 8
    /// Shorter ids are too common to be looked for.
    private static let longID = 12
    private static let longestID = 256
    /// The ids that are dropped and long enough to be told from other text.
    var ids: [[UInt8]] {
        drops.filter { $0.role == .identity }.compactMap(\.text).filter { $0.count >= Self.longID }
    }

    /// Places of the document whose strings are read, whatever the first look says.
    private var doubtful: [Int] = []
    /// Whether every string is read.
    private let isThorough: Bool
    /// Whether a text is read that no program takes a value from: what they would read differently is no matter.
    private let isText: Bool
    /// Bytes of the shortest text that is looked at.
    let shortest: Int
    /// Bytes read so far, in all layers and each time: what the work is measured by.
    var work = 0
    /// What keys say about their values.
    private var keys = KeyCache()
    /// Used again for each string.
    var seenPills: [TextScreen.Pill] = []

    /// Takes a document apart; strings in which nothing can be are passed over, but for a thorough reader.
    init(
        _ document: [UInt8], format: RecipeFormat, limits: JSONTokens.Limits, isThorough: Bool = false,
        shortest: Int = SearchRules.shortestValue
    ) throws(ReadFailure) {
        try self.init(document, format, limits, isThorough: isThorough, shortest: shortest, doubtful: [])
        // Nothing longer is an id; that it is nowhere else is seen to in the second pass.
        let ids = ids.filter { $0.count <= Self.longestID }
        guard !ids.isEmpty else { return }
        if !isThorough {
            // What is written with escapes cannot be looked for in the document itself.
            let isPlain = ids.allSatisfy { $0.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) } }
            let copies = isPlain ? copies(of: ids, in: document) : []
            // A copy in a text that was read stands in it as it is; its pieces may have been passed over.
            let isInside = isPlain && isRead(ids)
            let done = work + document.count
            if !isPlain || isInside || !copies.isEmpty {
                self = try DocumentReader(
                    document, format, limits, isThorough: !isPlain || isInside, shortest: shortest, doubtful: copies)
            }
            work += done
        }
        dropCopies(of: ids)
    }

    /// Takes a text apart that is in no document.
    init(text: String, shortest: Int) throws(ReadFailure) {
        format = .plainJSON
        (isThorough, isText) = (true, true)
        self.shortest = shortest
        let piece = TextPiece(text: text)
        try read(text: piece, at: format.root)
        // It may be code, in which literals are put together.
        let isCode =
            text.utf8.contains { "\"'`".utf8.contains($0) } && text.utf8.contains { LiteralRun.joins($0) && $0 != 0x20 }
        // A document has been taken apart.
        let isDocument = !pieces.contains { $0.depth == 0 && $0.seal == nil }
        if isCode, !isDocument { try read(script: piece, .javaScript, at: format.root) }
    }

    private init(
        _ document: [UInt8], _ format: RecipeFormat, _ limits: JSONTokens.Limits, isThorough: Bool, shortest: Int,
        doubtful: [Int]
    ) throws(ReadFailure) {
        self.format = format
        (self.isThorough, isText) = (isThorough, false)
        self.shortest = shortest
        self.doubtful = doubtful
        let root = TextPiece(bytes: document, sources: .row(from: 0), path: JSONPath(), role: .literal)
        try read(json: root, at: format.root, limits: limits)
    }

    /// Where ids begin in a document, outside the values that go. Complexity: as ``IDSearch``.
    private func copies(of ids: [[UInt8]], in document: [UInt8]) -> [Int] {
        var drop = drops.lazy.filter { $0.seal == nil }.makeIterator()
        var next = drop.next()
        return IDSearch(ids).ranges(in: document).map(\.lowerBound).filter { place in
            while let current = next, current.span.upperBound <= place { next = drop.next() }
            return next.map { $0.span.lowerBound > place } ?? true
        }
    }

    /// Whether ids stand in texts that were read.
    private func isRead(_ ids: [[UInt8]]) -> Bool {
        let search = IDSearch(ids)
        return decoded.contains { !search.ranges(in: $0.bytes).isEmpty }
    }

    /// Ids that are dropped go wherever else they stand in a text: a webhook's is often its path, and the end of its address.
    private mutating func dropCopies(of ids: [[UInt8]]) {
        let search = IDSearch(ids)
        work += pieces.reduce(0) { $0 + $1.bytes.count }
        for (index, piece) in pieces.enumerated() {
            guard !piece.isDropped, !piece.isName, !piece.isWhole, !piece.role.isFixed, !piece.isNumber,
                piece.joints.isEmpty
            else { continue }
            for range in search.ranges(in: piece.bytes) {
                pieces[index].isDropped = range.count == piece.bytes.count
                drops.append(
                    RoleDrop(
                        path: piece.path, role: .identity, span: piece.source(range), text: Array(piece.bytes[range]),
                        seal: piece.seal))
            }
        }
        drops.sort { $0.span.lowerBound < $1.span.lowerBound }
    }

    // MARK: Documents

    /// Reads a piece that is known to be a JSON document: each key, string and number that can hold something becomes a piece of its own.
    mutating func read(
        json piece: TextPiece, at place: RoleTable.Place, limits: JSONTokens.Limits
    ) throws(ReadFailure) {
        var walk = DocumentWalk(piece, at: place)
        var scanner = JSONScanner(piece.bytes, limits: limits)
        defer { work += scanner.work }
        while true {
            let token: JSONTokens.Token?
            do throws(JSONError) {
                token = try scanner.next()
            } catch {
                throw .json(error)
            }
            guard let token else { return }
            try read(token, of: piece, &walk, hash: scanner.keyHash)
        }
    }

    private mutating func read(
        _ token: JSONTokens.Token, of piece: TextPiece, _ walk: inout DocumentWalk, hash: UInt64
    ) throws(ReadFailure) {
        switch token.kind {
        case .objectEnd, .arrayEnd:
            if let sample = walk.close(before: token.range.lowerBound) {
                let span = piece.source(sample.start..<token.range.lowerBound)
                drops.append(RoleDrop(path: sample.path, role: .sample, span: span, text: nil, seal: piece.seal))
            }
            note(token, piece, walk, hash: hash)
        case .key:
            walk.meet(token)
            note(token, piece, walk, hash: hash)
            try read(key: token, of: piece, &walk, hash: hash)
        default:
            walk.meet(token)
            note(token, piece, walk, hash: hash)
            if walk.next.isPrivacy, privacy == nil, !isPublic(token, piece) { privacy = walk.path() }
            // A version is a string or a number.
            if walk.next.version != nil, token.kind != .string, token.kind != .number {
                throw .unknownVersion(walk.path())
            }
            switch token.kind {
            case .objectStart, .arrayStart:
                walk.open(isObject: token.kind == .objectStart, after: token.range.upperBound)
            case .string, .number: try read(value: token, of: piece, &walk)
            default: break
            }
        }
    }

    private mutating func read(
        key token: JSONTokens.Token, of piece: TextPiece, _ walk: inout DocumentWalk, hash: UInt64
    ) throws(ReadFailure) {
        let names = walk.names
        let facts = token.hasEscapes ? nil : keys.facts(of: piece.bytes, token.content, hash)
        if let facts, facts.isClean, names != .reference, !isThorough, piece.seal == nil, !piece.isTemplate,
            doubtful.isEmpty
        {
            work += token.content.count
            return walk.enter(
                format.place(of: piece.bytes, token.content, hash, in: walk.place), isTelling: facts.isTelling)
        }
        let writing: TextScreen.Writing = piece.isTemplate ? .template : .text
        if names == .reference || !isClean(token, of: piece, writing) {
            var key = try text(of: token, in: piece, walk.path())
            key.role = names
            key.isDropped = !walk.isOutside
            key.isUse = names == .reference
            key.isKey = true
            if key.isTemplate, !key.isUse {
                try read(text: key, at: walk.place)
            } else {
                add(key)
                addPacked(key)
            }
        }
        guard isText || !walk.isOutside || walk.isDistinct(token) else { throw .ambiguous(walk.path()) }
        if let facts {
            return walk.enter(
                format.place(of: piece.bytes, token.content, hash, in: walk.place), isTelling: facts.isTelling)
        }
        let text = try text(of: token, in: piece, JSONPath()).bytes
        walk.enter(
            format.place(of: text, 0..<text.count, hash, in: walk.place),
            isTelling: keys.facts(of: text, 0..<text.count, hash).isTelling)
    }

    /// Whether a string or number can be passed over.
    private mutating func isClean(
        _ token: JSONTokens.Token, of piece: TextPiece, _ writing: TextScreen.Writing
    ) -> Bool {
        guard !isThorough, piece.seal == nil else { return false }
        let range = token.kind == .number ? token.range : token.content
        work += range.count
        if !seenPills.isEmpty { seenPills.removeAll(keepingCapacity: true) }
        guard TextScreen.isClean(piece.bytes, range, writing, &seenPills) else { return false }
        if doubtful.isEmpty { return true }
        let source = piece.source(range)
        let next = doubtful.firstIndex { $0 < source.lowerBound }
        return next == doubtful.count || doubtful[next] >= source.upperBound
    }

    private mutating func read(
        value token: JSONTokens.Token, of piece: TextPiece, _ walk: inout DocumentWalk
    ) throws(ReadFailure) {
        let place = walk.next
        let isOutside = walk.isOutside
        // What goes is no matter.
        if !isText, token.kind == .number, isOutside, !place.role.isDropped, !isExact(token.range, in: piece.bytes) {
            throw .ambiguous(walk.path())
        }
        if place.version != nil {
            let text = Array(piece.bytes[token.kind == .number ? token.range : token.content])
            guard format.knows(text, at: place) else { throw .unknownVersion(walk.path()) }
        }
        if !walk.isTelling, !place.isName, place.role != .reference, !(isOutside && place.role.isDropped),
            !format.language.namesConnection(token, in: piece, place.role),
            let writing = format.language.writing(of: token, in: piece, place.role),
            isClean(token, of: piece, writing)
        {
            noteSeenPills(of: piece, isOutside: isOutside && !place.role.isDropped)
            return
        }
        let path = walk.path()
        var value: TextPiece
        if token.kind == .number {
            value = piece.part(token.range)
            value.path = path
            value.isNumber = true
        } else {
            value = try text(of: token, in: piece, path)
        }
        value.label = walk.label
        value.isTelling = walk.isTelling
        value.role = role(of: value, at: place)
        value.isDropped = !isOutside || value.role.isDropped
        value.fact = value.isTelling ? QuasiIdentifier.Place(of: value) : nil
        if isOutside, value.role.isDropped { drop(value) }
        if format.language == .workato, !value.isNumber {
            for pill in RubyText.pills(in: value.bytes) { pills.add(pill) }
        }
        value.isName = place.isName
        value.isUse = value.role == .reference
        if value.isNumber || value.isName || value.isUse {
            add(value)
            addPacked(value)
        } else {
            try read(text: value, at: place)
        }
    }

    /// The decoded text of a key or string.
    private mutating func text(
        of token: JSONTokens.Token, in piece: TextPiece, _ path: JSONPath
    ) throws(ReadFailure) -> TextPiece {
        work += token.range.count
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

    private mutating func note(
        _ token: JSONTokens.Token, _ piece: TextPiece, _ walk: borrowing DocumentWalk, hash: UInt64
    ) {
        guard !walk.isInSample else { return }
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
        guard piece.depth == 0 else { return structure.append(kind) }
        shape.append(UInt64(kind))
        // Keys that refer to a name change with it.
        if token.kind == .key, walk.names != .reference { shape.append(hash) }
    }

    /// The place of a range of a piece in the document: of one that is packed as a whole, that of the packing.
    func place(_ range: Range<Int>, of piece: TextPiece) -> Range<Int> { place(piece.source(range), in: piece.seal) }

    /// The place of what stands at a place in a packing.
    func place(_ range: Range<Int>, in seal: Int?) -> Range<Int> {
        guard let seal else { return range }
        let outer = seals[seal].outer
        return place(0..<outer.bytes.count, of: outer)
    }

    /// Keeps a piece that is long enough to hold anything.
    mutating func add(_ piece: TextPiece) {
        if piece.isName, !piece.isDropped { names.append(piece.bytes) }
        if piece.isUse, !piece.isDropped { uses.append(piece.bytes) }
        guard piece.bytes.count >= shortest || piece.fact != nil else { return }
        work += piece.bytes.count
        if piece.isName || piece.isUse || piece.fact != nil || mayHold(piece, 0..<piece.bytes.count) {
            pieces.append(piece)
        }
        keep(piece)
    }

    /// Whether a part of a piece has to be read: a thorough reader, and one that looks for ids, read all.
    func mayHold(_ piece: TextPiece, _ range: Range<Int>) -> Bool {
        guard range.count >= shortest else { return false }
        var pills: [TextScreen.Pill] = []
        let isAll = isThorough || piece.isTelling || !doubtful.isEmpty || piece.seal != nil
        return isAll || !TextScreen.isClean(piece.bytes, range, .text, &pills)
    }

    mutating func keep(_ piece: TextPiece) {
        if !piece.isDropped { decoded.append((piece.path, piece.bytes)) }
    }
}
