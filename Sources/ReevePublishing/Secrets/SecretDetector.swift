// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// Keys and tokens of known providers, found by their prefixes.
enum SecretDetector {
    static func scan(_ text: [UInt8], _ found: inout Detected) {
        // No prefix and body together are shorter.
        guard text.count >= shortest else { return }
        if text.contains(UInt8(ascii: "-")) { scanPrivateKeys(text, &found) }
        if text.contains(where: { $0 == 0x0A || $0 == 0x0D }) { scanLines(text, &found) }
        guard mayHold(text) else { return }
        found.surrogates += RecipeParameter.find(in: text).map { ($0.parameter.description, $0.range) }
        InnerKeyDetector.scan(text, &found)
        var position = 0
        while position < text.count {
            if let (name, prefix, end) = KeyRules.longest(in: text, at: position) {
                if isPlausible(text[(position + prefix)..<end], name) {
                    let score = isPublic(text[position..<end]) ? 0.2 : 0.98
                    found.matches.append(Match(kind: .secret, range: position..<end, score: score, rule: name))
                }
                position = end
            } else {
                position += 1
            }
        }
    }

    /// Adds keys that go on in the next line. A person decides: the line's end would go with it.
    private static func scanLines(_ text: [UInt8], _ found: inout Detected) {
        var (joined, places): ([UInt8], [Int]) = ([], [])
        for (place, byte) in text.enumerated() where byte != 0x0A && byte != 0x0D {
            joined.append(byte)
            places.append(place)
        }
        guard mayHold(joined) else { return }
        var position = 0
        while position < joined.count {
            guard let (name, prefix, end) = KeyRules.longest(in: joined, at: position) else {
                position += 1
                continue
            }
            let range = places[position]..<(places[end - 1] + 1)
            if range.count > end - position, isPlausible(joined[(position + prefix)..<end], name) {
                found.matches.append(Match(kind: .secret, range: range, score: 0.5, rule: name))
            }
            position = end
        }
    }

    /// Bytes of the shortest prefix and body.
    static let shortest = 13

    private static func mayHold(_ text: [UInt8]) -> Bool {
        unsafe text.withUnsafeBufferPointer { unsafe mayHold($0, 0..<text.count) }
    }

    /// Whether a key of a provider could begin in a part of a text: a prefix and as many bytes after it as the shortest has.
    ///
    /// Complexity: O(bytes), without an allocation.
    static func mayHold(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        if unsafe InnerKeyDetector.mayHold(text, range) { return true }
        var start = range.lowerBound
        // Read once: a static is looked after at each use.
        let inside = Self.inside
        for position in range {
            let byte = unsafe text[position]
            if byte.isAlphanumeric || inside.contains(byte) { continue }
            if position - start >= shortest, unsafe mayBegin(text, start..<position) { return true }
            start = position + 1
        }
        return unsafe range.upperBound - start >= shortest && mayBegin(text, start..<range.upperBound)
    }

    /// What may stand within a key beside letters and digits; behind a backslash a letter may be that of an escape.
    static let inside = KeyRules.all.reduce(into: ByteSet("\\".utf8)) { $0.formUnion($1.shape.bytes) }

    private static func mayBegin(_ text: UnsafeBufferPointer<UInt8>, _ run: Range<Int>) -> Bool {
        unsafe KeyRules.beginnings.withUnsafeBufferPointer { beginnings in
            for position in run.lowerBound...(run.upperBound - shortest) {
                let pair = unsafe Int(text[position]) << 8 | Int(text[position + 1])
                guard unsafe beginnings[pair >> 6] & 1 << UInt64(pair & 63) != 0 else { continue }
                let rest = unsafe UnsafeBufferPointer(rebasing: text[position..<run.upperBound])
                if unsafe rest.starts(with: RecipeParameter.prefix) { return true }
                // Behind a backslash a letter may be that of an escape.
                let isEscaped = unsafe position >= run.lowerBound + 2 && text[position - 2] == UInt8(ascii: "\\")
                let before = unsafe position == run.lowerBound || isEscaped ? 0 : text[position - 1]
                if unsafe KeyRules.byFirstByte[Int(rest[0])].contains(where: { rule in
                    unsafe rest.count >= rule.shape.shortest && rest.starts(with: rule.shape.prefix)
                        && KeyRules.mayStand(rule, behind: before)
                }) {
                    return true
                }
            }
            return false
        }
    }

