// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Base 64 with the URL alphabet and without padding (RFC 4648 §5); decoding is strict and canonical.
package enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()

    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        append(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    package static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
        let whole = bytes.count / 3 * 3
        let start = text.count
        text.append(contentsOf: repeatElement(0, count: whole / 3 * 4))
        // Three bytes to four digits at a time; `whole` bytes and their digits lie in both.
        unsafe text.withUnsafeMutableBufferPointer { text in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe alphabet.withUnsafeBufferPointer { alphabet in
                    var target = start
                    for index in stride(from: 0, to: whole, by: 3) {
                        let bits =
                            unsafe UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
                        unsafe text[target] = alphabet[Int(bits >> 18)]
                        unsafe text[target + 1] = alphabet[Int(bits >> 12 & 63)]
                        unsafe text[target + 2] = alphabet[Int(bits >> 6 & 63)]
                        unsafe text[target + 3] = alphabet[Int(bits & 63)]
                        target += 4
                    }
                }
            }
        }
        switch bytes.count - whole {
        case 1:
            text.append(alphabet[Int(bytes[whole] >> 2)])
            text.append(alphabet[Int(bytes[whole] << 4 & 63)])
        case 2:
            let bits = UInt32(bytes[whole]) << 8 | UInt32(bytes[whole + 1])
            text.append(alphabet[Int(bits >> 10)])
            text.append(alphabet[Int(bits >> 4 & 63)])
            text.append(alphabet[Int(bits << 2 & 63)])
        default: break
        }
    }

    package static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)[...]) }

    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        let whole = text.count / 4 * 4
        var isValid = true
        var bytes = [UInt8](repeating: 0, count: text.count * 3 / 4)
        // Four digits to three bytes at a time; a digit that is none has a value over 63.
        unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            unsafe text.withUnsafeBufferPointer { text in
                unsafe values.withUnsafeBufferPointer { values in
                    var (target, wrong) = (0, UInt8(0))
                    for index in stride(from: 0, to: whole, by: 4) {
                        let first = unsafe values[Int(text[index])]
                        let second = unsafe values[Int(text[index + 1])]
                        let third = unsafe values[Int(text[index + 2])]
                        let fourth = unsafe values[Int(text[index + 3])]
                        wrong |= first | second | third | fourth
                        unsafe bytes[target] = first << 2 | second >> 4
                        unsafe bytes[target + 1] = second << 4 | third >> 2
                        unsafe bytes[target + 2] = third << 6 | fourth
                        target += 3
                    }
                    isValid = wrong < 64
                }
            }
        }
        let rest = text.suffix(text.count - whole).map { values[Int($0)] }
        guard isValid, rest.allSatisfy({ $0 < 64 }) else { return nil }
        switch rest.count {
        case 2:
            bytes[bytes.count - 1] = rest[0] << 2 | rest[1] >> 4
            return rest[1] & 15 == 0 ? bytes : nil
        case 3:
            bytes[bytes.count - 2] = rest[0] << 2 | rest[1] >> 4
            bytes[bytes.count - 1] = rest[1] << 4 | rest[2] >> 2
            return rest[2] & 3 == 0 ? bytes : nil
        default: return bytes
        }
    }
}
