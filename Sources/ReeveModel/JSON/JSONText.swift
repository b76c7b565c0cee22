// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// The text of a JSON string between its quotes: unescaped with a map of offsets, and escaped again.
public enum JSONText: Sendable {
    /// Unescaped bytes, and where each of them came from.
    public struct Unescaped: Hashable, Sendable {
        /// The bytes, UTF-8.
        public var bytes: [UInt8]
        /// For each byte the offset of the source that it came from, and one more for the end.
        public var sources: [Int]

        /// Bytes with the offsets they came from: one offset more than there are bytes.
        public init(bytes: [UInt8], sources: [Int]) {
            self.bytes = bytes
            self.sources = sources
        }
    }

    /// Unescapes with offsets. `base` is added to every offset, also in errors.
    public static func unescapeWithOffsets(
        _ raw: ArraySlice<UInt8>, at base: Int
    ) throws(JSONError) -> Unescaped {
        var result = Unescaped(bytes: [], sources: [])
        result.bytes.reserveCapacity(raw.count)
        result.sources.reserveCapacity(raw.count + 1)
        let shift = base - raw.startIndex
        var position = raw.startIndex
        while position < raw.endIndex {
            let start = position
            if raw[position] != UInt8(ascii: "\\") {
                result.bytes.append(raw[position])
                result.sources.append(start + shift)
                position += 1
                continue
            }
            let scalar = try readEscape(raw, at: &position, shift: shift)
            for byte in Character(scalar).utf8 {
                result.bytes.append(byte)
                result.sources.append(start + shift)
            }
        }
        result.sources.append(raw.endIndex + shift)
        return result
    }

    /// Unescapes the content of a string.
    public static func unescape(_ raw: ArraySlice<UInt8>, at base: Int = 0) throws(JSONError) -> [UInt8] {
        guard raw.contains(UInt8(ascii: "\\")) else { return Array(raw) }
        return try unescapeWithOffsets(raw, at: base).bytes
    }

    /// Escapes text for use between quotes: `"`, `\` and control characters.
    public static func escape(_ text: some Sequence<UInt8>) -> [UInt8] {
        var escaped: [UInt8] = []
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): escaped += [UInt8(ascii: "\\"), byte]
            case 0x0A: escaped += Array("\\n".utf8)
            case 0x0D: escaped += Array("\\r".utf8)
            case 0x09: escaped += Array("\\t".utf8)
            case 0..<0x20: escaped += Array("\\u00".utf8) + Array(Hex.encode([byte]).utf8)
            default: escaped.append(byte)
            }
        }
        return escaped
    }

    private static func readEscape(
        _ raw: ArraySlice<UInt8>, at position: inout Int, shift: Int
    ) throws(JSONError) -> Unicode.Scalar {
        let start = position + shift
        guard position + 1 < raw.endIndex else { throw JSONError(.truncated, at: raw.endIndex + shift) }
        let kind = raw[position + 1]
        if kind != UInt8(ascii: "u") {
            guard let scalar = simpleEscapes[kind] else { throw JSONError(.invalidEscape, at: start) }
            position += 2
            return scalar
        }
        let first = try readUnit(raw, at: position, shift: shift)
        position += 6
        switch first {
        case 0xD800...0xDBFF:
            guard position + 1 < raw.endIndex, raw[position] == UInt8(ascii: "\\"),
                raw[position + 1] == UInt8(ascii: "u")
            else { throw JSONError(.loneSurrogate, at: start) }
            let second = try readUnit(raw, at: position, shift: shift)
            guard (0xDC00...0xDFFF).contains(second) else { throw JSONError(.loneSurrogate, at: start) }
            position += 6
            let value = 0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF)
            guard let scalar = Unicode.Scalar(value) else { throw JSONError(.loneSurrogate, at: start) }
            return scalar
        default:
            guard let scalar = Unicode.Scalar(first) else { throw JSONError(.loneSurrogate, at: start) }
            return scalar
        }
    }

    private static func readUnit(
        _ raw: ArraySlice<UInt8>, at position: Int, shift: Int
    ) throws(JSONError) -> UInt32 {
        guard position + 6 <= raw.endIndex else { throw JSONError(.truncated, at: raw.endIndex + shift) }
        var value: UInt32 = 0
        for digit in raw[position + 2..<position + 6] {
            switch digit {
            case 48...57: value = value << 4 | UInt32(digit - 48)
            case 65...70: value = value << 4 | UInt32(digit - 55)
            case 97...102: value = value << 4 | UInt32(digit - 87)
            default: throw JSONError(.invalidEscape, at: position + shift)
            }
        }
        return value
    }

    private static let simpleEscapes: [UInt8: Unicode.Scalar] = [
        UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{08}",
        UInt8(ascii: "f"): "\u{0C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
    ]
}
