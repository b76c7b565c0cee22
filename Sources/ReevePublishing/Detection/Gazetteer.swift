// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Frequent names, by the hashes of their letters in lower case (FNV-1a, 32 bits): of other words one in a million is taken for one.
enum Gazetteer {
    static let first = Set(GazetteerNames.first.utf8.split(separator: 0x20).map { hash($0) })
    static let last = Set(GazetteerNames.last.utf8.split(separator: 0x20).map { hash($0) })

    /// The hash of a word, in either case.
    static func hash(_ word: some Sequence<UInt8>) -> UInt32 {
        word.reduce(2_166_136_261) { ($0 ^ UInt32($1.isUpper ? $1 | 0x20 : $1)) &* 16_777_619 }
    }

    /// A bit for the low bits of each hash with which a name in a text can begin: first names and titles.
    static let beginnings: [UInt64] = {
        var marks = [UInt64](repeating: 0, count: 1024)
        for hash in first.union(NameDetector.titles) { marks[Int(hash >> 6 & 1023)] |= 1 << UInt64(hash & 63) }
        return marks
    }()
}
