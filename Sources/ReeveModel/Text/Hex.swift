// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Lower-case hexadecimal (RFC 4648 §8, in lower case); decoding takes no other spelling.
package enum Hex {
    private static let digits: StaticString = "0123456789abcdef"
    /// The value of each byte that is a digit; 0xFF for what is none.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for value in 0..<16 { table[Int(unsafe digits.utf8Start[value])] = UInt8(value) }
        return table
    }()

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        append(Array(bytes), to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    // Not generic: other modules would pay for each byte.
    package static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0, to: &text) }
    }

    static func append(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        var position = text.count
        text.append(contentsOf: repeatElement(0, count: 2 * bytes.count))
        unsafe text.withUnsafeMutableBufferPointer { text in
            for index in 0..<bytes.count {
                let byte = unsafe bytes[index]
                unsafe text[position] = digits.utf8Start[Int(byte >> 4)]
                unsafe text[position + 1] = digits.utf8Start[Int(byte & 15)]
                position += 2
            }
        }
    }

    package static func decode(_ text: String) -> [UInt8]? { decode(utf8: Array(text.utf8)[...]) }

    /// `nil` for an odd number of digits, and for what is none.
    package static func decode(utf8 digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes = [UInt8](repeating: 0, count: digits.count / 2)
        let isHex = unsafe bytes.withUnsafeMutableBytes { unsafe decode(digits, into: $0) }
        return isHex ? bytes : nil
    }

    /// Writes half as many bytes as there are digits; `false` when one of them is none. `target` has room for them.
    static func decode(_ text: ArraySlice<UInt8>, into target: UnsafeMutableRawBufferPointer) -> Bool {
        unsafe text.withUnsafeBufferPointer { text in
            unsafe values.withUnsafeBufferPointer { values in
                var wrong: UInt8 = 0
                for index in 0..<text.count / 2 {
                    let high = unsafe values[Int(text[2 * index])]
                    let low = unsafe values[Int(text[2 * index + 1])]
                    wrong |= high | low
                    unsafe target[index] = high << 4 | low
                }
                return wrong < 16
            }
        }
    }
}
