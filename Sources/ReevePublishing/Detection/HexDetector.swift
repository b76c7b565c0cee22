// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Text that is written as hexadecimal digits, also within such a text. Something in it is for a person to decide: a stand-in would not be what is expected there.
enum HexDetector {
    /// Hexadecimal digits of the shortest text that something can be in.
    static let shortest = 18

    static func scan(_ text: [UInt8], _ found: inout Detected, by detect: ([UInt8]) -> [Match]) {
        var position = 0
        while position < text.count {
            guard text[position].isHexDigit else {
                position += 1
                continue
            }
            let start = position
            while position < text.count, text[position].isHexDigit { position += 1 }
            let count = position - start
            // Bytes of text have a high half of 2 to 7.
            guard count >= shortest, count % 2 == 0,
                start == 0 || !text[start - 1].isWordByte || text[start - 1] == UInt8(ascii: "x"),
                stride(from: start, to: position, by: 2).allSatisfy({ (50...55).contains(text[$0]) }),
                let inner = Hex.decode(String(decoding: text[start..<position], as: UTF8.self)),
                let best = detect(Array(inner)).max(by: { $0.score < $1.score }), best.score >= Match.replaceFrom
            else { continue }
            found.matches.append(Match(kind: best.kind, range: start..<position, score: 0.5, rule: best.rule))
        }
    }
}
