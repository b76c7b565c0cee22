// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What kinds of bytes a text has: detectors that need others are not run. Complexity: O(bytes), without an allocation.
struct TextClasses {
    private(set) var hasAt = false
    private(set) var hasDigit = false
    /// Whether it has a slash or a backslash.
    private(set) var hasSlash = false
    /// Whether it has what stands between a name and a value.
    private(set) var hasSign = false
    private(set) var hasSpace = false
    private(set) var hasDot = false
    private(set) var colons = 0
    private(set) var dashes = 0
    /// The most letters and digits in a row.
    private(set) var longestRun = 0

    init(_ text: [UInt8]) {
        var run = 0
        for byte in text {
            if byte.isAlphanumeric {
                if byte.isDigit { hasDigit = true }
                run += 1
                continue
            }
            longestRun = max(longestRun, run)
            run = 0
            switch byte {
            case UInt8(ascii: "@"): hasAt = true
            case UInt8(ascii: "/"), UInt8(ascii: "\\"): hasSlash = true
            case UInt8(ascii: ":"):
                colons += 1
                hasSign = true
            case UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: "?"), UInt8(ascii: ","):
                hasSign = true
            case UInt8(ascii: "-"): dashes += 1
            case UInt8(ascii: "."): hasDot = true
            case 0x20, 0x09: hasSpace = true
            default: break
            }
        }
        longestRun = max(longestRun, run)
    }
}
