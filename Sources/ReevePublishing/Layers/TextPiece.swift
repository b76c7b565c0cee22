// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A stretch of text in one layer of a document: its decoded bytes, and where each of them stands in the source.
struct TextPiece {
    /// How the text of a layer is written into the layer outside it.
    enum Encoding {
        case json, rubySingle, rubyDouble
    }

    var bytes: [UInt8]
    var sources: SourceMap
    /// How a replacement is written, innermost layer first.
    var encodings: [Encoding] = []
    var path: JSONPath
    var role: PathRole
    /// A JSON number: a replacement must be digits.
    var isNumber = false
    /// It goes with a value that is dropped by its role.
    var isDropped = false
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
    func source(_ range: Range<Int>) -> Range<Int> { sources[range.lowerBound]..<sources[range.upperBound] }

    /// A replacement, written for the source document.
    func encode(_ replacement: [UInt8]) -> [UInt8] {
        encodings.reduce(replacement) { text, encoding in
            switch encoding {
            case .json: JSONText.escape(text)
            case .rubySingle: RubyText.escape(text, quote: UInt8(ascii: "'"))
            case .rubyDouble: RubyText.escape(text, quote: UInt8(ascii: "\""))
            }
        }
    }

    /// A part of this piece in the same layer.
    func part(_ range: Range<Int>) -> TextPiece {
        var copy = self
        copy.bytes = Array(bytes[range])
        copy.sources = sources.part(range)
        return copy
    }

    /// What is written inside a part of this piece: `decoded` has offsets into this piece's bytes.
    func inner(_ decoded: JSONText.Unescaped, _ encoding: Encoding) -> TextPiece {
        var copy = self
        copy.bytes = decoded.bytes
        copy.sources = sources.decoded(decoded.sources)
        copy.encodings.insert(encoding, at: 0)
        copy.depth += 1
        return copy
    }
}
