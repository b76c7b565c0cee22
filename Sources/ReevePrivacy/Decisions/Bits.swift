// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A set of small numbers in a few words, without allocation.
///
/// ReeveAccess has one of its own: generic code of a module below is not specialised here, and decisions took ten times as long.
struct Bits<Words: SIMD & Sendable>: Hashable, Sendable where Words.Scalar == UInt64 {
    private var words = Words(repeating: 0)

    static var capacity: Int { Words.scalarCount * 64 }

    init() {}
    init(_ numbers: some Sequence<Int>) {
        for number in numbers { insert(number) }
    }

    var isEmpty: Bool { words == Words(repeating: 0) }
    func contains(_ number: Int) -> Bool { words[number >> 6] & (1 << UInt64(number & 63)) != 0 }
    mutating func insert(_ number: Int) { words[number >> 6] |= 1 << UInt64(number & 63) }
    mutating func remove(_ number: Int) { words[number >> 6] &= ~(1 << UInt64(number & 63)) }
    func isSubset(of other: Self) -> Bool { words & ~other.words == Words(repeating: 0) }
    func isDisjoint(with other: Self) -> Bool { words & other.words == Words(repeating: 0) }

    static func & (left: Self, right: Self) -> Self {
        var result = left
        result.words &= right.words
        return result
    }
    static func | (left: Self, right: Self) -> Self {
        var result = left
        result.words |= right.words
        return result
    }

    func subtracting(_ other: Self) -> Self {
        var result = self
        result.words &= ~other.words
        return result
    }

    var count: Int { words.indices.reduce(0) { $0 + words[$1].nonzeroBitCount } }

    /// Calls with each number, in order.
    func forEach(_ body: (Int) -> Void) {
        for index in words.indices {
            var word = words[index]
            while word != 0 {
                body(index << 6 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    /// Those that are wanted.
    func filter(_ isWanted: (Int) -> Bool) -> Self {
        var result = self
        forEach { if !isWanted($0) { result.remove($0) } }
        return result
    }

    /// In order.
    var numbers: [Int] {
        var found: [Int] = []
        found.reserveCapacity(count)
        forEach { found.append($0) }
        return found
    }
}

/// Rules by number.
typealias RuleSet = Bits<SIMD8<UInt64>>
/// Facts by number.
typealias FactSet = Bits<SIMD4<UInt64>>

/// Facts that are known, by number.
struct KnownFacts: Sendable {
    var yes = FactSet()
    var no = FactSet()

    func truth(_ number: Int) -> Truth { yes.contains(number) ? .yes : no.contains(number) ? .no : .unknown }

    mutating func set(_ number: Int, _ truth: Truth) {
        yes.remove(number)
        no.remove(number)
        switch truth {
        case .yes: yes.insert(number)
        case .no: no.insert(number)
        case .unknown: break
        }
    }
}
