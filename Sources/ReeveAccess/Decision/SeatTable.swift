// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where each seat's cells are: a hash table of twelve bytes a slot, whose keys stand in the cells themselves, so that a
/// look-up in a large policy waits for memory about once, where a dictionary waits three times.
struct SeatTable: Sendable {
    private struct Slot {
        /// A part of the seat's hash, to pass others by.
        var mark: UInt32
        var start: Int32
        /// 0 for a free slot.
        var count: Int32
    }
    private var slots: [Slot]
    private let mask: Int

    /// A table of what a dictionary says; every range has at least one cell, and all of a range are of its seat.
    init(_ seats: [CompiledPolicy.Seat: Range<Int>]) {
        var capacity = 8
        while capacity < seats.count * 2 { capacity *= 2 }
        mask = capacity - 1
        slots = Array(repeating: Slot(mark: 0, start: 0, count: 0), count: capacity)
        for (seat, range) in seats where !range.isEmpty {
            let (mark, place) = Self.hash(seat)
            var index = place & self.mask
            while slots[index].count != 0 { index = (index + 1) & self.mask }
            slots[index] = Slot(mark: mark, start: Int32(range.lowerBound), count: Int32(range.count))
        }
    }

    /// The cells of a seat; empty when it has none. Complexity: O(1).
    func range(of seat: CompiledPolicy.Seat, in cells: [CompiledPolicy.Cell]) -> Range<Int> {
        let (mark, place) = Self.hash(seat)
        var index = place & self.mask
        while slots[index].count != 0 {
            let slot = slots[index]
            if slot.mark == mark, cells[Int(slot.start)].seat == seat {
                return Int(slot.start)..<Int(slot.start + slot.count)
            }
            index = (index + 1) & self.mask
        }
        return 0..<0
    }

    private static func hash(_ seat: CompiledPolicy.Seat) -> (mark: UInt32, place: Int) {
        let hash = UInt64(bitPattern: Int64(seat.hashValue))
        return (UInt32(truncatingIfNeeded: hash >> 32), Int(truncatingIfNeeded: hash & 0x7FFF_FFFF))
    }
}
