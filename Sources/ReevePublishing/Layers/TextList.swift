// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Texts one after the other, to be compared with those of another reading; adding one costs no allocation of its own.
struct TextList: Equatable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// Adds a part of a text, but for one byte wherever it stands in it.
    mutating func add(_ text: [UInt8], _ range: Range<Int>, without byte: UInt8) {
        unsafe text.withUnsafeBufferPointer { text in
            var start = range.lowerBound
            for position in range where unsafe text[position] == byte {
                unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<position]))
                start = position + 1
            }
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<range.upperBound]))
        }
        ends.append(bytes.count)
    }

    mutating func add(_ text: some Sequence<UInt8>) {
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
    }
}
