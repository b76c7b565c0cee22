// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Charges of one run of a job, packed: passes of a step that follow each other are one entry.
struct ChargeSet: Hashable {
    /// An attempt at a step, in whatever pass.
    struct Step: Hashable, Comparable {
        let path: String
        let attempt: Int

        static func < (left: Self, right: Self) -> Bool { (left.path, left.attempt) < (right.path, right.attempt) }
    }

    /// In order, with a gap between any two.
    private(set) var passes: [Step: [ClosedRange<Int>]] = [:]

    var isEmpty: Bool { passes.isEmpty }
    /// How many entries it has.
    var count: Int { passes.values.reduce(0) { $0 + $1.count } }

    /// Adds a pass; returns whether it was new.
    @discardableResult mutating func insert(_ iteration: Int, of step: Step) -> Bool {
        insert(iteration...iteration, of: step) == 1
    }

    /// Adds passes; returns how many of them were new. Complexity: O(log n) for those at the end, O(n) for n entries of the step.
    @discardableResult mutating func insert(_ new: ClosedRange<Int>, of step: Step) -> Int {
        passes[step, default: []].insertPasses(new)
    }

    /// How many of another's charges are not in it.
    mutating func formUnion(_ other: ChargeSet) -> Int {
        other.passes.reduce(0) { sum, entry in
            entry.value.reduce(sum) { $0 + insert($1, of: entry.key) }
        }
    }
}

extension [ClosedRange<Int>] {
    fileprivate mutating func insertPasses(_ new: ClosedRange<Int>) -> Int {
        // The first that is not wholly before it with a gap.
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].upperBound < new.lowerBound, new.lowerBound - 1 != self[middle].upperBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let first = low
        var (merged, known, end) = (new, 0, first)
        while end < count {
            let range = self[end]
            guard range.lowerBound <= merged.upperBound || range.lowerBound - 1 == merged.upperBound else { break }
            if range.overlaps(new) {
                known += Swift.min(range.upperBound, new.upperBound) - Swift.max(range.lowerBound, new.lowerBound) + 1
            }
            merged = Swift.min(merged.lowerBound, range.lowerBound)...Swift.max(merged.upperBound, range.upperBound)
            end += 1
        }
        replaceSubrange(first..<end, with: [merged])
        return new.count - known
    }
}
