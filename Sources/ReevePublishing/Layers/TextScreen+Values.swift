// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What numbers, names with values, and folders could begin with.
extension TextScreen {
    /// Whether its digits could be of a number of somebody's: four, or fewer with a word that tells of them; in what is a number by itself, seven.
    func hasNumbers(_ seen: UInt32) -> Bool {
        let needed = seen & (Class.letter | Class.space | Class.escape) == 0 ? 7 : 4
        if seen & Class.letter != 0, seen & Class.wide != 0 || hasTellingWord { return true }
        var (count, dots, fours, run, all, isAccount) = (0, 0, 0, 0, 0, false)
        var position = range.lowerBound
        while position < range.upperBound {
            if isIn(position, Class.digit) {
                count += 1
                if count == needed { return true }
                // `DE89`.
                if run == 3, isIn(position - 1, Class.digit), isIn(position - 2, Class.letter) { isAccount = true }
            } else if isIn(position, Class.dot) {
                dots += 1
                if run == 4 { fours += 1 }
            }
            // What an escape stands for is no letter.
            if isIn(position, Class.escape), position + 1 < range.upperBound, !isIn(position + 1, Class.escape) {
                position += 1
                run = 0
            } else {
                run = isIn(position, Class.letter | Class.digit) ? run + 1 : 0
                all += run > 0 ? 1 : 0
            }
            if run == 16 { return true }
            position += 1
        }
        // As in an address of the network or of a device, or in an account's number.
        return dots > 2 || fours == 2 || isAccount && all >= 15
    }

    /// Whether a word stands in it beside which a few digits are a number of somebody's.
    private var hasTellingWord: Bool {
        var (hash, count, wasLower, position) = (WordSet.seed, 0, false, range.lowerBound)
        while position < range.upperBound {
            let byte = byte(position)
            let isLetter = isIn(position, Class.letter) || byte >= 0x80
            if !isLetter || wasLower && byte.isUpper {
                if count > 1, TellingWords.ofFew.contains(hash) { return true }
                (hash, count) = (WordSet.seed, 0)
                // What an escape stands for is no letter.
                if isIn(position, Class.escape), position + 1 < range.upperBound, !isIn(position + 1, Class.escape) {
                    position += 1
                }
            }
            if isLetter {
                hash = WordSet.hash(hash, with: byte.isUpper ? byte | 0x20 : byte)
                count += 1
            }
            wasLower = isLetter && !byte.isUpper
            position += 1
        }
        return count > 1 && TellingWords.ofFew.contains(hash)
    }

    /// Whether a name that could tell of a secret is given a value by a sign; or it is one of as many `colons` as in the address of a device
    /// or a network.
    func isAssignment(at position: Int, _ colons: inout Int) -> Bool {
        // Alone it gives nothing a value.
        if byte(position) == UInt8(ascii: ","), position == range.lowerBound || !isIn(position - 1, Class.blank) {
            return false
        }
        if byte(position) == UInt8(ascii: ":") {
            // `https://…`.
            if position + 2 < range.upperBound, byte(position + 1) == UInt8(ascii: "/"),
                byte(position + 2) == UInt8(ascii: "/")
            {
                return false
            }
            colons += 1
            if colons == 5 || position + 1 < range.upperBound && byte(position + 1) == UInt8(ascii: ":") {
                return true
            }
        }
        return hasTellingName(before: position)
    }

    /// Whether a name that could tell of a secret stands before a sign. What an escape stands for parts words, and its letter may be one.
    private func hasTellingName(before position: Int) -> Bool {
        // Of a name, and of what stands between it and the sign.
        let (longest, mostBlanks) = (108, 12)
        var end = position
        while end > range.lowerBound, position - end < mostBlanks {
            let isBlank =
                isIn(end - 1, Class.blank) || byte(end - 1) == UInt8(ascii: "]") || byte(end - 1) == UInt8(ascii: ")")
            if !isBlank {
                guard end - 1 > range.lowerBound, isIn(end - 1, Class.plainEscape), isIn(end - 2, Class.escape) else {
                    break
                }
            }
            end -= 1
        }
        while true {
            var start = end
            while start > range.lowerBound, position - start < longest,
                isIn(start - 1, Class.word | Class.dot | Class.dash | Class.space) || byte(start - 1) >= 0x80
            {
                start -= 1
                // A typographic space, perhaps.
                if byte(start) == 0xC2 || (0xE1...0xE3).contains(byte(start)) { return true }
            }
            let isEscaped = start > range.lowerBound && isIn(start - 1, Class.escape)
            if mayTell(start..<end) || isEscaped && start < end && mayTell(start + 1..<end) { return true }
            guard isEscaped, position - start < longest else { return false }
            end = start - 1
        }
    }

    private func mayTell(_ name: Range<Int>) -> Bool {
        let name = unsafe part(name)
        // `key="password" value="…"`.
        return unsafe SecretName.mayTell(name) || TextWords.holds("value", in: name)
    }

