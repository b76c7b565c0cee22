// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// IP addresses of both versions (RFC 791, RFC 4291) and MAC addresses (IEEE 802).
enum NetworkDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        var position = 0
        while position < text.count {
            let byte = text[position]
            guard byte.isHexDigit || byte == UInt8(ascii: ":"), position == 0 || !isAttached(text, position) else {
                position += 1
                continue
            }
            let end = scan(text, at: position, context, &found)
            guard end == nil else {
                position = end ?? position
                continue
            }
            position += 1
            while position < text.count, text[position].isWordByte { position += 1 }
        }
    }

    private static func isAttached(_ text: [UInt8], _ position: Int) -> Bool {
        let before = text[position - 1]
        if before == UInt8(ascii: ":"), text[position] != before {
            // `ip:10.0.0.1` is named; `1:2:3` goes on.
            return position < 2 || text[position - 2].isHexDigit && text[position...].prefix(5).contains(before)
        }
        return before.isWordByte || before == UInt8(ascii: ":")
            || before == UInt8(ascii: ".") && position > 1 && text[position - 2].isDigit
    }

    /// What begins at a position; gives its end.
    private static func scan(
        _ text: [UInt8], at start: Int, _ context: DetectionContext, _ found: inout Detected
    ) -> Int? {
        if let end = hardware(text, from: start) {
            let octets = text[start..<end].filter(\.isHexDigit).map { $0.isLetter ? $0 | 0x20 : $0 }
            guard Set(octets).count > 1 else { return end }
            if octets.starts(with: "00005e0053".utf8) {
                found.surrogates.append((String(decoding: text[start..<end], as: UTF8.self).uppercased(), start..<end))
            } else {
                let isSure = text[start + 2] == UInt8(ascii: ":") || octets.contains(where: \.isLetter)
                found.matches.append(
                    Match(kind: .macAddress, range: start..<end, score: isSure ? 0.8 : 0.3, rule: "network.mac"))
            }
            return end
        }
        if let (octets, end) = version4(text, from: start) {
            if octets[..<3] == [192, 0, 2] {
                found.surrogates.append((String(decoding: text[start..<end], as: UTF8.self), start..<end))
            }
            var score = isVersion(text, before: start, octets, context) ? 0.1 : score(of: octets)
            // One of a network of one's own, where somebody says that it is one.
            if score == 0.25,
                context.names(ipWords) || TextWords.names(ipWords, near: start..<end, in: text, within: 16)
            {
                score = 0.6
            }
            found.matches.append(
                Match(kind: .ipAddress, range: start..<suffixEnd(text, end), score: score, rule: "network.ipv4"))
            return end
        }
        if let (groups, end) = version6(text, from: start) {
            if groups.starts(with: [0x2001, 0xDB8, 0, 0, 0, 0, 0]), let surrogate = surrogate(text[start..<end]) {
                found.surrogates.append((surrogate, start..<end))
            }
            found.matches.append(
                Match(
                    kind: .ipAddress, range: start..<suffixEnd(text, end), score: score(of: groups, text[start..<end]),
                    rule: "network.ipv6"))
            return end
        }
        return nil
    }

    /// The end of a zone (`%eth0`) and of a network's prefix (`/24`) behind an address.
    private static func suffixEnd(_ text: [UInt8], _ end: Int) -> Int {
        var end = end
        if end < text.count, text[end] == UInt8(ascii: "%") {
            let zone = text[(end + 1)...].prefix(16).prefix(while: \.isAlphanumeric)
            if zone.contains(where: \.isLetter) { end = zone.endIndex }
        }
        guard end < text.count, text[end] == UInt8(ascii: "/") else { return end }
        let digits = text[(end + 1)...].prefix(4).prefix(while: \.isDigit)
        guard (1...3).contains(digits.count), Checksum.value(digits) <= 128,
            digits.endIndex == text.count || !text[digits.endIndex].isWordByte
        else { return end }
        return digits.endIndex
    }

    static let ipWords: WordSet = ["ip", "ips", "ipaddress", "ipv"]
    private static let versionWords: WordSet = [
        "version", "versions", "ver", "firmware", "sdk", "chrome", "chromium", "firefox", "safari",
        "edge",
    ]
    /// Words that small numbers with dots stand behind.
    private static let partWords: WordSet = [
        "v", "release", "build", "section", "chapter", "driver", "excel", "office", "windows", "android", "ios",
        "macos", "java", "jdk",
        "net", "revision",
        "rev",
    ]

    private static func isVersion(
        _ text: [UInt8], before position: Int, _ octets: [Int], _ context: DetectionContext
    ) -> Bool {
        // `Chrome/133.0.0.0`.
        if position > 1, text[position - 1] == UInt8(ascii: "/"), text[position - 2].isLetter { return true }
        func isNear(_ words: WordSet) -> Bool {
            TextWords.names(words, near: position..<position, in: text, within: 16, behind: 0)
        }
        // `Version=13.0.3.0`: the word right before it says that of any number.
        let word = text[..<(position - min(1, position))].suffix(12).reversed().prefix(while: \.isLetter).reversed()
        if versionWords.contains(WordSet.hash(word.map { $0 | 0x20 })) { return true }
        // A key of other things, as `release_date`, and a word farther away say it of small ones.
        return octets.allSatisfy { $0 < 100 }
            && (context.names(versionWords) || isNear(versionWords) || isNear(partWords))
    }

    // MARK: Version 4

    /// Four numbers up to 255, without a nought in front.
    private static func version4(_ text: [UInt8], from start: Int) -> ([Int], Int)? {
        var (octets, position): ([Int], Int) = ([], start)
        while octets.count < 4 {
            let digits = text[position...].prefix(4).prefix(while: \.isDigit)
            guard (1...3).contains(digits.count), digits.count == 1 || digits.first != 48, Checksum.value(digits) < 256
            else {
                return nil
            }
            octets.append(Checksum.value(digits))
            position = digits.endIndex
            if octets.count < 4 {
                guard position < text.count, text[position] == UInt8(ascii: ".") else { return nil }
                position += 1
            }
        }
        guard position < text.count else { return (octets, position) }
        let next = position + 1 < text.count ? text[position + 1] : 0
        let goesOn =
            text[position].isWordByte || text[position] == UInt8(ascii: ".") && next.isAlphanumeric
            || text[position] == UInt8(ascii: "-") && next.isLetter
        return goesOn ? nil : (octets, position)
    }

    /// Addresses that are everybody's: this host, all hosts, documentation, public resolvers, and masks.
    private static func score(of octets: [Int]) -> Double {
        switch (octets[0], octets[1]) {
        case (0, _), (127, _), (224..., _): 0.2
        case (192, 0) where octets[2] == 2: 0.1
        case (198, 51) where octets[2] == 100, (203, 0) where octets[2] == 113: 0.2
        case (169, 254): 0.2
        // Of a network of one's own (RFC 1918).
        case (10, _), (192, 168), (172, 16...31): 0.25
        case (1, 1) where octets == [1, 1, 1, 1], (8, 8) where octets[2] == 8 || octets[2] == 4: 0.2
        // `1.2.3.4` is one of those who explain, and `1.0.0.1` a version.
        case (_, 0) where octets[2...] == [0, 0]: 0.2
        case (1...9, 0...9) where octets.allSatisfy { $0 < 10 }: 0.2
        default: 0.75
        }
    }

    // MARK: Version 6

    private static func version6(_ text: [UInt8], from start: Int) -> (groups: [Int], end: Int)? {
        var (groups, gap, position): ([Int], Int?, Int) = ([], nil, start)
        func isAt(_ place: Int, _ sign: Unicode.Scalar) -> Bool {
            place < text.count && text[place] == UInt8(ascii: sign)
        }
        if isAt(position, ":") {
            guard isAt(position + 1, ":") else { return nil }
            gap = 0
            position += 2
        }
        while groups.count < 8, position < text.count, text[position].isHexDigit {
            if groups.count <= 6, let (octets, end) = version4(text, from: position), !groups.isEmpty || gap != nil {
                groups += [octets[0] << 8 | octets[1], octets[2] << 8 | octets[3]]
                position = end
                break
            }
            let digits = text[position...].prefix(5).prefix(while: \.isHexDigit)
            guard digits.count <= 4, let value = Int(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            groups.append(value)
            position = digits.endIndex
            guard isAt(position, ":"), groups.count < 8 else { break }
            if isAt(position + 1, ":") {
                guard gap == nil else { return nil }
                gap = groups.count
                position += 2
            } else if position + 1 < text.count, text[position + 1].isHexDigit {
                position += 1
            } else {
                break
            }
        }
        guard let place = gap ?? (groups.count == 8 ? 8 : nil), gap == nil || groups.count < 8, position > start + 1,
            position == text.count
                || !(text[position].isWordByte
                    || isAt(position, ":") && position + 1 < text.count && text[position + 1].isWordByte),
            !(isAt(position, ".") && position + 1 < text.count && text[position + 1].isDigit)
        else { return nil }
        return (
            Array(groups[..<place]) + Array(repeating: 0, count: 8 - groups.count) + Array(groups[place...]), position
        )
    }

    private static func score(of groups: [Int], _ text: ArraySlice<UInt8>) -> Double {
        // This host, none, and documentation.
        if groups[..<7].allSatisfy({ $0 == 0 }) { return groups[7] == 1 ? 0.2 : 0.1 }
        if groups[0] == 0x2001, groups[1] == 0xDB8 { return 0.2 }
        // `a::b` is code.
        let parts = text.split(separator: UInt8(ascii: ":"))
        // `10:30::11:00` are times.
        guard text.contains(where: \.isLetter) || parts.contains(where: { $0.count > 2 }) else { return 0.2 }
        return text.contains(where: \.isDigit) && text.filter { $0 == UInt8(ascii: ":") }.count > 2 ? 0.8 : 0.2
    }

    /// The canonical stand-in that an address of the documentation's is: `2001:db8::<k>`.
    private static func surrogate(_ text: ArraySlice<UInt8>) -> String? {
        let prefix = Array("2001:db8::".utf8)
        let number = text.dropFirst(prefix.count)
        guard text.starts(with: prefix), (1...3).contains(number.count), number.allSatisfy(\.isDigit) else {
            return nil
        }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Hardware

    /// Six pairs with one sign between them, or three groups of four with dots.
    private static func hardware(_ text: [UInt8], from start: Int) -> Int? {
        func groups(of size: Int, count: Int, _ sign: UInt8) -> Int? {
            var position = start
            for index in 0..<count {
                guard position + size <= text.count, text[position..<(position + size)].allSatisfy(\.isHexDigit) else {
                    return nil
                }
                position += size
                guard index < count - 1 else { break }
                guard position < text.count, text[position] == sign else { return nil }
                position += 1
            }
            guard position < text.count else { return position }
            let next = position + 1 < text.count ? text[position + 1] : 0
            return text[position].isWordByte || text[position] == sign && next.isHexDigit ? nil : position
        }
        return groups(of: 2, count: 6, UInt8(ascii: ":")) ?? groups(of: 2, count: 6, UInt8(ascii: "-"))
            ?? groups(of: 4, count: 3, UInt8(ascii: "."))
    }
}

extension UInt8 {
    var isHexDigit: Bool { isDigit || (97...102).contains(self | 0x20) && self < 0x80 }
}
