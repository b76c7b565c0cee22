// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Values that were taken out, in the forms in which they could still stand somewhere.
///
/// Complexity: a search is O(bytes · log forms), whatever the values are; most texts are gone over five bytes at a time.
struct DenyList {
    /// The starts of the forms, for a second look.
    private var starts: Set<UInt64> = []
    /// For a pair of bytes how far the end of the next start of a form is at least: 5 for one that stands in no start (Wu and Manber); with
    /// `first` where a form begins with it.
    private var shifts = [UInt8](repeating: UInt8(window - 1), count: 8192)
    /// The forms in order; none is the start of another, so at most one can match at a place.
    private var forms: [[UInt8]] = []
    /// Bytes of the shortest form that is looked for.
    static let shortest = window
    private static let window = 6
    private static let first: UInt8 = 0x80
    private static let longest = 64

    var isEmpty: Bool { forms.isEmpty }

    /// A list of values in all forms, or only as they are.
    init(_ originals: [[UInt8]], isSpelled: Bool = true) {
        let all = Set(originals).reduce(into: Set<[UInt8]>()) { all, original in
            all.formUnion(isSpelled ? Self.spellings(of: original) : [original.map(Self.fold)])
        }
        // Of a long one the beginning tells enough.
        let starts = Set(all.map { Array($0.prefix(Self.longest)) })
        for form in starts.sorted(by: { $0.lexicographicallyPrecedes($1) }) where form.count >= Self.window {
            if let last = forms.last, form.starts(with: last) { continue }
            forms.append(form)
            self.starts.insert(form[..<Self.window].reduce(0) { $0 << 8 | UInt64($1) })
            for end in 1..<Self.window {
                let pair = Self.pair(form[end - 1], form[end])
                let known = shifts[pair]
                shifts[pair] = known & Self.first | min(known & ~Self.first, UInt8(Self.window - 1 - end))
            }
            shifts[Self.pair(form[0], form[1])] |= Self.first
        }
    }

    /// The number of a pair of bytes; some share one, also those in upper and lower case.
    private static func pair(_ first: UInt8, _ second: UInt8) -> Int { Int(first | 0x20) << 5 ^ Int(second | 0x20) }

    /// Whether any form occurs, in upper or lower case.
    func occurs(in text: [UInt8]) -> Bool { !places(in: text, most: 1).isEmpty }

    /// Where forms begin, in upper or lower case, in order.
    func places(in text: [UInt8], most: Int = .max) -> [Int] {
        guard text.count >= Self.window, !forms.isEmpty else { return [] }
        var places: [Int] = []
        for end in ends(in: text) {
            let start = end + 1 - Self.window
            let key = text[start...end].reduce(UInt64(0)) { $0 << 8 | UInt64(Self.fold($1)) }
            guard starts.contains(key), isForm(text[start...].prefix(Self.longest)) else { continue }
            places.append(start)
            if places.count == most { break }
        }
        return places
    }

    /// Where the start of a form could end, in order.
    private func ends(in text: [UInt8]) -> [Int] {
        unsafe text.withUnsafeBufferPointer { text in
            unsafe shifts.withUnsafeBufferPointer { shifts in
                var found: [Int] = []
                func step(_ end: inout Int) {
                    let shift = unsafe shifts[Self.pair(text[end - 1], text[end])] & ~Self.first
                    if shift == 0 {
                        let start = end + 1 - Self.window
                        let known = unsafe shifts[Self.pair(text[start], text[start + 1])]
                        if known & Self.first != 0 { found.append(end) }
                    }
                    end += max(1, Int(shift))
                }
                // Four parts side by side: a step waits for the one before it in its part, and not for those in the others.
                let first = Self.window - 1
                let third = first + (text.count - first) / 2
                let (second, fourth) = (first + (third - first) / 2, third + (text.count - third) / 2)
                var (one, two, three, four) = (first, second, third, fourth)
                while one < second, two < third, three < fourth, four < text.count {
                    step(&one)
                    step(&two)
                    step(&three)
                    step(&four)
                }
                while one < second { step(&one) }
                while two < third { step(&two) }
                while three < fourth { step(&three) }
                while four < text.count { step(&four) }
                return found.sorted()
            }
        }
    }

    /// Whether the text starts with a form: then it is the last form that is not after the text.
    private func isForm(_ part: ArraySlice<UInt8>) -> Bool {
        let text = part.map(Self.fold)
        let next = forms.firstIndex(notBefore: { !text.lexicographicallyPrecedes($0) })
        return next > 0 && text.starts(with: forms[next - 1])
    }

    /// The value itself, percent-encoded, in base 64, in hexadecimal, escaped once and twice for JSON, and the digits
    /// of what is mostly digits.
    private static func spellings(of original: [UInt8]) -> Set<[UInt8]> {
        let percent = PercentCode.encode(original)
        let escaped = JSONText.escape(original)
        // Wherever it begins in what is packed; the first and the last digits depend on what stands beside it.
        let base64 = (0..<3).map { before -> [UInt8] in
            let digits = Array(Base64URL.encode(Array(repeating: 0, count: before) + original).utf8)
            return digits.dropFirst([0, 2, 3][before]).dropLast((original.count + before) % 3 == 0 ? 0 : 1)
        }
        let standard = base64.map { digits in
            digits.map { byte in
                byte == UInt8(ascii: "-") ? UInt8(ascii: "+") : byte == UInt8(ascii: "_") ? UInt8(ascii: "/") : byte
            }
        }
        var forms: [[UInt8]] = [
            original, percent, Array(Hex.encode(original).utf8), escaped, JSONText.escape(escaped),
        ]
        forms += base64 + standard
        let digits = original.filter(\.isDigit)
        if digits.count >= 9, !original.contains(where: \.isLetter) {
            forms.append(digits)
            if digits.count == 11, digits[0] == UInt8(ascii: "1") { forms.append(Array(digits.dropFirst())) }
        }
        return Set(forms.map { $0.map(fold) })
    }

    private static func fold(_ byte: UInt8) -> UInt8 { byte.isUpper ? byte | 0x20 : byte }
}
