// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A first look at a string as it stands in a document: whether it can be passed over, since no layer of it can hold anything.
///
/// Most strings can, and cost no copy. Every finding needs what is looked for here: an `@` or a sign that could stand for one,
/// digits in a row, the beginning of a key of a provider, base 64 that is readable. What is not certain is read.
/// Complexity: O(bytes), without an allocation.
@safe struct TextScreen {
    /// What a string's text is written in.
    enum Writing {
        case text
        /// Text with data pills, or a formula behind `=`.
        case workato
        /// Text with expressions in it.
        case template
    }

    /// A data pill, as it stands in the document.
    struct Pill {
        let range: Range<Int>
        let isInFormula: Bool
    }

    /// The document; only there while a body of `withUnsafeBufferPointer` runs.
    private let bytes: UnsafeBufferPointer<UInt8>
    private let classes: UnsafeBufferPointer<UInt32>
    let range: Range<Int>
    let writing: Writing

    private init(
        _ bytes: UnsafeBufferPointer<UInt8>, _ classes: UnsafeBufferPointer<UInt32>, _ range: Range<Int>,
        _ writing: Writing
    ) {
        unsafe self.bytes = unsafe bytes
        unsafe self.classes = unsafe classes
        self.range = range
        self.writing = writing
    }

    /// Whether nothing can be in the content of a string or key, or in a number; its data pills are added to `pills`, whatever comes of it.
    static func isClean(_ document: [UInt8], _ range: Range<Int>, _ writing: Writing, _ pills: inout [Pill]) -> Bool {
        unsafe document.withUnsafeBufferPointer { bytes in
            unsafe table.withUnsafeBufferPointer { classes in
                unsafe TextScreen(bytes, classes, range, writing).isClean(&pills)
            }
        }
    }

    // MARK: Bytes

