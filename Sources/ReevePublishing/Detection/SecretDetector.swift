// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Keys and tokens of known providers, found by their prefixes.
enum SecretDetector {
    private struct Rule: Sendable {
        let name: String
        let prefix: [UInt8]
        let body: Alphabet
        let length: ClosedRange<Int>

        /// Whether a key is one also behind a letter or a digit, as in `tokenghp_…`: no word has its prefix within it.
        func mayStand(behind byte: UInt8) -> Bool {
            guard byte.isAlphanumeric else { return true }
            return name == "secret.aws" ? !byte.isUpper && !byte.isDigit : SecretDetector.distinct.contains(prefix)
        }
    }

    /// Prefixes that stand in no word.
    private static let distinct = Set(
        [
            "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk_live_", "rk_live_", "sk_test_",
            "rk_test_",
            "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxc-", "xoxd-", "shpat_", "shpss_", "shpca_",
            "shppa_",
            "dop_v1_",
        ].map { Array($0.utf8) })

    private enum Alphabet: Sendable {
        case upperBase32, alphanumeric, token, path, hex

        func contains(_ byte: UInt8) -> Bool {
            switch self {
            case .upperBase32: byte.isUpper || (50...55).contains(byte)
            case .alphanumeric: byte.isAlphanumeric
            case .token: byte.isAlphanumeric || byte == 45 || byte == 95 || byte == 46
            case .path: byte.isAlphanumeric || byte == 47
            case .hex: byte.isDigit || (97...102).contains(byte)
            }
        }
    }

    private static func rule(_ name: String, _ prefix: String, _ body: Alphabet, _ length: ClosedRange<Int>) -> Rule {
        Rule(name: "secret." + name, prefix: Array(prefix.utf8), body: body, length: length)
    }

