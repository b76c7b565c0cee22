// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// Addresses of Bitcoin (base 58 with a check, BIP 173, BIP 350), Ethereum and Monero.
enum CryptoAddressDetector {
    /// Letters and digits of the shortest address.
    static let shortest = 26

    static func scan(_ text: [UInt8], _ found: inout Detected) {
        var position = 0
        while position < text.count {
            guard text[position].isAlphanumeric else {
                position += 1
                continue
            }
            let start = position
            while position < text.count, text[position].isAlphanumeric { position += 1 }
            guard position - start >= shortest, let rule = rule(text[start..<position]) else { continue }
            found.matches.append(
                Match(kind: .cryptoAddress, range: start..<position, score: rule.1, rule: "crypto." + rule.0))
        }
    }

    private static func rule(_ word: ArraySlice<UInt8>) -> (String, Double)? {
        let first = word[word.startIndex]
        if word.count == 42, word.starts(with: "0x".utf8), word.dropFirst(2).allSatisfy(\.isHexDigit) {
            return Set(word.dropFirst(2)).count > 4 ? ("ethereum", 0.7) : nil
        }
        if first == UInt8(ascii: "1") || first == UInt8(ascii: "3"), word.count <= 35 {
            return isChecked(word) ? ("bitcoin", 0.95) : nil
        }
        let lower = word.map { $0.isUpper ? $0 | 0x20 : $0 }
        if ["bc1", "tb1", "ltc1"].contains(where: { lower.starts(with: $0.utf8) }),
            (word.allSatisfy { !$0.isUpper } || word.allSatisfy { $0.isUpper || $0.isDigit })
        {
            return isBech32(lower) ? ("bitcoin", 0.95) : nil
        }
        if first == UInt8(ascii: "4") || first == UInt8(ascii: "8"), word.count == 95,
            word.allSatisfy({ base58.contains($0) })
        {
            return ("monero", 0.7)
        }
        return nil
    }

    private static let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    private static let base58 = ByteSet(alphabet)

    /// Base 58 of 25 bytes, the last four the start of a double SHA-256 of the others.
    private static func isChecked(_ word: ArraySlice<UInt8>) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 25)
        for byte in word {
            guard var carry = alphabet.firstIndex(of: byte) else { return false }
            for index in bytes.indices.reversed() {
                carry += Int(bytes[index]) * 58
                bytes[index] = UInt8(carry & 255)
                carry >>= 8
            }
            guard carry == 0 else { return false }
        }
        guard let once = try? Digest(hashing: Array(bytes[..<21])), let twice = try? Digest(hashing: Array(once.bytes))
        else {
            // What cannot be checked may be one.
            return true
        }
        return Array(twice.bytes).starts(with: bytes[21...])
    }

    /// The polynomial of BIP 173, with the constant of it or of BIP 350.
    private static func isBech32(_ word: [UInt8]) -> Bool {
        guard let one = word.lastIndex(of: UInt8(ascii: "1")), word.count - one > 6, word.count <= 90 else {
            return false
        }
        let digits = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
        var values: [Int] = word[..<one].map { Int($0) >> 5 } + [0] + word[..<one].map { Int($0) & 31 }
        for byte in word[(one + 1)...] {
            guard let value = digits.firstIndex(of: byte) else { return false }
            values.append(value)
        }
        var check = 1
        for value in values {
            let top = check >> 25
            check = (check & 0x1FF_FFFF) << 5 ^ value
            for (bit, generator) in [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3].enumerated()
            where top >> bit & 1 == 1 { check ^= generator }
        }
        return check == 1 || check == 0x2BC8_30A3
    }
}