    /// Classes of bytes.
    enum Class {
        /// A digit of base 64.
        static let run: UInt32 = 1
        static let digit: UInt32 = 2
        /// A name and what it is given could stand on its sides.
        static let sign: UInt32 = 4
        /// A percent code or an entity could begin with it.
        static let code: UInt32 = 8
        /// A quote, a brace or a parenthesis: no matter in plain text.
        static let syntax: UInt32 = 16
        static let escape: UInt32 = 32
        static let at: UInt32 = 64
        /// It parts the groups of a number, or may be folded to what does.
        static let separator: UInt32 = 128
        /// A byte of a name.
        static let word: UInt32 = 256
        /// A literal, a comment or a regular expression of a formula could begin or end with it.
        static let literal: UInt32 = 512
        /// It stands between literals that are joined.
        static let joint: UInt32 = 1024
        static let letter: UInt32 = 2048
        /// In an escape it stands for a line end, a tab or a quote.
        static let plainEscape: UInt32 = 4096
        static let dot: UInt32 = 8192
        /// Of a text: as many bytes in a row as the shortest key of a provider has.
        static let long: UInt32 = 16384
        static let dash: UInt32 = 32768
        /// A typographic dash, a wide letter, or what has no width could begin with it.
        static let wide: UInt32 = 65536
        /// A tag of HTML could begin with it.
        static let tag: UInt32 = 131_072
        /// The folder of a user could begin with it.
        static let folder: UInt32 = 262_144
        static let space: UInt32 = 524_288
        /// It may stand within a key of a provider beside letters and digits.
        static let keySign: UInt32 = 1_048_576
        /// It may stand between a sign and what is given.
        static let blank: UInt32 = 2_097_152
        /// A digit of another script, or a letter that looks like one of ASCII, could begin with it.
        static let script: UInt32 = 8_388_608
        static let control: UInt32 = 16_777_216
        /// It may part the groups of a short number.
        static let part: UInt32 = 33_554_432
        /// It may stand between words.
        static let gap: UInt32 = 67_108_864
        /// Of a text: a capital, or a letter outside ASCII, stands behind a gap.
        static let capital: UInt32 = 134_217_728
        /// Of a text: a line ends in it.
        static let lineEnd: UInt32 = 268_435_456
    }

    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 256)
        for value in 0..<256 {
            let byte = UInt8(value)
            var found: UInt32 = byte.isAlphanumeric || "+/-_".utf8.contains(byte) ? Class.run : 0
            if byte.isDigit { found |= Class.digit }
            if byte.isLetter { found |= Class.letter }
            if byte.isWordByte { found |= Class.word }
            if "=:>|?,".utf8.contains(byte) { found |= Class.sign }
            if byte == UInt8(ascii: "/") { found |= Class.folder }
            if byte == 0x20 { found |= Class.space }
            if byte < 0x20 { found |= Class.control }
            if byte <= 0x20 || byte == 0xA0 || byte == 0xAF || (0x80...0x8A).contains(byte) { found |= Class.gap }
            if "-.:_/".utf8.contains(byte) || byte == 0xA0 || byte < 0x20 { found |= Class.part }
            if byte <= 0x20 || "'\"`=>:|?,(\\".utf8.contains(byte) { found |= Class.blank }
            if OtherScript.leads.contains(byte) { found |= Class.script }
            if found & Class.run == 0, SecretDetector.inside.contains(byte) { found |= Class.keySign }
            if "%&".utf8.contains(byte) { found |= Class.code }
            if "'`\"{}#(".utf8.contains(byte) { found |= Class.syntax }
            if byte == UInt8(ascii: "\\") { found |= Class.escape }
            if byte == UInt8(ascii: "@") { found |= Class.at }
            if " -._/()+,\t\n\r".utf8.contains(byte) || byte >= 0x80 { found |= Class.separator }
            if "'\"`/%<#{}\\".utf8.contains(byte) || byte >= 0x80 { found |= Class.literal }
            if byte == 0xE2 || byte == 0xEF || byte == 0xC2 || OtherScript.leads.contains(byte) { found |= Class.wide }
            if byte == UInt8(ascii: "-") { found |= Class.dash }
            if byte == UInt8(ascii: "<") { found |= Class.tag }
            if byte == UInt8(ascii: ".") { found |= Class.dot }
            if LiteralRun.joins(byte) { found |= Class.joint }
            if "nrt\"'".utf8.contains(byte) { found |= Class.plainEscape }
            table[value] = found
        }
        return table
    }()

    func byte(_ position: Int) -> UInt8 { unsafe bytes[position] }
    /// A part of the document, as long as that is there.
    func part(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(rebasing: bytes[range]) }
    private func kind(_ position: Int) -> UInt32 { unsafe classes[Int(bytes[position])] }
    func isIn(_ position: Int, _ wanted: UInt32) -> Bool { kind(position) & wanted != 0 }

    private func isClean(_ pills: inout [Pill]) -> Bool {
        // What it could pack holds no `@` and no number either.
        if range.count == 36, isUUID { return true }
        var syntax = range.upperBound..<range.upperBound
        guard let seen = look(&syntax) else { return false }
        // A template takes a backslash before braces; digits could be parted by what an escape stands for.
        if seen & Class.escape != 0, writing == .template || seen & Class.digit != 0 && digits >= 7 { return false }
        if seen & Class.code != 0, hasCodes { return false }
        if seen & Class.digit != 0, hasNumbers(seen) { return false }
        if seen & Class.lineEnd != 0, hasBrokenLines { return false }
        if seen & Class.long != 0 {
            if unsafe SecretDetector.mayHold(bytes, range) { return false }
        }
        if seen & Class.sign != 0, seen & Class.dash != 0, hasCurl { return false }
        if seen & Class.capital != 0, hasNames { return false }
        if seen & Class.dot != 0, hasTenant { return false }
        if seen & Class.folder != 0, hasFolders { return false }
        if seen & Class.dash != 0, hasDashes { return false }
        if seen & Class.tag != 0, hasTags { return false }
        if seen & Class.wide != 0, hasWide { return false }
        return isPlain(seen, syntax, &pills)
    }

    /// The classes of its bytes, and from where to where it has syntax; `nil` when there is an `@`, base 64 that could be read, an escape
    /// that is not plain, a name that could tell of a secret before a sign, or a word behind which one could stand.
    private func look(_ syntax: inout Range<Int>) -> UInt32? {
        var (seen, position, start) = (UInt32(0), range.lowerBound, range.lowerBound)
        var (longStart, colons) = (start, 0)
        while position < range.upperBound {
            let found = kind(position)
            seen |= found
            position += 1
            guard found & Class.run == 0 else { continue }
            if found & (Class.gap | Class.escape) != 0, isHeader(before: position - 1) { return nil }
            if found & Class.sign != 0, isAssignment(at: position - 1, &colons) { return nil }
            if found & Class.syntax != 0 { syntax = min(syntax.lowerBound, position - 1)..<position }
            if found & Class.gap != 0, position < range.upperBound, byte(position).isUpper || byte(position) >= 0x80 {
                seen |= Class.capital
            }
            if found & Class.control != 0, byte(position - 1) == 0x0A || byte(position - 1) == 0x0D {
                seen |= Class.lineEnd
            }
            let run = start..<position - 1
            if found & Class.keySign == 0 {
                if run.upperBound - longStart >= SecretDetector.shortest { seen |= Class.long }
                longStart = position
            }
            if run.count >= Base64Text.shortest, mayBePacked(run) { return nil }
            // What an escape stands for is no digit; behind a line end a long run may go on.
            if found & Class.escape != 0 {
                guard isPlainEscape(at: position - 1), !isFolder(before: position - 1) else { return nil }
                let escaped = byte(position)
                let isLineEnd =
                    escaped == UInt8(ascii: "n") || escaped == UInt8(ascii: "r") || escaped == UInt8(ascii: "\\")
                if isLineEnd { seen |= Class.lineEnd }
                if isLineEnd, run.count >= Base64Text.shortestLine { return nil }
                seen |= kind(position)
                position += 1
            }
            start = position
        }
        if position - start >= Base64Text.shortest, mayBePacked(start..<position) { return nil }
        if position - longStart >= SecretDetector.shortest { seen |= Class.long }
        return seen & Class.at == 0 ? seen : nil
    }

    /// Whether a run of digits could be base 64, by itself or in parts.
    private func mayBePacked(_ run: Range<Int>) -> Bool {
        unsafe Base64Text.mayBe(part(run))
    }

    /// Whether an escape is that of a line end, a tab or a quote, and not in others more than twice.
    private func isPlainEscape(at start: Int) -> Bool {
        var end = start + 1
        while end < range.upperBound, isIn(end, Class.escape) { end += 1 }
        guard end < range.upperBound, isIn(end, Class.plainEscape) else { return false }
        let isLineEnd = byte(end) == UInt8(ascii: "n") || byte(end) == UInt8(ascii: "r")
        // Behind a backslash the line goes on.
        return end - start < 3 || end - start == 3 && !isLineEnd
    }

    /// Whether dashes stand beside each other, as around a private key, or as many as in the address of a device.
    private var hasDashes: Bool {
        var count = 0
        for position in range where isIn(position, Class.dash) {
            count += 1
            if count == 5 || position + 1 < range.upperBound && isIn(position + 1, Class.dash) { return true }
        }
        return false
    }

    /// Whether a tag or a comment of HTML could begin in it; its slash may be written as an escape.
    private var hasTags: Bool {
        range.dropLast().contains { position in
            isIn(position, Class.tag) && (isIn(position + 1, Class.letter) || "/!\\".utf8.contains(byte(position + 1)))
        }
    }

    /// Whether it has a dash that is folded to `-`, a letter as wide as two, or what has no width: it could be one of a key, or hide one.
    private var hasWide: Bool {
        range.dropLast().contains { position in
            guard isIn(position, Class.wide) else { return false }
            let second = byte(position + 1)
            if isIn(position, Class.script) {
                // Digits of another script, or a letter beside one of ASCII.
                let isBeside =
                    position > range.lowerBound && isIn(position - 1, Class.word)
                    || position + 2 < range.upperBound && isIn(position + 2, Class.word)
                return isBeside || byte(position) == 0xD9 || byte(position) == 0xDB || byte(position) == 0xE0
            }
            if byte(position) == 0xC2 { return second == 0xAD }
            guard position + 2 < range.upperBound else { return false }
            let third = byte(position + 2)
            if byte(position) == 0xEF { return (0xB9...0xBD).contains(second) }
            return second == 0x80 && ((0x8B...0x95).contains(third) || (0xAA...0xAE).contains(third))
                || second == 0x81 && (0xA0...0xAF).contains(third)
                || second == 0x88 && third == 0x92
        }
    }

    private var digits: Int { range.reduce(0) { $0 + (isIn($1, Class.digit) ? 1 : 0) } }

    /// Whether percent codes or entities are in it.
    private var hasCodes: Bool {
        for position in range where isIn(position, Class.code) {
            let next = position + 1 < range.upperBound ? byte(position + 1) : 0
            if byte(position) == UInt8(ascii: "&") {
                guard next == 0x20 else { return true }
            } else if next.isDigit || (97...102).contains(next | 0x20) || next == UInt8(ascii: "u") {
                return true
            }
        }
        return false
    }

    /// Whether it is a UUID (RFC 9562) in lower case in which no number can stand: a telephone's would begin it, a card's has 13 digits,
    /// an account's begins with two letters and two digits.
    private var isUUID: Bool {
        var (hasLetter, digits) = (false, 0)
        let start = range.lowerBound
        if isIn(start, Class.letter), isIn(start + 1, Class.letter), isIn(start + 2, Class.digit),
            isIn(start + 3, Class.digit)
        {
            return false
        }
        for (index, position) in range.enumerated() {
            let byte = byte(position)
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return false }
            } else {
                let isLetter = (97...102).contains(byte)
                digits = isLetter ? 0 : digits + 1
                guard isLetter || byte.isDigit, digits < 13 else { return false }
                if index < 8, isLetter { hasLetter = true }
            }
        }
        return hasLetter
    }
}