    /// The providers' published formats; lengths are those of the part after the prefix.
    private static let rules: [Rule] =
        ["AKIA", "ASIA", "ABIA", "ACCA"].map { rule("aws", $0, .upperBase32, 16...16) }
        + ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map { rule("github", $0, .alphanumeric, 36...255) }
        + ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxc-", "xoxd-", "xapp-"].map {
            rule("slack", $0, .token, 20...255)
        }
        + ["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"].map { rule("stripe", $0, .alphanumeric, 16...247) }
        + [
            rule("github", "github_pat_", .token, 36...255),
            rule("gitlab", "glpat-", .token, 20...300),
            rule("gitlab", "gldt-", .token, 20...300),
            rule("gitlab", "glrt-", .token, 20...300),
            rule("slack", "hooks.slack.com/services/", .path, 30...120),
            rule("google", "AIza", .token, 35...35),
            rule("google", "GOCSPX-", .token, 24...40),
            rule("google", "ya29.", .token, 20...1000),
            rule("openai", "sk-proj-", .token, 20...300),
            rule("openai", "sk-svcacct-", .token, 20...300),
            rule("openai", "sk-admin-", .token, 20...300),
            rule("openai", "sk-None-", .token, 20...300),
            rule("openrouter", "sk-or-v1-", .token, 20...300),
            rule("openai", "sk-", .alphanumeric, 32...64),
            rule("anthropic", "sk-ant-", .token, 20...300),
            rule("sendgrid", "SG.", .token, 60...80),
            rule("twilio", "SK", .hex, 32...32),
            rule("npm", "npm_", .alphanumeric, 36...36),
            rule("shopify", "shpat_", .hex, 32...32),
            rule("shopify", "shpss_", .hex, 32...32),
            rule("shopify", "shpca_", .hex, 32...32),
            rule("shopify", "shppa_", .hex, 32...32),
            rule("digitalocean", "dop_v1_", .hex, 64...64),
            rule("huggingface", "hf_", .alphanumeric, 30...40),
            rule("hubspot", "pat-na1-", .token, 36...36),
            rule("hubspot", "pat-eu1-", .token, 36...36),
            rule("jwt", "eyJ", .token, 40...4000),
            rule("mailgun", "key-", .hex, 32...32),
            rule("pypi", "pypi-AgEIcHlwaS5vcmc", .token, 50...1000),
        ]

    private static let byFirstByte: [[Rule]] = {
        var table = [[Rule]](repeating: [], count: 256)
        for rule in rules { table[Int(rule.prefix[0])].append(rule) }
        return table
    }()

    static func scan(_ text: [UInt8], _ found: inout Detected) {
        // No prefix and body together are shorter.
        guard text.count >= shortest else { return }
        if text.contains(UInt8(ascii: "-")) { scanPrivateKeys(text, &found) }
        found.surrogates += RecipeParameter.find(in: text).map { ($0.parameter.description, $0.range) }
        var position = 0
        while position < text.count {
            let candidates = byFirstByte[Int(text[position])]
            if !candidates.isEmpty, let (rule, end) = longest(of: candidates, in: text, at: position) {
                if isPlausible(text[(position + rule.prefix.count)..<end], of: rule) {
                    found.matches.append(Match(kind: .secret, range: position..<end, score: 0.98, rule: rule.name))
                }
                position = end
            } else {
                position += 1
            }
        }
    }

    /// Bytes of the shortest prefix and body.
    static let shortest = 20

    /// Whether a key of a provider could begin in a part of a text: a prefix and as many bytes after it as the shortest has.
    ///
    /// Complexity: O(bytes), without an allocation.
    static func mayHold(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        var start = range.lowerBound
        for position in range {
            let byte = unsafe text[position]
            if byte.isWordByte || (45...47).contains(byte) { continue }
            if position - start >= shortest, unsafe mayBegin(text, start..<position) { return true }
            start = position + 1
        }
        return unsafe range.upperBound - start >= shortest && mayBegin(text, start..<range.upperBound)
    }

    private static func mayBegin(_ text: UnsafeBufferPointer<UInt8>, _ run: Range<Int>) -> Bool {
        unsafe beginnings.withUnsafeBufferPointer { beginnings in
            for position in run.lowerBound...(run.upperBound - shortest) {
                let pair = unsafe Int(text[position]) << 8 | Int(text[position + 1])
                guard unsafe beginnings[pair >> 6] & 1 << UInt64(pair & 63) != 0 else { continue }
                let rest = unsafe UnsafeBufferPointer(rebasing: text[position..<run.upperBound])
                if unsafe rest.starts(with: RecipeParameter.prefix) { return true }
                // Behind a backslash a letter may be that of an escape.
                let isEscaped =
                    unsafe position == run.lowerBound + 1 && position >= 2 && text[position - 2] == UInt8(ascii: "\\")
                let before = unsafe position == run.lowerBound || isEscaped ? 0 : text[position - 1]
                if unsafe byFirstByte[Int(rest[0])].contains(where: { rule in
                    unsafe rest.starts(with: rule.prefix) && rule.mayStand(behind: before)
                }) {
                    return true
                }
            }
            return false
        }
    }

    /// A bit for each pair of bytes that a prefix, or a stand-in, begins with.
    private static let beginnings: [UInt64] = {
        var marks = [UInt64](repeating: 0, count: 1024)
        for prefix in rules.map(\.prefix) + [RecipeParameter.prefix] {
            let pair = Int(prefix[0]) << 8 | Int(prefix[1])
            marks[pair >> 6] |= 1 << UInt64(pair & 63)
        }
        return marks
    }()

    private static func longest(of rules: [Rule], in text: [UInt8], at position: Int) -> (Rule, Int)? {
        var best: (Rule, Int)?
        let before = position > 0 ? text[position - 1] : 0
        for rule in rules where text[position...].starts(with: rule.prefix) && rule.mayStand(behind: before) {
            let start = position + rule.prefix.count
            var end = start
            // One byte past the longest body is enough to see that it is none.
            while end < text.count, end - start <= rule.length.upperBound, rule.body.contains(text[end]) { end += 1 }
            while end > start, text[end - 1] == 46 || text[end - 1] == 45 { end -= 1 }
            guard rule.length.contains(end - start) else { continue }
            // Digits right behind it would be read as those of its stand-in.
            while end < text.count, text[end].isDigit { end += 1 }
            if end > best?.1 ?? 0 { best = (rule, end) }
        }
        return best
    }

    /// `xxxx…` is a placeholder; a JSON web token (RFC 7519) has three parts.
    private static func isPlausible(_ body: ArraySlice<UInt8>, of rule: Rule) -> Bool {
        if rule.name == "secret.jwt", body.filter({ $0 == UInt8(ascii: ".") }).count != 2 { return false }
        return Set(body).count >= 3
    }

    /// PEM blocks of private keys (RFC 7468). One that begins or ends in another place is for a person to decide.
    private static func scanPrivateKeys(_ text: [UInt8], _ found: inout Detected) {
        let (begin, endLine) = (Array("-----BEGIN ".utf8), Array("-----END ".utf8))
        var position = 0
        while let start = firstIndex(of: begin, in: text, from: position) {
            position = start + begin.count
            guard isPrivateKey(text, from: position) else { continue }
            guard let close = firstIndex(of: endLine, in: text, from: position) else {
                found.matches.append(
                    Match(kind: .secret, range: start..<text.count, score: 0.5, rule: "secret.privateKey"))
                return
            }
            let end =
                firstIndex(of: Array("-----".utf8), in: text, from: close + endLine.count).map { $0 + 5 } ?? text.count
            found.matches.append(Match(kind: .secret, range: start..<end, score: 0.99, rule: "secret.privateKey"))
            position = end
        }
        while let start = firstIndex(of: endLine, in: text, from: position) {
            position = start + endLine.count
            guard isPrivateKey(text, from: position) else { continue }
            found.matches.append(Match(kind: .secret, range: start..<position, score: 0.5, rule: "secret.privateKey"))
        }
    }

    /// Whether a label within the next bytes is a private key's.
    private static func isPrivateKey(_ text: [UInt8], from position: Int) -> Bool {
        let head = Array(text[position..<min(text.count, position + 48)])
        return firstIndex(of: Array("PRIVATE KEY".utf8), in: head, from: 0) != nil
    }

    private static func firstIndex(of needle: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard text.count >= needle.count, start <= text.count - needle.count else { return nil }
        return (start...(text.count - needle.count)).first { text[$0] == needle[0] && text[$0...].starts(with: needle) }
    }
}
