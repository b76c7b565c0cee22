// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The kernel's random numbers, two words a call: what needs 128 bits asks once. Each use makes a
/// generator of its own: a copy of one that is half used would give the same word again.
package struct KernelRandom: RandomNumberGenerator {
    private var second: UInt64?

    package init() {}

    package mutating func next() -> UInt64 {
        if let word = second {
            second = nil
            return word
        }
        var words: (UInt64, UInt64) = (0, 0)
        let isFilled = unsafe withUnsafeMutableBytes(of: &words) { unsafe getentropy($0.baseAddress, $0.count) == 0 }
        guard isFilled else {
            // The standard library's generator asks the system in its own way, and ends the process when it gets nothing.
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        }
        second = words.1
        return words.0
    }
}
