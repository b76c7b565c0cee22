// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A set of up to 256 permissions, by their number in a compiled policy.
struct PermissionSet: Hashable, Sendable {
    static let capacity = 256
    private var words = SIMD4<UInt64>(repeating: 0)

    init() {}

    func contains(_ index: Int) -> Bool { words[index >> 6] & (1 << UInt64(index & 63)) != 0 }
    mutating func insert(_ index: Int) { words[index >> 6] |= 1 << UInt64(index & 63) }
    mutating func formUnion(_ other: PermissionSet) { words |= other.words }
    func subtracting(_ other: PermissionSet) -> PermissionSet {
        var result = self
        result.words &= ~other.words
        return result
    }
    func isSubset(of other: PermissionSet) -> Bool { subtracting(other).isEmpty }
    var isEmpty: Bool { words == SIMD4(repeating: 0) }
    var indices: [Int] { (0..<Self.capacity).filter(contains) }
}
