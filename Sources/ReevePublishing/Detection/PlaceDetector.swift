// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Folders of users, and URLs.
enum PlaceDetector {
    private static let folders = ["/Users/", "/home/", "\\Users\\", "/users/", "\\users\\"].map { Array($0.utf8) }
    /// Names that are no person's.
    private static let shared: Set<String> = [
        "shared", "public", "default", "runner", "ubuntu", "user", "username", "users", "node", "app", "admin", "root",
        "git", "me", "you", "ec2-user", "vagrant", "docker",
        "jovyan", "home", "guest", "debian", "centos", "pi", "www", "deploy", "jenkins", "name", "yourname", "your",
        "linuxbrew", "runneradmin", "administrator", "all",
    ]

    static func scanFolders(_ text: [UInt8], _ found: inout Detected) {
        for position in text.indices where text[position] == UInt8(ascii: "/") || text[position] == UInt8(ascii: "\\") {
            guard let folder = folders.first(where: { text[position...].starts(with: $0) }),
                isRoot(text, before: position)
            else { continue }
            let start = position + folder.count
            let isWindows = folder[0] == UInt8(ascii: "\\") || position > 0 && text[position - 1] == UInt8(ascii: ":")
            let name = name(text, from: start, isWindows: isWindows)
            let word = String(decoding: name, as: UTF8.self).lowercased()
            guard name.count > 1, !shared.contains(word) else { continue }
            found.matches.append(Match(kind: .userFolder, range: start..<name.endIndex, score: 0.7, rule: "path.user"))
        }
    }

    /// The name of a folder; on Windows it can have blanks, if the path goes on behind it.
    private static func name(_ text: [UInt8], from start: Int, isWindows: Bool) -> ArraySlice<UInt8> {
        func isPart(_ byte: UInt8) -> Bool { byte.isAlphanumeric || "._-".utf8.contains(byte) || byte >= 0x80 }
        let rest = text[start...].prefix(64)
        if isWindows {
            let name = rest.prefix { isPart($0) || $0 == 0x20 }
            if name.endIndex < text.count, "/\\".utf8.contains(text[name.endIndex]) { return name }
        }
        return rest.prefix(while: isPart)
    }

    /// URLs, and domains that stand for one.
    static func scanAddresses(_ text: [UInt8], _ found: inout Detected) {
        var end = 0
        for position in text.indices.dropFirst(2)
        where position >= end && text[position] == UInt8(ascii: "/") && text[position - 1] == UInt8(ascii: ":") {
            guard let range = url(text, around: position) else { continue }
            found.matches.append(Match(kind: .url, range: range, score: 0.6, rule: "url"))
            end = range.upperBound
        }
        scanDomains(text, &found)
    }

    /// Whether a path begins there: at a blank, a quote, a sign, or behind a drive's letter.
    private static func isRoot(_ text: [UInt8], before position: Int) -> Bool {
        guard position > 0 else { return true }
        let before = text[position - 1]
        if text[..<position].hasSuffix("file://") || text[..<position].hasSuffix("/mnt/c") { return true }
        // `api.example.com/users/list` is a service's.
        return !before.isWordByte && !"./-".utf8.contains(before) && before < 0x80
    }

    /// A URL (RFC 3986) whose `//` is at a position.
    private static func url(_ text: [UInt8], around position: Int) -> Range<Int>? {
        guard position + 1 < text.count, text[position + 1] == UInt8(ascii: "/") else { return nil }
        let scheme = text[..<(position - 1)].suffix(16).reversed().prefix {
            $0.isAlphanumeric || "+.-".utf8.contains($0)
        }.count
        guard scheme > 1 else { return nil }
        var end = position + 2
        while end < text.count, end - position < 4_096, text[end] > 0x20, !"\"'<>`{}|\\^".utf8.contains(text[end]) {
            end += 1
        }
        while end > position + 2, ".,;:!?)]".utf8.contains(text[end - 1]) { end -= 1 }
        guard end > position + 4 else { return nil }
        return (position - 1 - scheme)..<end
    }

    private static let endings: Set<String> = [
        "com", "org", "net", "io", "co", "gov", "edu", "info", "biz", "de", "uk", "fr", "eu", "us", "app", "dev", "ai",
        "cloud", "vlaanderen",
    ]

    /// Domains without a scheme: at least two labels, the last one well known.
    private static func scanDomains(_ text: [UInt8], _ found: inout Detected) {
        var position = 0
        while position < text.count {
            guard text[position].isAlphanumeric else {
                position += 1
                continue
            }
            let start = position
            while position < text.count, text[position].isAlphanumeric || "-.".utf8.contains(text[position]) {
                position += 1
            }
            var end = position
            while end > start, !text[end - 1].isAlphanumeric { end -= 1 }
            let labels = text[start..<end].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard labels.count > 1, !labels.contains(where: \.isEmpty), let last = labels.last,
                endings.contains(String(decoding: last, as: UTF8.self).lowercased()),
                start == 0 || !(text[start - 1].isWordByte || "@/".utf8.contains(text[start - 1]))
            else { continue }
            found.matches.append(Match(kind: .url, range: start..<end, score: 0.5, rule: "url.domain"))
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether it ends with a text.
    fileprivate func hasSuffix(_ text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
