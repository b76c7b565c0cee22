// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a value looks like that stands under a secret's name.
enum SecretValue {
    /// How sure it is that a value under a name of a kind is a secret; 0 when it is none.
    static func score(_ value: ArraySlice<UInt8>, _ kind: SecretName.Kind) -> Double {
        guard kind != .none, value.count >= 5, !isPlaceholder(value) else { return 0 }
        let classes = [
            value.contains(where: \.isDigit), value.contains(where: \.isLetter), value.contains { !$0.isAlphanumeric },
        ]
        if kind == .password {
            // Digits only and letters only are passwords, too.
            guard !isReference(value), !types.contains(String(decoding: value.prefix(24), as: UTF8.self).lowercased())
            else { return 0 }
            return value.count >= 8 && classes[0] && classes[1] ? 0.7 : 0.4
        }
        guard value.count >= 10, classes[1], value.allSatisfy({ token.contains($0) }), !isReference(value),
            classes[0] ? !isWords(value) : isMixed(value)
        else { return 0 }
        let entropy = entropy(value)
        if entropy >= 3.5 { return 0.7 }
        return value.count >= 16 && entropy >= (value.allSatisfy(\.isHexDigit) ? 2.5 : 3) ? 0.4 : 0
    }

    /// What keys are made of.
    private static let token = ByteSet((33...126).filter { !"\"'`<>()[]{}|\\,;".utf8.contains($0) })

    /// Shannon's entropy in bits for each byte.
    static func entropy(_ value: ArraySlice<UInt8>) -> Double {
        var counts = [Int](repeating: 0, count: 256)
        for byte in value { counts[Int(byte)] += 1 }
        let total = Double(value.count)
        return -counts.reduce(0.0) { $1 == 0 ? $0 : $0 + Double($1) / total * log2(Double($1) / total) }
    }

    /// Whether it only stands for a value: few different characters, or words that say so.
    static func isPlaceholder(_ value: ArraySlice<UInt8>) -> Bool {
        guard Set(value).count > 3 else { return true }
        if value.first == UInt8(ascii: "<"), value.last == UInt8(ascii: ">") { return true }
        let text = value.prefix(200).map { $0.isUpper ? $0 | 0x20 : $0 }
        return words.contains(where: text.holds) || isSequence(text)
            || text.split(whereSeparator: { !$0.isLetter && $0 < 0x80 }).contains { wholeWords.contains(Array($0)) }
    }

    /// Whether digits or letters stand in it in their order, as nobody's do.
    static func isSequence(_ text: [UInt8]) -> Bool { sequences.contains(where: text.holds) }
    private static let sequences = ["12345678901", "0123456789", "abcdefghij"].map { Array($0.utf8) }

    /// Words that say so only by themselves.
    private static let wholeWords = Set(
        [
            "example", "your", "insert", "dummy", "sample", "todo", "fixme", "fake", "null", "environment", "none",
        ].map { Array($0.utf8) })

    /// What a schema has at a password.
    private static let types: Set<String> = [
        "password", "passwd", "string", "secret", "hidden", "encrypted", "required", "optional", "boolean", "object",
        "number",
        "integer", "disabled", "enabled", "default", "text field", "textfield", "masked",
    ]

    private static let words = [
        "placeholder", "changeme", "change_me", "change-me", "redacted", "replace_with", "xxxx",
        "****", "....", "lorem", "undefined",
        "33f!!lloppa", "process.env", "os.environ", "getenv", "foobar",
    ].map { Array($0.utf8) }

    /// Whether it speaks of a value that stands elsewhere: a pill, an expression, a variable, a path, an address.
    static func isReference(_ value: ArraySlice<UInt8>) -> Bool {
        let first = value[value.startIndex]
        if "$#%@/.{(=&".utf8.contains(first),
            !value.dropFirst().contains(where: { $0.isDigit })
                || first == UInt8(ascii: "$") && value.dropFirst().starts(with: "{".utf8)
        {
            return true
        }
        return references.contains(where: value.prefix(300).holds)
    }

    private static let references = [
        "{{", "${", "#{", "$(", "://", "_('", "_dp(", "$json", "$node", "secrets.", "vars.", "config.", "env.", "$env",
    ].map { Array($0.utf8) }

    /// Whether it is made of words: `oauth2_client_credentials_v2`, `GetUserById`, `2024-05-01T10:00:00Z`, a version, a file.
    private static func isWords(_ value: ArraySlice<UInt8>) -> Bool {
        let digits = value.filter(\.isDigit).count
        let parts = value.split { !$0.isAlphanumeric }
        if parts.count > 1, parts.allSatisfy({ part in part.allSatisfy(\.isDigit) || part.count <= 2 }) { return true }
        if digits <= 2, parts.allSatisfy({ $0.count <= 14 && isWord($0) }) { return true }
        // `customfield_10042`, `oauth2_2024_flow1`.
        if parts.count > 1,
            parts.allSatisfy({ part in isWord(part) && part.reduce(0) { $0 + ($1.isDigit ? 1 : 0) } <= 8 })
        {
            return true
        }
        let last = parts.last.map { String(decoding: $0, as: UTF8.self).lowercased() } ?? ""
        return value.contains(UInt8(ascii: "."))
            && [
                "com", "org", "net", "json", "js", "ts", "py", "rb", "pem", "txt", "yml", "yaml", "html", "md", "png",
                "svg", "css", "io",
            ].contains(last)
    }

    /// Whether letters alone are no words: in upper and lower case as it comes, where words have their capitals in front.
    static func isMixed(_ value: ArraySlice<UInt8>) -> Bool {
        guard value.count >= 16 else { return false }
        let single = zip(zip(value, value.dropFirst()), value.dropFirst(2)).count { neighbours, after in
            neighbours.0.isUpper && neighbours.1.isLetter && !neighbours.1.isUpper && after.isUpper
        }
        return single >= 2 && single * 12 >= value.count
    }

    /// A word in one case, or with a capital in front, with a digit or two at its end.
    private static func isWord(_ part: ArraySlice<UInt8>) -> Bool {
        let letters = part.prefix(while: \.isLetter)
        guard part.dropFirst(letters.count).allSatisfy(\.isDigit) else { return part.allSatisfy(\.isDigit) }
        let rest = letters.dropFirst()
        return rest.allSatisfy { !$0.isUpper } || rest.allSatisfy(\.isUpper)
    }
}
