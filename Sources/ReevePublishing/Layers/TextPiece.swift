// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A stretch of text in one layer of a document: its decoded bytes, and where each of them stands in the source.
struct TextPiece {
    /// How the text of a layer is written into the layer outside it.
    enum Encoding: Equatable {
        case json, rubySingle, rubyDouble
        /// A literal between these quotes, as JavaScript and Python write them.
        case script(quote: UInt8)
        /// A regular expression between slashes.
        case regex
    }

    /// Where a literal ends and the next one begins, in a text that is put together of several.
    struct Joint {
        /// The place in the text.
        let at: Int
        /// What stands between them in the source: quotes and an operator.
        let source: Range<Int>
    }

    var bytes: [UInt8]
    var sources: SourceMap
    /// How a replacement is written, innermost layer first.
    var encodings: [Encoding] = []
    var path: JSONPath
    /// What says what the value is, beside its key.
    var label: [UInt8]?
    var role: PathRole
    /// A JSON number: a replacement must be digits.
    var isNumber = false
    /// It is a key, or is packed in one.
    var isKey = false
    /// Its key says that it could be somebody's.
    var isTelling = false
    /// What it says about a person, where it is all of a value.
    var fact: QuasiIdentifier.Place?
    /// It goes with a value that is dropped by its role.
    var isDropped = false
    /// It is inside a text that is a template, and so is one itself.
    var isTemplate = false
    /// It stands in source code, a formula, or a text with expressions in it.
    var isInCode = false
    /// It is the name of a step, by which others refer to it.
    var isName = false
    /// It refers to a step by its name.
    var isUse = false
    /// Where the literals meet that it is put together of; only what reaches over one is looked for in it.
    var joints: [Joint] = []
    /// It is all of a text whose parts are read by themselves: only what they do not show is looked for in it.
    var isWhole = false
    /// The number of what it is packed into as a whole; its offsets are in that.
    var seal: Int?
    var depth = 0

    /// A text that stands for itself, in no document.
    init(text: String) {
        self.init(bytes: Array(text.utf8), sources: .row(from: 0), path: JSONPath(), role: .literal)
    }

    init(bytes: [UInt8], sources: SourceMap, path: JSONPath, role: PathRole) {
        self.bytes = bytes
        self.sources = sources
        self.path = path
        self.role = role
    }

    /// The place of a range in the source document.
    func source(_ range: Range<Int>) -> Range<Int> {
        let joint = joints(from: range.upperBound).first
        let end = joint?.at == range.upperBound ? joint?.source.lowerBound : nil
        return sources[range.lowerBound]..<(end ?? sources[range.upperBound])
    }

    /// A replacement of a range, written for the source document: of several literals all of it goes into the first, and nothing is left in
    /// the others. What stands between them stays.
    func edits(of range: Range<Int>, _ replacement: [UInt8]?) -> [(range: Range<Int>, text: [UInt8]?)] {
        let inner = joints(from: range.lowerBound + 1).prefix { $0.at < range.upperBound }.map(\.at)
        // An empty literal has no part.
        var ends = [range.lowerBound]
        for end in inner + [range.upperBound] where end != ends[ends.count - 1] { ends.append(end) }
        let isCoded = PercentCode.isIn(bytes[range])
        return zip(ends, ends.dropFirst()).enumerated().map { index, part in
            let text = replacement.map { replacement in
                index > 0 ? [] : encode(isCoded ? PercentCode.encode(replacement) : replacement)
            }
            return (source(part.0..<part.1), text)
        }
    }

    /// The joints at a place and after it, in their order.
    func joints(from place: Int) -> ArraySlice<Joint> { joints[joints.firstIndex(notBefore: { $0.at < place })...] }

    /// A text, written for the source document.
    func encode(_ replacement: [UInt8]) -> [UInt8] {
        encodings.reduce(replacement) { text, encoding in
            switch encoding {
            case .json: JSONText.escape(text)
            case .rubySingle: RubyText.escape(text, quote: UInt8(ascii: "'"))
            case .rubyDouble: RubyText.escape(text, quote: UInt8(ascii: "\""))
            case .script(let quote):
                Self.escape(text) { $0 == quote || quote == UInt8(ascii: "`") && $0 == UInt8(ascii: "$") }
            case .regex: Self.escape(text) { "/^$.|?*+()[]{}".utf8.contains($0) }
            }
        }
    }

    private static func escape(_ text: [UInt8], _ isSpecial: (UInt8) -> Bool) -> [UInt8] {
        // A literal ends with its line, so a line end is written as an escape.
        let controls: [UInt8: UInt8] = [0x0A: UInt8(ascii: "n"), 0x0D: UInt8(ascii: "r"), 0x09: UInt8(ascii: "t")]
        return text.flatMap { byte -> [UInt8] in
            if let control = controls[byte] { return [UInt8(ascii: "\\"), control] }
            return byte == UInt8(ascii: "\\") || isSpecial(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
        }
    }

    /// A part of this piece in the same layer.
    func part(_ range: Range<Int>) -> TextPiece {
        var copy = self
        copy.bytes = Array(bytes[range])
        if range != 0..<bytes.count { copy.fact = nil }
        copy.sources = sources.part(range)
        return copy
    }

    /// What is written inside a part of this piece: `decoded` has offsets into this piece's bytes.
    func inner(_ decoded: JSONText.Unescaped, _ encoding: Encoding) -> TextPiece {
        var copy = self
        copy.bytes = decoded.bytes
        copy.fact = nil
        copy.sources = sources.decoded(decoded.sources)
        copy.encodings.insert(encoding, at: 0)
        copy.depth += 1
        return copy
    }

    /// Literals of one expression, one after the other: at least one.
    static func joined(_ literals: ArraySlice<TextPiece>) -> TextPiece {
        var all = literals[literals.startIndex]
        if let fixed = literals.first(where: { $0.role.isFixed }) { all.role = fixed.role }
        let last = literals[literals.endIndex - 1]
        var offsets = (0..<all.bytes.count).map { all.sources[$0] }
        for (before, literal) in zip(literals, literals.dropFirst()) {
            let gap = before.sources[before.bytes.count]..<literal.sources[0]
            all.joints.append(Joint(at: all.bytes.count, source: gap))
            all.bytes += literal.bytes
            offsets += (0..<literal.bytes.count).map { literal.sources[$0] }
        }
        offsets.append(last.sources[last.bytes.count])
        all.sources = .each(offsets)
        return all
    }
}
