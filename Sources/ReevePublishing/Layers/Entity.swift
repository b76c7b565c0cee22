// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Character references of HTML: `&#64;`, `&#x40;` and the named ones that a value could be hidden with.
enum Entity {
    private static let longest = 10
    private static let names: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "commat": "@", "period": ".",
        "plus": "+",
        "lowbar": "_", "hyphen": "-", "dash": "-", "ndash": "-", "num": "#", "colon": ":", "sol": "/", "equals": "=",
        "lpar": "(", "rpar": ")", "Tab": "\t", "NewLine": "\n",
    ]

    /// The character that a reference at a position stands for, and the reference's length; `nil` when none is there.
    static func decode(_ text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard text[position] == UInt8(ascii: "&"),
            let end = text[position...].prefix(longest).firstIndex(of: UInt8(ascii: ";"))
        else { return nil }
        let name = String(decoding: text[position + 1..<end], as: UTF8.self)
        let length = end + 1 - position
        if let known = names[name] { return (Array(known.utf8), length) }
        guard name.hasPrefix("#") else { return nil }
        let isHex = name.dropFirst().first.map { $0 == "x" || $0 == "X" } ?? false
        guard let number = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10),
            let scalar = Unicode.Scalar(number), number >= 0x20
        else { return nil }
        return (Array(Character(scalar).utf8), length)
    }
}
