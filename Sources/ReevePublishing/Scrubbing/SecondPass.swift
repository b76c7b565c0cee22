// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Reads the output again, as a stranger would: nothing personal may be left, nothing else may be different.
enum SecondPass {
    static func check(_ pass: FirstPass, _ format: RecipeFormat, _ limits: JSONTokens.Limits) throws(BlockReason) {
        var roomy = limits
        roomy.bytes = max(limits.bytes, pass.output.count)
        let reader: DocumentReader
        do throws(ReadFailure) {
            reader = try DocumentReader(pass.output, format: format, limits: roomy)
        } catch {
            throw .brokenRecipe
        }
        let isSameShape =
            reader.shape.count == pass.reader.shape.count
            && zip(reader.shape, pass.reader.shape).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        guard isSameShape, reader.references == pass.reader.references else { throw .brokenRecipe }

        // What the first pass left on purpose is known; anything else is a survivor.
        var left = pass.left
        for piece in reader.pieces {
            let found = Detection.scan(piece)
            for match in found.matches {
                let place = FirstPass.Place(path: piece.path, rule: match.rule)
                guard let count = left[place], count > 0 else { throw .survivor(masked(piece.path)) }
                left[place] = count - 1
            }
        }
        let list = DenyList(pass.originals)
        guard !list.isEmpty else { return }
        if list.occurs(in: pass.output) { throw .survivor(JSONPath()) }
        for (path, bytes) in reader.decoded where list.occurs(in: bytes) { throw .survivor(masked(path)) }
    }

    /// The path without the keys that a detector finds something in.
    private static func masked(_ path: JSONPath) -> JSONPath {
        JSONPath(
            path.elements.map { element in
                guard case .key(let key) = element else { return element }
                return Detection.scan(TextPiece(text: key)).matches.isEmpty ? element : .key("(personal)")
            })
    }
}

/// Values that were taken out, in the forms in which they could still stand somewhere.
struct DenyList {
    private var forms: [UInt64: [[UInt8]]] = [:]
    private static let window = 6

    var isEmpty: Bool { forms.isEmpty }

    init(_ originals: [[UInt8]]) {
        for original in Set(originals) {
            for form in Self.spellings(of: original) where form.count >= Self.window {
                forms[Self.key(form, at: 0), default: []].append(form)
            }
        }
    }

    /// Whether any form occurs, in upper or lower case. Complexity: O(bytes) and the forms with an equal start.
    func occurs(in text: [UInt8]) -> Bool {
        guard text.count >= Self.window else { return false }
        let folded = text.map(Self.fold)
        var key: UInt64 = 0
        for position in folded.indices {
            key = (key << 8 | UInt64(folded[position])) & 0xFFFF_FFFF_FFFF
            let start = position - Self.window + 1
            guard start >= 0, let candidates = forms[key] else { continue }
            if candidates.contains(where: { folded[start...].starts(with: $0) }) { return true }
        }
        return false
    }

    /// The value itself, percent-encoded, in base 64, in hexadecimal, and escaped once and twice for JSON.
    private static func spellings(of original: [UInt8]) -> Set<[UInt8]> {
        let percent = original.flatMap { byte -> [UInt8] in
            byte.isAlphanumeric || ".-_~".utf8.contains(byte) ? [byte] : Array("%\(Hex.encode([byte]))".utf8)
        }
        let escaped = JSONText.escape(original)
        var base64 = Array(Base64URL.encode(original).utf8)
        // The last characters depend on what follows the value.
        base64.removeLast(original.count % 3 == 0 ? 0 : 1)
        let standard = base64.map {
            $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 == UInt8(ascii: "_") ? UInt8(ascii: "/") : $0
        }
        let forms: [[UInt8]] = [
            original, percent, base64, standard, Array(Hex.encode(original).utf8), escaped, JSONText.escape(escaped),
        ]
        return Set(forms.map { $0.map(fold) })
    }

    private static func key(_ form: [UInt8], at start: Int) -> UInt64 {
        form[start..<(start + window)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func fold(_ byte: UInt8) -> UInt8 { byte.isUpper ? byte | 0x20 : byte }
}
