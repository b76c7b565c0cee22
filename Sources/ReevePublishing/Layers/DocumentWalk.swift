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
        var called = Name.other
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

    /// What the last key of an object is called, as far as it matters to the values beside it.
    private enum Name {
        case label, value, other
    }

    /// A sample that is open: how deep it is, where its content starts, and whether it has any.
    struct Sample {
        fileprivate let depth: Int
        let start: Int
        let path: JSONPath
        fileprivate var hasContent = false
    }

    /// The object or array that is open, or what the document stands in, and those around it.
    private var top: Level
    private var around: [Level] = []
    /// The place of the next value.
    private(set) var next: RoleTable.Place
    private var sample: Sample?
    /// Whether all of this document is dropped.
    private let isDropped: Bool
    private let bytes: [UInt8]

    init(_ piece: TextPiece, at place: RoleTable.Place) {
        // The key of what all of this document is the value of may say that it could be somebody's.
        let isTelling = piece.path.lastKey.map { TellingWords.isTelling($0.utf8) } ?? false
        top = Level(place: place, isObject: true, isTelling: isTelling)
        top.path = piece.depth > 0 || piece.seal != nil ? piece.path.appending(.decoded) : piece.path
        next = place
        isDropped = piece.isDropped
        bytes = piece.bytes
    }

    /// Whether what stands here is not inside a value that is dropped.
    var isOutside: Bool { sample == nil && !isDropped }
    var isInSample: Bool { sample != nil }
    /// The role of the keys here.
    var names: PathRole { top.place.names }
    /// The place of the object that is open.
    var place: RoleTable.Place { top.place }

    /// Goes on to a key or to a value; the value of a key stands where the key says, an element where its array does.
    mutating func meet(_ token: JSONTokens.Token) {
        sample?.hasContent = true
        if token.kind == .key {
            top.key = token
            top.called = name(of: token.content)
            top.path = nil
        } else if !top.isObject {
            top.index += 1
            top.path = nil
            next = top.place
        } else if token.kind == .string, top.called == .label {
            top.label = token.content
        }
    }

    private func name(of key: Range<Int>) -> Name {
        func isCalled(_ name: StaticString) -> Bool {
            name.withUTF8Buffer { name in
                for index in name.indices where unsafe bytes[key.lowerBound + index] != name[index] { return false }
                return true
            }
        }
        return switch key.count {
        case 3: isCalled("key") ? .label : .other
        case 4: isCalled("name") ? .label : .other
        case 5: isCalled("value") ? .value : .other
        default: .other
        }
    }

    /// What says what the value here is, where that stands beside it: `{"name": "phone", "value": …}`.
    var label: [UInt8]? {
        guard top.called == .value else { return nil }
        return top.label.map { Array(bytes[$0.prefix(256)]) }
    }

    /// Whether no program takes a key for another one of its object: some compare them as Unicode says (UAX #15).
    mutating func isDistinct(_ key: JSONTokens.Token) -> Bool {
        guard key.hasEscapes || bytes[key.content].contains(where: { $0 >= 0x80 }) else { return true }
        guard case .key(let text) = element(of: top), text.utf8.contains(where: { $0 >= 0x80 }) else {
            return true
        }
        // These three are ASCII characters to some.
        guard !text.unicodeScalars.contains(where: { ["\u{212A}", "\u{37E}", "\u{1FEF}"].contains($0) }) else {
            return false
        }
        return top.wideKeys.insert(text).inserted
    }

    /// Whether the key of the value here, or what stands for one beside it, says that it could be somebody's.
    var isTelling: Bool { top.isTelling || top.label != nil && top.called == .value }

    /// The value of the last key stands at a place; the key may say that it could be somebody's.
    mutating func enter(_ place: RoleTable.Place, isTelling: Bool) {
        next = place
        top.isTelling = isTelling
    }

    mutating func open(isObject: Bool, after start: Int) {
        if isOutside, next.role == .sample { sample = Sample(depth: around.count, start: start, path: path()) }
        let isTelling = !isObject && top.isTelling
        around.append(top)
        top = Level(place: next, isObject: isObject, isTelling: isTelling)
    }

    /// Closes an object or array; gives the sample that ends with it, when it had anything.
    mutating func close(before end: Int) -> Sample? {
        top = around.removeLast()
        guard let ended = sample, ended.depth == around.count else { return nil }
        sample = nil
        return ended.hasContent ? ended : nil
    }

    /// The path of the value here. Complexity: O(depth) once, then O(1) for each value beside it.
    mutating func path() -> JSONPath {
        if let path = top.path { return path }
        // What the document stands in has one.
        let known = around.lastIndex { $0.path != nil } ?? 0
        var path = around[known].path ?? JSONPath()
        for index in (known + 1)..<around.count {
            path = path.appending(element(of: around[index]))
            around[index].path = path
        }
        path = path.appending(element(of: top))
        top.path = path
        return path
    }

    private func element(of level: Level) -> JSONPath.Element {
        guard let key = level.key else { return .index(max(level.index, 0)) }
        // The tokeniser has checked the escapes.
        let text = key.hasEscapes ? (try? JSONText.unescape(bytes[key.content])) ?? [] : Array(bytes[key.content])
        return .key(String(decoding: text, as: UTF8.self))
    }
}
