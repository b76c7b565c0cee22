// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where each byte of a text stands in the document: in a row from an offset, or each by itself.
enum SourceMap {
    case row(from: Int)
    /// One offset more than there are bytes.
    case each([Int])

    subscript(position: Int) -> Int {
        switch self {
        case .row(let start): start + position
        case .each(let offsets): offsets[position]
        }
    }

    /// The map of a part of the text.
    func part(_ range: Range<Int>) -> SourceMap {
        switch self {
        case .row(let start): .row(from: start + range.lowerBound)
        case .each(let offsets): .each(Array(offsets[range.lowerBound...range.upperBound]))
        }
    }

    /// The map of what was decoded from the text, by the place in it of each decoded byte.
    func decoded(_ places: [Int]) -> SourceMap { .each(places.map { self[$0] }) }
}
