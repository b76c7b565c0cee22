// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Secrets that only the name tells that they are given to: `api_key = "…"`, `Authorization: Bearer …`, `https://user:password@host`.
enum AssignmentDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, _ classes: TextClasses, _ found: inout Detected) {
        guard text.count >= 6 else { return }
        if let name = context.name { scan(all: text, named: name, &found) }
        guard classes.hasSign || classes.hasAt || classes.hasSpace else { return }
        for position in text.indices {
            switch text[position] {
            case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: ","),
                UInt8(ascii: "?"):
                scan(text, at: position, &found)
            case UInt8(ascii: "@"): scanPassword(text, before: position, &found)
            case UInt8(ascii: "B"), UInt8(ascii: "b"), UInt8(ascii: "T"), UInt8(ascii: "t"):
                if position == 0 || !text[position - 1].isWordByte { scanHeader(text, at: position, &found) }
            case UInt8(ascii: "-"):
                if position > 0, text[position - 1] <= 0x20 { scanOption(text, at: position, &found) }
            default: break
            }
        }
    }

    private static func add(_ range: Range<Int>, _ score: Double, _ rule: String, _ found: inout Detected) {
        guard score > 0 else { return }
        found.matches.append(Match(kind: .secret, range: range, score: score, rule: "secret." + rule))
    }

    /// A value that is all of a text, under a key.
    private static func scan(all text: [UInt8], named name: SecretName, _ found: inout Detected) {
        var range = 0..<text.count
        while let last = range.last, text[last] <= 0x20 { range = range.lowerBound..<last }
        while let first = range.first, text[first] <= 0x20 { range = first + 1..<range.upperBound }
        guard !range.isEmpty, range.count <= 4_096, !text[range].contains(where: { $0 <= 0x20 }) else { return }
        decide(text, range, name, &found)
    }

    private static func decide(_ text: [UInt8], _ range: Range<Int>, _ name: SecretName, _ found: inout Detected) {
        let value = text[range]
        if let provider = ProviderWords.isKey(value, named: name.words), !SecretValue.isPlaceholder(value),
            SecretValue.entropy(value) > 2
        {
            let isSure = value.contains(where: \.isDigit) && value.contains(where: \.isLetter) || name.kind != .none
            add(range, isSure ? 0.75 : 0.4, provider, &found)
        } else {
            add(range, SecretValue.score(value, name.kind), name.kind == .password ? "password" : "generic", &found)
        }
    }

    // MARK: name = value

    private static let signs = ByteSet("=:>|?,".utf8)
    private static let blanks = ByteSet(" \t'\"`=(\\".utf8)
    private static let ends = ByteSet(" \t\n\r\"'`;,<>&)]}".utf8 + [0])

    private static func scan(_ text: [UInt8], at position: Int, _ found: inout Detected) {
        guard position > 2, position + 6 < text.count, !signs.contains(text[position - 1]) else { return }
        var end = position
        while end > 0, position - end < 4, " \t'\"`])".utf8.contains(text[end - 1]) { end -= 1 }
        var start = end
        while start > 0, end - start < 80, text[start - 1].isWordByte || ".- ".utf8.contains(text[start - 1]) {
            start -= 1
        }
        guard end - start >= 2 else { return }
        var first = position
        while first < text.count, first - position < 3, signs.contains(text[first]) { first += 1 }
        // A comma alone separates a name from a value only where both are quoted.
        if text[position] == UInt8(ascii: ","), first - position > 1 || !"'\"`".utf8.contains(text[position - 1]) {
            return
        }
        let afterSign = first
        // The content of a tag may be in its next line.
        let isTag = text[position] == UInt8(ascii: ">")
        while first < text.count, first - afterSign < (isTag ? 16 : 6),
            blanks.contains(text[first]) || isTag && text[first] <= 0x20
        {
            first += 1
        }
        var last = first
        while last < text.count, last - first < 4_096, !ends.contains(text[last]) { last += 1 }
        guard last - first >= 6 else { return }
        // A call, a member, a condition.
        if last < text.count, "(".utf8.contains(text[last]) { return }
        decide(text, first..<last, SecretName(text[start..<end]), &found)
    }

    // MARK: Others

    /// Words that stand for a name or a password.
    private static let anybody: Set<String> = [
        "user", "username", "name", "password", "pass", "passwd", "pwd", "secret", "token", "key", "apikey", "login",
        "",
    ]

    /// `Bearer …` and `Basic …`.
    private static func scanHeader(_ text: [UInt8], at position: Int, _ found: inout Detected) {
        guard position + 12 < text.count, position == 0 || !text[position - 1].isWordByte else { return }
        guard text[(position + 5)..<(position + 7)].contains(0x20) else { return }
        let word = String(decoding: text[position..<(position + 7)], as: UTF8.self).lowercased()
        guard let kind = ["bearer", "basic", "token"].first(where: { word.hasPrefix($0 + " ") }) else { return }
        var start = position + kind.utf8.count + 1
        while start < text.count, text[start] == 0x20 { start += 1 }
        let value = text[start...].prefix(4_096).prefix { $0.isAlphanumeric || "_=~@.+/-".utf8.contains($0) }
        let entropy = SecretValue.entropy(value)
        guard value.count >= 8, !SecretValue.isPlaceholder(value), entropy > 2.7,
            value.contains(where: \.isDigit) || kind != "token" && entropy > 3.2
        else { return }
        switch kind {
        case "bearer": add(start..<value.endIndex, 0.8, kind, &found)
        case "basic": if value.count >= 12 { add(start..<value.endIndex, 0.7, kind, &found) }
        default: if value.count >= 16, entropy > 3 { add(start..<value.endIndex, 0.6, kind, &found) }
        }
    }

    /// `scheme://user:password@host`.
    private static func scanPassword(_ text: [UInt8], before at: Int, _ found: inout Detected) {
        var start = at
        while start > 0, at - start < 256, text[start - 1] > 0x20, !"\"'`<>/{}".utf8.contains(text[start - 1]) {
            start -= 1
        }
        guard start > 2, text[start - 1] == UInt8(ascii: "/"), text[start - 2] == UInt8(ascii: "/"),
            text[start - 3] == UInt8(ascii: ":"),
            let colon = text[start..<at].firstIndex(of: UInt8(ascii: ":")), at - colon > 3,
            !SecretValue.isPlaceholder(text[(colon + 1)..<at]),
            !"$#".utf8.contains(text[colon + 1])
        else { return }
        let password = String(decoding: text[(colon + 1)..<at], as: UTF8.self).lowercased()
        guard !anybody.contains(password) else { return }
        add(start..<at, 0.9, "url", &found)
    }

    /// `curl -u user:password`.
    private static func scanOption(_ text: [UInt8], at position: Int, _ found: inout Detected) {
        guard position > 0, text[position - 1] <= 0x20 else { return }
        let options = ["-u ", "-u=", "--user ", "--user=", "-u\"", "-u'"]
        guard let option = options.first(where: { text[position...].starts(with: $0.utf8) }),
            text[..<position].suffix(400).split(whereSeparator: { $0 <= 0x20 }).contains(where: {
                $0.elementsEqual("curl".utf8)
            })
        else { return }
        var start = position + option.utf8.count
        while start < text.count, text[start] == 0x20 { start += 1 }
        let quote: UInt8? =
            "\"'".utf8.contains(text[start - 1])
            ? text[start - 1] : start < text.count && "\"'".utf8.contains(text[start]) ? text[start] : nil
        if let quote, start < text.count, text[start] == quote { start += 1 }
        var end = start
        while end < text.count, quote.map({ text[end] != $0 }) ?? (text[end] > 0x20) { end += 1 }
        guard let colon = text[start..<end].firstIndex(of: UInt8(ascii: ":")), end - start > 4 else { return }
        let password = text[(colon + 1)..<end]
        let words = text[start..<end].split(separator: UInt8(ascii: ":")).map {
            String(decoding: $0, as: UTF8.self).lowercased()
        }
        guard !words.allSatisfy({ Self.anybody.contains($0) }),
            !(password.first.map { "${<".utf8.contains($0) } ?? false), !SecretValue.isPlaceholder(text[start..<end])
        else { return }
        add(start..<end, 0.7, "curl", &found)
    }
}
