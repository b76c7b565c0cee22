// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension RandomAccessCollection<UInt8> where Index == Int {
    /// Where a few bytes stand in these, from a place on. Complexity: O(bytes · few).
    func place(of part: [UInt8], from start: Int? = nil) -> Int? {
        let start = start ?? startIndex
        guard let first = part.first, start + part.count <= endIndex else { return nil }
        var position = start
        while position + part.count <= endIndex {
            if self[position] == first, self[position...].starts(with: part) { return position }
            position += 1
        }
        return nil
    }

    /// Whether a few bytes stand in these.
    func holds(_ part: [UInt8]) -> Bool { place(of: part) != nil }
}
