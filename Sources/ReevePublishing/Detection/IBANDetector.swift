// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// International bank account numbers (ISO 13616): country, length and the check of ISO 7064 modulo 97.
enum IBANDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        var position = 0
        while position + 14 < text.count {
            guard text[position].isLetter, text[position + 1].isLetter, text[position + 2].isDigit,
                text[position + 3].isDigit,
                position == 0 || !text[position - 1].isAlphanumeric || isNamed(text, position),
                let length = lengths[String(decoding: text[position..<(position + 2)], as: UTF8.self).uppercased()],
                let (compact, end) = read(text, from: position, length: length)
            else {
                position += 1
                continue
            }
            if isValid(compact) {
                if Surrogates.isIBAN(compact) {
                    found.surrogates.append((String(decoding: compact, as: UTF8.self), position..<end))
                } else {
                    found.matches.append(Match(kind: .iban, range: position..<end, score: 0.98, rule: "iban.mod97"))
                }
                position = end
            } else {
                if context.suggestsIBAN {
                    found.matches.append(Match(kind: .iban, range: position..<end, score: 0.5, rule: "iban.key"))
                }
                position += 1
            }
        }
    }

    /// Whether `IBAN` stands right before a position.
    private static func isNamed(_ text: [UInt8], _ position: Int) -> Bool {
        position >= 4 && text[(position - 4)..<position].map { $0 | 0x20 }.elementsEqual("iban".utf8)
    }

    /// `length` letters and digits with spaces, hyphens, dots or slashes between them, upper-cased. Of letters behind it three are a currency.
    private static func read(_ text: [UInt8], from start: Int, length: Int) -> ([UInt8], Int)? {
        var (compact, end): ([UInt8], Int) = ([], start)
        while compact.count < length {
            guard end < text.count else { return nil }
            if text[end].isAlphanumeric {
                compact.append(text[end].isLetter ? text[end] & 0xDF : text[end])
                end += 1
            } else {
                guard compact.count >= 4, let next = Separator.end(in: text, from: end, " -\t./") else { return nil }
                end = next
            }
        }
        let behind = text[end...].prefix(4).prefix(while: \.isWordByte)
        let isCurrency = behind.count == 3 && behind.allSatisfy(\.isUpper)
        return behind.isEmpty || isCurrency ? (compact, end) : nil
    }

    static func isValid(_ compact: [UInt8]) -> Bool {
        var remainder = 0
        for byte in compact[4...] + compact[..<4] {
            remainder = byte.isDigit ? (remainder * 10 + Int(byte - 48)) % 97 : (remainder * 100 + Int(byte - 55)) % 97
        }
        return remainder == 1
    }

    /// Lengths by country, of the registry of ISO 13616.
    private static let lengths: [String: Int] = [
        "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
        "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
        "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
        "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
        "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
        "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
        "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
        "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
    ]
}