    /// Whether a word, in lower case here, stands at a position in either.
    private func isWord(_ word: StaticString, at position: Int) -> Bool {
        guard position + word.utf8CodeUnitCount <= range.upperBound else { return false }
        return word.withUTF8Buffer { word in
            for index in word.indices where unsafe byte(position + index) | 0x20 != word[index] { return false }
            return true
        }
    }

    /// Whether `curl` stands in it: what follows it could be a user's password.
    var hasCurl: Bool { range.dropLast(3).contains { byte($0) | 0x20 == UInt8(ascii: "c") && isWord("curl", at: $0) } }

    /// Whether `Bearer`, `Basic`, `Token` or an option for a user stands before a blank, or an option behind it.
    func isHeader(before position: Int) -> Bool {
        guard position > range.lowerBound + 1 else { return false }
        // A typographic space has more bytes before this one.
        var end = position
        if byte(position) >= 0x80 {
            while end > range.lowerBound + 1, byte(end) >= 0x80 { end -= 1 }
            end += 1
        }
        let left = end - range.lowerBound
        switch byte(end - 1) | 0x20 {
        case UInt8(ascii: "r"):
            if left >= 6, byte(end - 2) | 0x20 == UInt8(ascii: "e"),
                isWord("bearer", at: end - 6) || isWord("user", at: end - 4)
            {
                return true
            }
        case UInt8(ascii: "c"):
            if left >= 5, byte(end - 2) | 0x20 == UInt8(ascii: "i"), isWord("basic", at: end - 5) { return true }
        case UInt8(ascii: "n"):
            if left >= 5, byte(end - 2) | 0x20 == UInt8(ascii: "e"), isWord("token", at: end - 5) { return true }
        case UInt8(ascii: "u"): if left > 1 && byte(end - 2) == UInt8(ascii: "-") { return true }
        default: break
        }
        return byte(position) == 0x20 && position + 2 < range.upperBound && byte(position + 1) == UInt8(ascii: "-")
            && byte(position + 2) == UInt8(ascii: "-")
    }

    /// Whether the host of a service's customer could stand in it.
    var hasTenant: Bool {
        range.contains { isIn($0, Class.dot) && TenantHosts.mayEnd(behind: $0, before: range.upperBound, byte) }
    }

    /// Whether a word with a capital that begins a name could stand before another one.
    var hasNames: Bool {
        for position in range
        where isIn(position, Class.gap) && position > range.lowerBound && position + 1 < range.upperBound {
            let next = byte(position + 1)
            guard next.isUpper || next >= 0x80 else { continue }
            if LegalForms.mayBegin(behind: position, before: range.upperBound, byte) { return true }
            var (start, end) = (position, position)
            // The bytes of a typographic space.
            while byte(end) >= 0x80, end > range.lowerBound + 1, byte(end - 1) >= 0x80 { end -= 1 }
            start = end
            if byte(end - 1) == UInt8(ascii: ".") { end -= 1 }
            start = end
            while start > range.lowerBound, end - start < 24,
                isIn(start - 1, Class.letter) || byte(start - 1) >= 0x80 || byte(start - 1) == UInt8(ascii: "'")
                    || byte(start - 1) == UInt8(ascii: "-")
            {
                start -= 1
            }
            // Behind a backslash the first letter is that of an escape, and a typographic space has letters' bytes.
            for first in start..<end where byte(first).isUpper {
                var hash: UInt32 = 2_166_136_261
                for place in first..<end {
                    let letter = byte(place)
                    hash = (hash ^ UInt32(letter.isUpper ? letter | 0x20 : letter)) &* 16_777_619
                }
                if Gazetteer.beginnings[Int(hash >> 6 & 1023)] >> UInt64(hash & 63) & 1 == 1 { return true }
            }
        }
        return false
    }

    /// Whether a line ends between two letters or digits: a key may go on in the next.
    var hasBrokenLines: Bool {
        guard range.count >= SecretDetector.shortest else { return false }
        for position in range.dropFirst() {
            let isEscape = isIn(position, Class.escape) && position + 1 < range.upperBound
            let isLineEnd =
                isEscape
                ? byte(position + 1) == UInt8(ascii: "n") || byte(position + 1) == UInt8(ascii: "r")
                : byte(position) == 0x0A || byte(position) == 0x0D
            let next = position + (isEscape ? 2 : 1)
            if isLineEnd, next < range.upperBound, isIn(position - 1, Class.run | Class.keySign),
                isIn(next, Class.run | Class.keySign)
            {
                return true
            }
        }
        return false
    }

    /// Whether a path through the folder of all users stands in it.
    var hasFolders: Bool { range.contains { isIn($0, Class.folder) && isFolder(before: $0) } }

    /// Whether the folder of all users stands before a slash.
    func isFolder(before position: Int) -> Bool {
        guard position - range.lowerBound >= 5 else { return false }
        switch byte(position - 1) | 0x20 {
        case UInt8(ascii: "s"): return isWord("users", at: position - 5)
        case UInt8(ascii: "e"): return isWord("home", at: position - 4)
        default: return false
        }
    }
}
