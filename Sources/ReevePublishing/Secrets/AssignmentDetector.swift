// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Secrets that only the name tells that they are given to: `api_key = "…"`, `Authorization: Bearer …`, `https://user:password@host`.
enum AssignmentDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, _ classes: TextClasses, _ found: inout Detected) {
        guard text.count >= 6 else { return }
        if let name = context.name { scan(all: text, named: name, isInCode: context.isInCode, &found) }
        guard classes.hasSign || classes.hasAt || classes.hasSpace else { return }
        // A sign within a value that was found gives nothing another; in one that is no secret itself it may.
        var done = 0
        for position in text.indices {
            switch text[position] {
            case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: ","),
                UInt8(ascii: "?"):
                if position >= done, let value = scan(text, at: position, &found),
                    found.matches.last?.range == value || value.count > longestSearched
                {
                    done = value.upperBound
                }
            case UInt8(ascii: "@"): scanPassword(text, before: position, &found)
            case UInt8(ascii: "B"), UInt8(ascii: "b"), UInt8(ascii: "T"), UInt8(ascii: "t"):
                if position == 0 || !text[position - 1].isWordByte { scanHeader(text, at: position, &found) }
            case UInt8(ascii: "-"):
                if position > 0, text[position - 1] <= 0x20 { scanOption(text, at: position, &found) }
            default: break
            }
        }
    }

    /// Signs within a longer value, which has no blank, comma or `&` in it and is no secret, are not looked at.
    private static let longestSearched = 4096

    private static func add(_ range: Range<Int>, _ score: Double, _ rule: String, _ found: inout Detected) {
        guard score > 0 else { return }
        found.matches.append(Match(kind: .secret, range: range, score: score, rule: "secret." + rule))
    }

    /// A value that is all of a text, under a key.
    private static func scan(all text: [UInt8], named name: SecretName, isInCode: Bool, _ found: inout Detected) {
        var range = 0..<text.count
        while let last = range.last, text[last] <= 0x20 { range = range.lowerBound..<last }
        // An `=` in front makes it a template.
        while let first = range.first, text[first] <= 0x20 || text[first] == UInt8(ascii: "=") {
            range = first + 1..<range.upperBound
        }
        // Words in code are those of the program.
        guard !range.isEmpty,
            !isInCode || text[range].contains(where: \.isDigit) || SecretValue.isMixed(text[range])
        else { return }
        let blank = text[range].firstIndex(where: { $0 <= 0x20 })
        guard let blank else { return decide(text, range, name, &found) }
        if name.words.contains("authorization"), text[range.lowerBound..<blank].allSatisfy({ $0.isLetter || $0 == 45 })
        {
            let token = blank + 1..<range.upperBound
            if !text[token].contains(where: { $0 <= 0x20 }) { decide(text, token, name, &found) }
        } else if name.kind == .password, range.count <= 200, !SecretValue.isPlaceholder(text[range]),
            !SecretValue.isReference(text[range])
        {
            // Words are a password, too; a sentence about one is not.
            add(range, 0.4, "password", &found)
        }
    }

    private static func decide(_ text: [UInt8], _ range: Range<Int>, _ name: SecretName, _ found: inout Detected) {
        let value = text[range]
        if name.mayBeProviders, let provider = ProviderWords.isKey(value, named: name.words),
            !SecretValue.isPlaceholder(value),
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

    /// What a name before a sign is given, where the name tells of a secret.
    private static func scan(_ text: [UInt8], at position: Int, _ found: inout Detected) -> Range<Int>? {
        guard position > 1, position + 5 < text.count, !signs.contains(text[position - 1]), isSign(text, position)
        else { return nil }
        var end = position
        while end > 0, position - end < 4, " \t'\"`])".utf8.contains(text[end - 1]) { end -= 1 }
        var start = end
        while start > 0, end - start < 80,
            text[start - 1].isWordByte || text[start - 1] >= 0x80 || ".- ".utf8.contains(text[start - 1])
        {
            start -= 1
        }
        guard end - start >= 2 else { return nil }
        let name = attribute(text, named: text[start..<end], before: start) ?? SecretName(text[start..<end])
        guard name.kind != .none || name.mayBeProviders else { return nil }
        var first = position
        while first < text.count, first - position < 3, signs.contains(text[first]) { first += 1 }
        let afterSign = first
        // The content of a tag may be in its next line.
        let isTag = text[position] == UInt8(ascii: ">")
        while first < text.count, first - afterSign < (isTag ? 16 : 6),
            blanks.contains(text[first]) || isTag && text[first] <= 0x20
        {
            first += 1
        }
        var last = self.end(of: first, in: text, name)
        if name.words.contains("authorization"), last < text.count,
            text[last] == 0x20,
            text[first..<last].allSatisfy({ $0.isLetter || $0 == 45 })
        {
            // The scheme, and what it is for.
            first = last + 1
            last = self.end(of: first, in: text, name)
        }
        guard last - first >= 5 else { return nil }
        let value = first..<last
        let isQuoted = "'\"`".utf8.contains(text[first - 1])
        // A call, a member, a condition.
        let isCode = (name.kind != .password || !isQuoted) && text[value].contains(UInt8(ascii: "("))
        // Of words in a sentence none is a password; a quoted one is.
        let isWord = name.kind == .password && !isQuoted && text[value].allSatisfy { $0.isLetter && !$0.isUpper }
        if !isCode, !isWord { decide(text, value, name, &found) }
        return value
    }

    /// Whether a sign gives a name a value: `?` only as `?=`, `|` only as `||`, `>` in `=>`, `->` and behind the name of a tag, `,` only between quotes.
    private static func isSign(_ text: [UInt8], _ position: Int) -> Bool {
        let next = text[position + 1]
        switch text[position] {
        case UInt8(ascii: "?"): return next == UInt8(ascii: "=")
        case UInt8(ascii: "|"): return next == UInt8(ascii: "|")
        case UInt8(ascii: ","): return "'\"`".utf8.contains(text[position - 1])
        case UInt8(ascii: ">"):
            if text[position - 1] == UInt8(ascii: "-") { return true }
            let tag = text[..<position].suffix(80).reversed().prefix { $0.isWordByte || ".-:".utf8.contains($0) }
            return tag.count < position && text[position - 1 - tag.count] == UInt8(ascii: "<")
        // `https://…`.
        case UInt8(ascii: ":"):
            return !(next == UInt8(ascii: "/") && position + 2 < text.count && text[position + 2] == next)
        default: return true
        }
    }

    /// In a tag the name is in another attribute: `<add key="Password" value="…">`.
    private static func attribute(_ text: [UInt8], named name: ArraySlice<UInt8>, before start: Int) -> SecretName? {
        guard name.suffix(5).map({ $0 | 0x20 }).elementsEqual("value".utf8) else { return nil }
        let before = text[..<start].suffix(120)
        for key in ["key=\"", "name=\"", "key='", "name='"] {
            let bytes = Array(key.utf8)
            var place = before.endIndex - bytes.count
            while place >= before.startIndex {
                if text[place...].starts(with: bytes) {
                    let word = text[(place + bytes.count)...].prefix(80).prefix {
                        $0.isWordByte || ".-:".utf8.contains($0)
                    }
                    return SecretName(word)
                }
                place -= 1
            }
        }
        return nil
    }

    /// Where a value ends: at its own quote; of a password without quotes at a blank, or where the next name begins.
    private static func end(of first: Int, in text: [UInt8], _ name: SecretName) -> Int {
        var last = first
        if name.kind == .password, first > 0, "'\"`".utf8.contains(text[first - 1]) {
            let quote = text[first - 1]
            while last < text.count, last - first < 256, text[last] != quote, text[last] != 0x0A { last += 1 }
            if last < text.count, text[last] == quote {
                return last > first && text[last - 1] == UInt8(ascii: "\\") ? last - 1 : last
            }
            last = first
        }
        while last < text.count {
            if ends.contains(text[last]) {
                guard name.kind == .password, "&,)]}>`'".utf8.contains(text[last]), last + 1 < text.count,
                    !ends.contains(text[last + 1])
                else { break }
                let next = text[(last + 1)...].prefix(40).prefix { $0.isWordByte || ".-".utf8.contains($0) }
                guard next.endIndex >= text.count || !"=:".utf8.contains(text[next.endIndex]) else { break }
            }
            last += 1
        }
        return last
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
        guard text[(position + 5)..<(position + 7)].contains(where: { $0 == 0x20 || $0 == 0x09 }) else { return }
        let word = String(decoding: text[position..<(position + 7)].map { $0 == 0x09 ? 0x20 : $0 }, as: UTF8.self)
            .lowercased()
        guard let kind = ["bearer", "basic", "token"].first(where: { word.hasPrefix($0 + " ") }) else { return }
        var start = position + kind.utf8.count + 1
        while start < text.count, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
        let value = text[start...].prefix { $0.isAlphanumeric || "_=~@.+/-".utf8.contains($0) }
        let entropy = SecretValue.entropy(value)
        guard value.count >= 8, !SecretValue.isPlaceholder(value), entropy > 2.7,
            value.contains(where: \.isDigit)
                || kind != "token" && entropy > 3.2 && value.dropFirst().contains(where: \.isUpper)
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
        while start > 0, at - start < 256, text[start - 1] > 0x20, !"\"'`<>{}".utf8.contains(text[start - 1]),
            !text[..<start].hasSlashes
        { start -= 1 }
        guard start > 2, text[..<start].hasSlashes, start < at else { return }
        let user = text[start..<at]
        // What is asked for comes behind the host.
        guard !user.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "&") }) else { return }
        guard let colon = user.firstIndex(of: UInt8(ascii: ":")) else {
            // A token alone: `https://<token>@github.com`.
            guard user.count >= 16, !user.contains(UInt8(ascii: "/")), user.contains(where: \.isDigit),
                SecretValue.entropy(user) > 3,
                !SecretValue.isPlaceholder(user)
            else { return }
            return add(start..<at, 0.97, "url", &found)
        }
        // `https://host:8080/a@b` has a port and a path, `https://host/a:b@c` a path.
        if let slash = user.firstIndex(of: UInt8(ascii: "/")) {
            guard slash > colon, !text[(colon + 1)..<slash].allSatisfy(\.isDigit) else { return }
        }
        let value = text[(colon + 1)..<at]
        let password = String(decoding: value, as: UTF8.self).lowercased()
        guard value.count > 2, !SecretValue.isPlaceholder(value), !value.starts(with: "${".utf8),
            !value.starts(with: "#{".utf8), !value.starts(with: "$(".utf8),
            !anybody.contains(password)
        else { return }
        add(start..<at, 0.97, "url", &found)
    }

    /// `curl -u user:password`.
    private static func scanOption(_ text: [UInt8], at position: Int, _ found: inout Detected) {
        guard position > 0, text[position - 1] <= 0x20 else { return }
        if text[position...].starts(with: "--".utf8) {
            let option = text[(position + 2)...].prefix(40).prefix { $0.isWordByte || $0 == 45 }
            let name = SecretName(option)
            if name.kind != .none, option.endIndex < text.count, text[option.endIndex] == 0x20 {
                let value = text[(option.endIndex + 1)...].prefix { $0 > 0x20 && !"'\"`".utf8.contains($0) }
                if value.first != 45 { decide(text, value.startIndex..<value.endIndex, name, &found) }
                return
            }
        }
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

extension ArraySlice<UInt8> {
    /// Whether it ends with `://`.
    fileprivate var hasSlashes: Bool { count > 2 && suffix(3).elementsEqual("://".utf8) }
}
