// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A SHA-256 digest (FIPS 180-4): 32 bytes that stand for a document, a policy or a decision.
///
/// This is the value alone; ReeveCrypto computes it. Its text, also in JSON, is 64 lower-case hexadecimal digits.
public struct Digest: Hashable, Sendable {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// A digest of exactly 32 bytes; `nil` for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }
}

extension Digest: LosslessStringConvertible, TextCodable {
    /// 64 lower-case hexadecimal digits.
    public var description: String { Hex.encode(bytes) }

    /// Reads 64 lower-case hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 64, let bytes = Hex.decode(text) else { return nil }
        self.init(bytes: bytes)
    }
}

/// Lower-case hexadecimal.
package enum Hex {
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.underestimatedCount)
        append(Array(bytes), to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    // Not generic: other modules would pay for each byte.
    package static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? value + 48 : value + 87 }
        var position = text.count
        text.append(contentsOf: repeatElement(0, count: 2 * bytes.count))
        unsafe text.withUnsafeMutableBufferPointer { text in
            for byte in bytes {
                unsafe text[position] = digit(byte >> 4)
                unsafe text[position + 1] = digit(byte & 15)
                position += 2
            }
        }
    }

    package static func decode(_ text: String) -> [UInt8]? { decode(utf8: Array(text.utf8)[...]) }

    package static func decode(utf8 digits: ArraySlice<UInt8>) -> [UInt8]? {
        /// 16 or more for what is no digit.
        func value(_ digit: UInt8) -> UInt8 {
            switch digit {
            case 48...57: digit - 48
            case 97...102: digit - 87
            default: 0xFF
            }
        }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes = [UInt8](repeating: 0, count: digits.count / 2)
        let isHex = unsafe digits.withUnsafeBufferPointer { digits in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                for index in bytes.indices {
                    let (high, low) = unsafe (value(digits[2 * index]), value(digits[2 * index + 1]))
                    guard high < 16, low < 16 else { return false }
                    unsafe bytes[index] = high << 4 | low
                }
                return true
            }
        }
        return isHex ? bytes : nil
    }
}
