// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Character references of HTML: `&#64;`, `&#x40;` and the named ones that a value could be hidden with.
enum Entity {
    private static let longest = 24
    private static let names: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "commat": "@", "period": ".",
        "plus": "+",
        "lowbar": "_", "hyphen": "-", "dash": "-", "ndash": "-", "num": "#", "colon": ":", "sol": "/", "equals": "=",
        "lpar": "(", "rpar": ")", "Tab": "\t", "NewLine": "\n", "minus": "-", "ensp": " ", "emsp": " ", "thinsp": " ",
        "shy": "-",
    ]

    /// The character that a reference at a position stands for, and the reference's length; `nil` when none is there. Numbers need no `;`.
    static func decode(_ text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard text[position] == UInt8(ascii: "&"), position + 1 < text.count else { return nil }
        let rest = text[(position + 1)...].prefix(longest)
        guard rest.first == UInt8(ascii: "#") else {
            guard let end = rest.firstIndex(of: UInt8(ascii: ";")),
                let known = names[String(decoding: rest[..<end], as: UTF8.self)]
            else { return nil }
            return (Array(known.utf8), end + 1 - position)
        }
        var digits = rest.dropFirst()
        let isHex = digits.first.map { $0 | 0x20 == UInt8(ascii: "x") } ?? false
        if isHex { digits = digits.dropFirst() }
        digits = digits.prefix { byte in byte.isDigit || isHex && (97...102).contains(byte | 0x20) && byte.isLetter }
        guard let number = UInt32(String(decoding: digits, as: UTF8.self), radix: isHex ? 16 : 10),
            let scalar = Unicode.Scalar(number)
        else { return nil }
        let isClosed = digits.endIndex < text.count && text[digits.endIndex] == UInt8(ascii: ";")
        let character: Unicode.Scalar = number < 0x20 ? " " : scalar
        return (Array(Character(character).utf8), digits.endIndex + (isClosed ? 1 : 0) - position)
    }
}
