// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where each seat's cells are: a hash table whose keys and values lie together, so that a look-up in a large policy waits
/// for memory once and not three times, as in a dictionary.
struct SeatTable: Sendable {
    private struct Slot {
        var seat: CompiledPolicy.Seat
        var start: Int32
        /// 0 for a free slot.
        var count: Int32
    }
    private var slots: [Slot]
    private let mask: Int

    /// A table of what a dictionary says; every range has at least one cell.
    init(_ seats: [CompiledPolicy.Seat: Range<Int>]) {
        var capacity = 8
        while capacity < seats.count * 2 { capacity *= 2 }
        mask = capacity - 1
        let free = Slot(seat: .init(principal: .jobs, place: .platform), start: 0, count: 0)
        slots = Array(repeating: free, count: capacity)
        for (seat, range) in seats where !range.isEmpty {
            var index = seat.hashValue & mask
            while slots[index].count != 0 { index = (index + 1) & mask }
            slots[index] = Slot(seat: seat, start: Int32(range.lowerBound), count: Int32(range.count))
        }
    }

    /// The cells of a seat; empty when it has none. Complexity: O(1).
    subscript(seat: CompiledPolicy.Seat) -> Range<Int> {
        var index = seat.hashValue & mask
        while slots[index].count != 0 {
            if slots[index].seat == seat {
                return Int(slots[index].start)..<Int(slots[index].start + slots[index].count)
            }
            index = (index + 1) & mask
        }
        return 0..<0
    }

    /// All seats that have cells, in no order.
    var seats: some Sequence<CompiledPolicy.Seat> { slots.lazy.filter { $0.count != 0 }.map(\.seat) }
}
