// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// E-mail addresses (RFC 5321, and RFC 6531 for other scripts), found from the `@` outwards.
enum EmailDetector {
    static func scan(_ text: [UInt8], _ found: inout Detected) {
        for position in text.indices where text[position] == UInt8(ascii: "@") {
            guard let start = localStart(text, before: position), let end = domainEnd(text, after: position) else {
                continue
            }
            let local = String(decoding: text[start..<position], as: UTF8.self).lowercased()
            let domain = String(decoding: text[(position + 1)..<end], as: UTF8.self).lowercased()
            if Surrogates.isEmail(local + "@" + domain) {
                found.surrogates.append((local + "@" + domain, start..<end))
            } else if !isPlaceholder(local, domain), !isRemote(text, local, end),
                RecipeParameter(String(decoding: text[start..<position], as: UTF8.self)) == nil
            {
                found.matches.append(Match(kind: .email, range: start..<end, score: 0.95, rule: "email.address"))
            }
        }
    }

    /// Where the local part begins: letters of one kind of script, digits, and the signs that names use.
    private static func localStart(_ text: [UInt8], before position: Int) -> Int? {
        guard position > 0 else { return nil }
        if text[position - 1] == UInt8(ascii: "\"") {
            // A quoted local part (RFC 5321 §4.1.2).
            let window = text[max(0, position - 66)..<(position - 1)]
            return window.contains(0x0A) ? nil : window.lastIndex(of: UInt8(ascii: "\""))
        }
        var start = position
        let isOtherScript = Script.isOther(text, before: position)
        while start > 0 {
            let length = isOtherScript ? Script.otherLetter(text, before: start) : 0
            if length > 0 {
                start -= length
            } else if text[start - 1].isAlphanumeric || ".%'+-_~".utf8.contains(text[start - 1]) {
                start -= 1
            } else {
                let latin = isOtherScript ? 0 : Script.shortLetter(text, before: start)
                guard latin > 0 else { break }
                start -= latin
            }
        }
        while start < position, text[start] == UInt8(ascii: ".") || text[start] == UInt8(ascii: "'") { start += 1 }
        return start < position ? start : nil
    }

    /// Where the domain ends: after its last label that can be a top-level domain, with at least two labels.
    private static func domainEnd(_ text: [UInt8], after position: Int) -> Int? {
        var (end, labelStart) = (position + 1, position + 1)
        var ends: [(end: Int, isTop: Bool)] = []
        func close() {
            var labelEnd = end
            while labelEnd > labelStart, text[labelEnd - 1] == UInt8(ascii: "-") { labelEnd -= 1 }
            guard labelEnd > labelStart else { return }
            let label = text[labelStart..<labelEnd]
            let top = topLevel(label)
            ends.append((top.map { labelStart + $0 } ?? labelEnd, top != nil))
        }
        while end < text.count {
            let byte = text[end]
            if byte == UInt8(ascii: ".") {
                guard end > labelStart else { break }
                close()
                labelStart = end + 1
                end += 1
            } else if byte.isAlphanumeric || byte == 45 || byte == 95 {
                end += 1
            } else {
                let length = Script.letter(text, at: end)
                guard length > 0 else { break }
                end += length
            }
        }
        if end > labelStart { close() }
        while let last = ends.last, !last.isTop { ends.removeLast() }
        return ends.count >= 2 ? ends.last?.end : nil
    }

    /// The bytes of a label that are a top-level domain: letters of one script, or a punycode label.
    private static func topLevel(_ label: ArraySlice<UInt8>) -> Int? {
        if label.starts(with: Array("xn--".utf8)) { return label.count }
        let ascii = label.prefix(while: \.isLetter)
        if ascii.count >= 2 {
            let rest = label.dropFirst(ascii.count)
            // What no top-level domain has ends it: `jo@acme.com_old`.
            guard rest.first.map({ $0 >= 0x80 || $0 == UInt8(ascii: "_") }) ?? true else { return nil }
            return fileExtensions.contains(String(decoding: ascii, as: UTF8.self).lowercased()) ? nil : ascii.count
        }
        return ascii.isEmpty && label.allSatisfy({ $0 >= 0x80 }) ? label.count : nil
    }

    /// Addresses that stand for any address: a role word at a reserved domain (RFC 2606).
    private static func isPlaceholder(_ local: String, _ domain: String) -> Bool {
        let reserved =
            ["example.com", "example.org", "example.net"].contains(domain)
            || [".example", ".test", ".invalid", ".localhost"].contains { domain.hasSuffix($0) }
        return reserved && placeholders.contains(local)
    }

    /// `git@host:path` and `git@host/path` name a repository.
    private static func isRemote(_ text: [UInt8], _ local: String, _ end: Int) -> Bool {
        local == "git" && end < text.count && (text[end] == UInt8(ascii: ":") || text[end] == UInt8(ascii: "/"))
    }

    private static let placeholders: Set<String> = [
        "user", "username", "name", "email", "you", "your", "yourname", "your.name", "your.email", "someone", "foo",
        "bar", "test", "admin", "info", "me", "noreply", "no-reply", "example", "hello", "contact", "support",
    ]
    private static let fileExtensions: Set<String> = [
        "recipe", "connection", "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "htm", "xml",
        "pdf", "csv", "ts",
        "txt",
    ]
}

/// Letters outside ASCII, by the length of their UTF-8 form.
private enum Script {
    /// The length of a letter of Latin, Greek, Cyrillic and the like (U+00C0 to U+07FF) that ends before `end`.
    static func shortLetter(_ text: [UInt8], before end: Int) -> Int {
        guard end >= 2, (0x80...0xBF).contains(text[end - 1]), (0xC3...0xDF).contains(text[end - 2]) else { return 0 }
        return isLetter(text[(end - 2)..<end]) ? 2 : 0
    }

    /// The length of a letter of another script (from U+0800) that ends before `end`.
    static func otherLetter(_ text: [UInt8], before end: Int) -> Int {
        for length in [3, 4] where end >= length && text[end - length] >= 0xE0 && isLetter(text[(end - length)..<end]) {
            return length
        }
        return 0
    }

    static func isOther(_ text: [UInt8], before end: Int) -> Bool { otherLetter(text, before: end) > 0 }

    /// The length of a letter outside ASCII at a position.
    static func letter(_ text: [UInt8], at position: Int) -> Int {
        let length = text[position] >= 0xF0 ? 4 : text[position] >= 0xE0 ? 3 : text[position] >= 0xC2 ? 2 : 0
        guard length > 0, position + length <= text.count else { return 0 }
        return isLetter(text[position..<(position + length)]) ? length : 0
    }

    private static func isLetter(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self), let scalar = text.unicodeScalars.first,
            text.unicodeScalars.count == 1
        else { return false }
        // An accent of its own belongs to the letter before it.
        return scalar.properties.isAlphabetic || scalar.properties.generalCategory == .nonspacingMark
    }
}
