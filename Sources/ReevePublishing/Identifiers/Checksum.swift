// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Check digits of identifiers, over digits and letters without separators, in upper case.
enum Checksum {
    /// Luhn (ISO/IEC 7812-1, annex B); the last digit is the check.
    static func luhn(_ text: some Collection<UInt8>) -> Bool {
        CardDetector.isLuhn(text.map { $0 - 48 })
    }

    /// The sum of digits, each times its weight.
    static func weighted(_ text: some Sequence<UInt8>, _ weights: [Int]) -> Int {
        zip(text, weights).reduce(0) { $0 + Int($1.0 - 48) * $1.1 }
    }

    /// Verhoeff (1969): permutations of the dihedral group of ten elements; the last digit is the check.
    static func verhoeff(_ text: some Collection<UInt8>) -> Bool {
        var check = 0
        for (index, byte) in text.reversed().enumerated() {
            var digit = Int(byte - 48)
            for _ in 0..<(index % 8) { digit = permutation[digit] }
            check = product(check, digit)
        }
        return check == 0
    }

    private static let permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    private static func product(_ left: Int, _ right: Int) -> Int {
        switch (left < 5, right < 5) {
        case (true, true): (left + right) % 5
        case (true, false): (left + right - 5) % 5 + 5
        case (false, true): (left - 5 - right + 10) % 5 + 5
        case (false, false): (left - right + 5) % 5
        }
    }

    /// ISO 7064, modulo 11, 10; the last digit is the check.
    static func mod11And10(_ text: some Collection<UInt8>) -> Bool {
        var product = 10
        for byte in text.dropLast() {
            let sum = (Int(byte - 48) + product) % 10
            product = 2 * (sum == 0 ? 10 : sum) % 11
        }
        return (11 - product) % 10 == Int((text.map { $0 }.last ?? 0)) - 48
    }

    /// The remainder of a decimal number; letters count as 10 to 35.
    static func remainder(_ text: some Sequence<UInt8>, by modulus: Int) -> Int {
        text.reduce(0) { rest, byte in
            byte.isDigit ? (rest * 10 + Int(byte - 48)) % modulus : (rest * 100 + Int(byte - 55)) % modulus
        }
    }

    /// Whether six digits are a day: year, month and day in that order, or day, month and year.
    static func isDay(_ text: some Collection<UInt8>, dayFirst: Bool = false) -> Bool {
        let digits = text.map { Int($0) - 48 }
        guard digits.count == 6, digits.allSatisfy({ (0...9).contains($0) }) else { return false }
        let (month, day) = (
            digits[2] * 10 + digits[3], dayFirst ? digits[0] * 10 + digits[1] : digits[4] * 10 + digits[5]
        )
        return isDay(month: month, day: day)
    }

    static func isDay(month: Int, day: Int) -> Bool {
        (1...12).contains(month) && day >= 1 && day <= [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// The number that digits are.
    static func value(_ text: some Sequence<UInt8>) -> Int { text.reduce(0) { $0 * 10 + Int($1) - 48 } }

    /// Weights 7, 3, 1 over digits and letters (ICAO 9303, part 3); the last digit is the check.
    static func travelDocument(_ text: some Collection<UInt8>) -> Bool {
        var sum = 0
        for (index, byte) in text.dropLast().enumerated() {
            sum += (byte.isDigit ? Int(byte - 48) : Int(byte) - 55) * [7, 3, 1][index % 3]
        }
        return sum % 10 == Int(text.map { $0 }.last ?? 0) - 48
    }
}
