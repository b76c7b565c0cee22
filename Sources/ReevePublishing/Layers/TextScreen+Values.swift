// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What numbers, names with values, and folders could begin with.
extension TextScreen {
    /// Whether its digits could be of a number of somebody's: four, or one beside words; in what is a number by itself, seven.
    func hasNumbers(_ seen: UInt32) -> Bool {
        let needed = seen & (Class.letter | Class.space | Class.escape) == 0 ? 7 : 4
        // A word beside a digit could say what it is of.
        if seen & Class.space != 0, seen & Class.letter != 0 { return true }
        var (count, dots, run) = (0, 0, 0)
        for position in range {
            if isIn(position, Class.digit) {
                count += 1
                if count == needed { return true }
            } else if isIn(position, Class.dot) {
                dots += 1
            }
            run = isIn(position, Class.letter | Class.digit) ? run + 1 : 0
            if run == 26 { return true }
        }
        return dots > 2
    }

    /// Whether a name could be given a value in it: a sign with at least six bytes behind it that have a digit, or a word for a password before it;
    /// colons as in the address of a device or a network.
    var hasAssignments: Bool {
        var colons = 0
        for position in range where isIn(position, Class.sign) {
            if byte(position) == UInt8(ascii: ":") {
                colons += 1
                if colons == 5 || position + 1 < range.upperBound && byte(position + 1) == UInt8(ascii: ":") {
                    return true
                }
            }
            var start = position + 1
            while start < range.upperBound, start - position < 24, isBlank(start) { start += 1 }
            var (end, hasDigit) = (start, false)
            while end < range.upperBound, end - start < 4_096, !isIn(end, Class.end) {
                if isIn(end, Class.digit) { hasDigit = true }
                end += 1
            }
            guard end - start >= 4, hasDigit || hasPassword(before: position) else { continue }
            return true
        }
        return false
    }

    private func isBlank(_ position: Int) -> Bool {
        if isIn(position, Class.blank) { return true }
        // Behind a backslash a line end or a tab.
        return isIn(position, Class.plainEscape) && isIn(position - 1, Class.escape)
    }

    /// Whether a word for a password stands before a position.
    private func hasPassword(before position: Int) -> Bool {
        for start in max(range.lowerBound, position - 84)..<position {
            switch byte(start) | 0x20 {
            case UInt8(ascii: "p"): if isWord("pass", at: start) || isWord("pwd", at: start) { return true }
            case UInt8(ascii: "c"): if isWord("contrase", at: start) { return true }
            case UInt8(ascii: "m"): if isWord("mot", at: start) { return true }
            default: break
            }
        }
        return false
    }

    /// Whether a word, in lower case here, stands at a position in either.
    private func isWord(_ word: StaticString, at position: Int) -> Bool {
        guard position + word.utf8CodeUnitCount <= range.upperBound else { return false }
        return word.withUTF8Buffer { word in
            for index in word.indices where unsafe byte(position + index) | 0x20 != word[index] { return false }
            return true
        }
    }

    /// Whether `Bearer`, `Basic`, `Token` or an option for a user stands before a blank.
    var hasHeaders: Bool {
        for position in range where isIn(position, Class.space) && position > range.lowerBound + 1 {
            let left = position - range.lowerBound
            switch byte(position - 1) | 0x20 {
            case UInt8(ascii: "r"):
                if left >= 6, isWord("bearer", at: position - 6) || isWord("user", at: position - 4) { return true }
            case UInt8(ascii: "c"): if left >= 5, isWord("basic", at: position - 5) { return true }
            case UInt8(ascii: "n"): if left >= 5, isWord("token", at: position - 5) { return true }
            case UInt8(ascii: "u"): if byte(position - 2) == UInt8(ascii: "-") { return true }
            default: break
            }
        }
        return false
    }

    /// Whether a line ends between two letters or digits: a key may go on in the next.
    var hasBrokenLines: Bool {
        for position in range
        where isIn(position, Class.escape) && position > range.lowerBound && position + 2 < range.upperBound {
            let isLineEnd = byte(position + 1) == UInt8(ascii: "n") || byte(position + 1) == UInt8(ascii: "r")
            if isLineEnd, isIn(position - 1, Class.run | Class.keySign), isIn(position + 2, Class.run | Class.keySign) {
                return true
            }
        }
        return false
    }

    /// Whether a path through the folder of all users stands in it.
    var hasFolders: Bool {
        for position in range where isIn(position, Class.folder) {
            guard position - range.lowerBound >= 5 else { continue }
            switch byte(position - 1) | 0x20 {
            case UInt8(ascii: "s"): if isWord("users", at: position - 5) { return true }
            case UInt8(ascii: "e"): if isWord("home", at: position - 4) { return true }
            default: break
            }
        }
        return false
    }
}
