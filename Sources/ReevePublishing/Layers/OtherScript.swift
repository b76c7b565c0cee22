// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Digits of other scripts, and letters that look like those of ASCII (UTS #39), as the detectors read them.
enum OtherScript {
    /// The first bytes of what is folded here.
    static let leads = ByteSet([0xCE, 0xCF, 0xD0, 0xD1, 0xD9, 0xDB, 0xE0])

    /// The digit at a position: Arabic, Persian, Devanagari, Bengali, Thai.
    static func digit(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard position + 1 < text.count else { return nil }
        let second = text[position + 1]
        switch text[position] {
        case 0xD9 where (0xA0...0xA9).contains(second): return ([second - 0xA0 + 48], 2)
        case 0xDB where (0xB0...0xB9).contains(second): return ([second - 0xB0 + 48], 2)
        case 0xE0:
            guard position + 2 < text.count else { return nil }
            let third = text[position + 2]
            switch second {
            case 0xA5 where (0xA6...0xAF).contains(third), 0xA7 where (0xA6...0xAF).contains(third):
                return ([third - 0xA6 + 48], 3)
            case 0xB9 where (0x90...0x99).contains(third): return ([third - 0x90 + 48], 3)
            default: return nil
            }
        default: return nil
        }
    }

    /// The letter of ASCII that a letter at a position looks like, where it stands beside one of ASCII or a digit: a word of one script is none.
    static func lookalike(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard position + 1 < text.count, let letter = letters[UInt16(text[position]) << 8 | UInt16(text[position + 1])]
        else { return nil }
        return isMixed(text, around: position) ? ([letter], 2) : nil
    }

    /// Whether a letter or digit of ASCII stands on one side, past others that look like one.
    private static func isMixed(_ text: [UInt8], around position: Int) -> Bool {
        var before = position
        while before > 1, position - before < 64,
            letters[UInt16(text[before - 2]) << 8 | UInt16(text[before - 1])] != nil
        { before -= 2 }
        if before > 0, text[before - 1].isWordByte { return true }
        var after = position + 2
        while after + 1 < text.count, after - position < 64,
            letters[UInt16(text[after]) << 8 | UInt16(text[after + 1])] != nil
        { after += 2 }
        return after < text.count && text[after].isWordByte
    }

    private static let letters: [UInt16: UInt8] = {
        let pairs: [(String, String)] = [
            ("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS"), ("аеорсухіјѕ", "aeopcyxijs"), ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
            ("ονρ", "ovp"),
        ]
        var table: [UInt16: UInt8] = [:]
        for (others, plain) in pairs {
            for (other, letter) in zip(others, plain.utf8) {
                let bytes = Array(other.utf8)
                table[UInt16(bytes[0]) << 8 | UInt16(bytes[1])] = letter
            }
        }
        return table
    }()
}
