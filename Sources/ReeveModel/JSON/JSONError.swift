// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Why bytes are not JSON that Reeve accepts, and where.
public struct JSONError: Error, Hashable, Sendable {
    /// What is wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The input is larger than the limit.
        case tooLarge
        /// Objects and arrays are nested deeper than the limit.
        case tooDeep
        /// The input starts with a byte order mark (RFC 8259 §8.1).
        case byteOrderMark
        /// A string is not UTF-8.
        case invalidUTF8
        /// The input ends in the middle of a value.
        case truncated
        /// A byte stands where the grammar does not allow it.
        case unexpectedByte
        /// A number does not follow the grammar of RFC 8259 §6.
        case invalidNumber
        /// An escape does not follow the grammar of RFC 8259 §7.
        case invalidEscape
        /// A `\u` escape is one half of a surrogate pair.
        case loneSurrogate
        /// A control character stands unescaped in a string.
        case controlCharacter
        /// Two keys of one object are equal after unescaping.
        case duplicateKey
        /// Bytes follow the value.
        case trailingData
    }

    /// What is wrong.
    public let code: Code
    /// Where, in bytes from the start of the input.
    public let offset: Int

    /// An error at an offset.
    public init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    /// What is wrong and where; never a piece of the input.
    public var description: String { "\(text) at byte \(offset)" }

    private var text: String {
        switch code {
        case .tooLarge: "the JSON input is larger than the limit"
        case .tooDeep: "the JSON input is nested deeper than the limit"
        case .byteOrderMark: "the JSON input starts with a byte order mark; save it as UTF-8 without one"
        case .invalidUTF8: "the JSON input is not valid UTF-8"
        case .truncated: "the JSON input ends too early"
        case .unexpectedByte: "unexpected character in the JSON input"
        case .invalidNumber: "malformed JSON number"
        case .invalidEscape: "malformed escape in a JSON string"
        case .loneSurrogate: "half a surrogate pair in a JSON string"
        case .controlCharacter: "unescaped control character in a JSON string"
        case .duplicateKey: "a key occurs twice in one JSON object"
        case .trailingData: "unexpected data after the JSON value"
        }
    }
}
