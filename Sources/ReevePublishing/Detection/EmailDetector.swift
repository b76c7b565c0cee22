// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// E-mail addresses (RFC 5321, and RFC 6531 for other scripts), found from the `@` outwards.
enum EmailDetector {
    static func scan(_ text: [UInt8], _ found: inout Detected) {
        for position in text.indices where text[position] == UInt8(ascii: "@") {
            guard let range = address(in: text, at: position) else { continue }
            let address = String(decoding: text[range], as: UTF8.self).lowercased()
            let local = String(decoding: text[range.lowerBound..<position], as: UTF8.self).lowercased()
            let domain = String(decoding: text[(position + 1)..<range.upperBound], as: UTF8.self).lowercased()
            if Surrogates.isEmail(address) {
                found.surrogates.insert(address)
            } else if !isPlaceholder(local, domain) {
                found.matches.append(Match(kind: .email, range: range, score: 0.95, rule: "email.address"))
            }
        }
    }

    private static func address(in text: [UInt8], at position: Int) -> Range<Int>? {
        var start = position
        while start > 0, isLocal(text[start - 1]) { start -= 1 }
        while start < position, text[start] == UInt8(ascii: ".") || text[start] == UInt8(ascii: "'") { start += 1 }
        guard start < position, text[position - 1] != UInt8(ascii: ".") else { return nil }
        var (end, labelStart, lastDot) = (position + 1, position + 1, -1)
        while end < text.count {
            let byte = text[end]
            if byte == UInt8(ascii: ".") {
                guard end > labelStart, end + 1 < text.count, isDomain(text[end + 1]) else { break }
                lastDot = end
                labelStart = end + 1
            } else if !(isDomain(byte) || (byte == UInt8(ascii: "-") && end > labelStart)) {
                break
            }
            end += 1
        }
        while end > labelStart, text[end - 1] == UInt8(ascii: "-") { end -= 1 }
        guard lastDot > position + 1, end - lastDot > 2 else { return nil }
        let top = text[(lastDot + 1)..<end]
        guard top.allSatisfy({ $0.isLetter || $0 >= 0x80 }) || top.starts(with: Array("xn--".utf8)),
            !fileExtensions.contains(String(decoding: top, as: UTF8.self).lowercased())
        else { return nil }
        return start..<end
    }

    /// Addresses that stand for any address: a role word at a reserved domain (RFC 2606).
    private static func isPlaceholder(_ local: String, _ domain: String) -> Bool {
        let reserved =
            ["example.com", "example.org", "example.net"].contains(domain)
            || [".example", ".test", ".invalid", ".localhost"].contains { domain.hasSuffix($0) }
        return reserved && placeholders.contains(local)
    }

    private static let placeholders: Set<String> = [
        "user", "username", "name", "email", "you", "your", "yourname", "your.name", "your.email", "someone", "foo",
        "bar", "test", "admin", "info", "me", "noreply", "no-reply", "example", "hello", "contact", "support",
    ]
    private static let fileExtensions: Set<String> = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "htm", "xml", "pdf", "csv", "ts",
    ]

    /// Bytes of a local part. Of the signs that RFC 5322 also allows, those that code and links use as separators
    /// (`=`, `&`, `/`, `?`, `{` …) end it.
    private static func isLocal(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || byte >= 0x80 || ".%'+-_~".utf8.contains(byte)
    }

    private static func isDomain(_ byte: UInt8) -> Bool { byte.isAlphanumeric || byte >= 0x80 }
}