    /// `xxxx…` is a placeholder; `s.makeController` is a call.
    private static func isPlausible(_ body: ArraySlice<UInt8>, _ name: String) -> Bool {
        if name == "secret.age" { return Set(body) != [UInt8(ascii: "X")] && Set(body) != [UInt8(ascii: "x")] }
        if name == "secret.vault", body.count == 24 {
            return body.contains(where: \.isDigit) && body.contains(where: \.isUpper)
        }
        if name == "secret.notion", !body.contains(where: \.isLetter) { return false }
        if name == "secret.sourcegraph", SecretValue.entropy(body) < 3 { return false }
        if name == "secret.gitlab", body.allSatisfy(\.isDigit) { return false }
        return Set(body.filter { !"-._".utf8.contains($0) }).count >= 3
    }

    /// Whether a key is one that everybody has: made of letters in their order, or from a provider's own documentation.
    private static func isPublic(_ key: ArraySlice<UInt8>) -> Bool {
        guard key.starts(with: "AIza".utf8) else { return false }
        if SecretValue.isSequence(Array(key)) { return true }
        guard let digest = try? Digest(hashing: Array(key)) else { return false }
        return samples.contains(digest.bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// The beginnings of the SHA-256 of keys that stand in documentation and samples of Google's.
    private static let samples: Set<UInt64> = [
        0x2037ABCAFFB2B777, 0x27A9A42931DFF7EB, 0x37F8F09BDF12C2F2, 0x3A8B61D0F636B007, 0x3F370C9DD8225C63,
        0x4C98242DCADC8B29, 0x8731261CB72D8626, 0xA6C814BC555AE62C, 0xB7D61096898CE748, 0xDC0FCF046C61640C,
        0xEA9BB1082CF95663, 0xF3082CE9D6992144,
    ]

    /// PEM blocks of private keys (RFC 7468). One that begins or ends in another place is for a person to decide.
    private static func scanPrivateKeys(_ text: [UInt8], _ found: inout Detected) {
        // A key file of PuTTY's goes to its end.
        if let start = text.place(of: Array("PuTTY-User-Key-File-".utf8)) {
            found.matches.append(
                Match(kind: .secret, range: start..<text.count, score: 0.97, rule: "secret.privateKey"))
            return
        }
        let (begin, endLine) = (Array("-----BEGIN ".utf8), Array("-----END ".utf8))
        var position = 0
        while let start = text.place(of: begin, from: position) {
            position = start + begin.count
            guard isPrivateKey(text, from: position) else { continue }
            guard let close = text.place(of: endLine, from: position) else {
                found.matches.append(
                    Match(kind: .secret, range: start..<text.count, score: 0.5, rule: "secret.privateKey"))
                return
            }
            let end =
                text.place(of: Array("-----".utf8), from: close + endLine.count).map { $0 + 5 } ?? text.count
            // With nothing in it, or words in lower case, it only shows how one is written.
            let label = text[..<close].place(of: Array("-----".utf8), from: position).map { $0 + 5 } ?? position
            let isWritten = text[label..<close].contains { !($0.isLetter && !$0.isUpper) && $0 > 0x20 }
            let score = isWritten ? 0.99 : 0.25
            found.matches.append(Match(kind: .secret, range: start..<end, score: score, rule: "secret.privateKey"))
            position = end
        }
        while let start = text.place(of: endLine, from: position) {
            position = start + endLine.count
            guard isPrivateKey(text, from: position) else { continue }
            found.matches.append(Match(kind: .secret, range: start..<position, score: 0.5, rule: "secret.privateKey"))
        }
    }

    /// Whether a label within the next bytes is a private key's.
    private static func isPrivateKey(_ text: [UInt8], from position: Int) -> Bool {
        text[position..<min(text.count, position + 48)].holds(Array("PRIVATE KEY".utf8))
    }
}
