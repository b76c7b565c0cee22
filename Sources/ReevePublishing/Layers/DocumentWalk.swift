// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Where a reader is in one JSON document, the outermost or one that is packed into a string. Paths are made when they are asked for.
struct DocumentWalk {
    /// An object or array that is open.
    private struct Level {
        /// The place of its values.
        let place: RoleTable.Place
        let isObject: Bool
        /// In an object the last key with its quotes.
        var key: JSONTokens.Token?
        /// In an array the index of the last element.
        var index = -1
        /// Whether the last key, or that of an array, says that its value could be somebody's.
        var isTelling: Bool
        /// In an object the text under `name` or `key`, which says what stands under `value`.
        var label: Range<Int>?
        /// The path of the value there, once it was asked for.
        var path: JSONPath?
        /// The keys of this object that are not ASCII; they are equal when they are so canonically.
        var wideKeys: Set<String> = []
    }

    /// A sample that is open: how deep it is, where its content starts, and whether it has any.
    struct Sample {
        fileprivate let depth: Int
        let start: Int
        let path: JSONPath
        fileprivate var hasContent = false
    }

    private var levels: [Level] = []
    /// The place of the next value.
    private(set) var next: RoleTable.Place
    private var sample: Sample?
    /// Whether all of this document is dropped.
    private let isDropped: Bool
    private let bytes: [UInt8]
    private let base: JSONPath

    /// Whether the key of what all of this document is the value of says that it could be somebody's.
    private let isTellingOutside: Bool

    init(_ piece: TextPiece, at place: RoleTable.Place) {
        isTellingOutside = piece.path.lastKey.map { TellingWords.isTelling($0.utf8) } ?? false
        next = place
        isDropped = piece.isDropped
        bytes = piece.bytes
        base = piece.depth > 0 || piece.seal != nil ? piece.path.appending(.decoded) : piece.path
    }

    /// Whether what stands here is not inside a value that is dropped.
    var isOutside: Bool { sample == nil && !isDropped }
    var isInSample: Bool { sample != nil }
    /// The role of the keys here.
    var names: PathRole { levels.last?.place.names ?? .structural }
    /// The place of the object that is open.
    var place: RoleTable.Place { levels.last?.place ?? next }

    /// Goes on to a key or to a value; the value of a key stands where the key says, an element where its array does.
    mutating func meet(_ token: JSONTokens.Token) {
        sample?.hasContent = true
        guard let last = levels.indices.last else { return }
        if token.kind == .key {
            levels[last].key = token
            levels[last].path = nil
        } else if !levels[last].isObject {
            levels[last].index += 1
            levels[last].path = nil
            next = levels[last].place
        } else if token.kind == .string, isKey(last, "name") || isKey(last, "key") {
            levels[last].label = token.content
        }
    }

    /// What says what the value here is, where that stands beside it: `{"name": "phone", "value": …}`.
    var label: [UInt8]? {
        guard let last = levels.indices.last, isKey(last, "value") else { return nil }
        return levels[last].label.map { Array(bytes[$0.prefix(256)]) }
    }

    /// Whether the last key of an object that is open is called so.
    private func isKey(_ index: Int, _ name: StaticString) -> Bool {
        guard let key = levels[index].key, key.content.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { unsafe $0.elementsEqual(bytes[key.content]) }
    }

    /// Whether no program takes a key for another one of its object: some compare them as Unicode says (UAX #15).
    mutating func isDistinct(_ key: JSONTokens.Token) -> Bool {
        guard key.hasEscapes || bytes[key.content].contains(where: { $0 >= 0x80 }), let last = levels.indices.last
        else {
            return true
        }
        guard case .key(let text) = element(of: levels[last]), text.utf8.contains(where: { $0 >= 0x80 }) else {
            return true
        }
        // These three are ASCII characters to some.
        guard !text.unicodeScalars.contains(where: { ["\u{212A}", "\u{37E}", "\u{1FEF}"].contains($0) }) else {
            return false
        }
        return levels[last].wideKeys.insert(text).inserted
    }

    /// Whether the key of the value here, or what stands for one beside it, says that it could be somebody's.
    var isTelling: Bool {
        let last = levels.count - 1
        guard last >= 0 else { return isTellingOutside }
        return levels[last].isTelling || levels[last].label != nil && isKey(last, "value")
    }

    /// The value of the last key stands at a place; the key may say that it could be somebody's.
    mutating func enter(_ place: RoleTable.Place, isTelling: Bool) {
        next = place
        if let last = levels.indices.last { levels[last].isTelling = isTelling }
    }

    mutating func open(isObject: Bool, after start: Int) {
        if isOutside, next.role == .sample { sample = Sample(depth: levels.count, start: start, path: path()) }
        let isTelling = !isObject && (levels.last?.isTelling ?? isTellingOutside)
        levels.append(Level(place: next, isObject: isObject, isTelling: isTelling))
    }

    /// Closes an object or array; gives the sample that ends with it, when it had anything.
    mutating func close(before end: Int) -> Sample? {
        levels.removeLast()
        guard let ended = sample, ended.depth == levels.count else { return nil }
        sample = nil
        return ended.hasContent ? ended : nil
    }

    /// The path of the value here. Complexity: O(depth) once, then O(1) for each value beside it.
    mutating func path() -> JSONPath {
        guard let last = levels.indices.last else { return base }
        var known = last
        while known >= 0, levels[known].path == nil { known -= 1 }
        var path = known >= 0 ? levels[known].path ?? base : base
        for index in (known + 1)..<(last + 1) {
            path = path.appending(element(of: levels[index]))
            levels[index].path = path
        }
        return path
    }

    private func element(of level: Level) -> JSONPath.Element {
        guard let key = level.key else { return .index(max(level.index, 0)) }
        // The tokeniser has checked the escapes.
        let text = key.hasEscapes ? (try? JSONText.unescape(bytes[key.content])) ?? [] : Array(bytes[key.content])
        return .key(String(decoding: text, as: UTF8.self))
    }
}
