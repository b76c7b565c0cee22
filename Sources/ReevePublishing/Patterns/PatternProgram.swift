// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A pattern as a machine with states (Thompson): what is in a state after a byte depends on that byte and the states before it alone.
struct PatternProgram: Sendable {
    enum Step: Sendable {
        case bytes(ByteSet, next: Int)
        case fork(Int, Int)
        case edge(PatternEdge, next: Int)
        case match
    }

    private(set) var steps: [Step] = []
    /// The first state.
    let start: Int
    /// The bytes that a match can begin with.
    private(set) var first = ByteSet()
    static let mostSteps = 2_000

    init(_ tree: PatternTree) throws(PatternError) {
        var builder = Builder()
        let end = try builder.add(.match)
        start = try builder.compile(tree, then: end)
        steps = builder.steps
        // What matches without a byte matches everywhere.
        var (seen, open) = (Set([start]), [start])
        while let state = open.popLast() {
            let next: [Int]
            switch steps[state] {
            case .bytes(let set, _):
                first.formUnion(set)
                next = []
            case .fork(let one, let other): next = [one, other]
            case .edge(_, let after): next = [after]
            case .match: throw PatternError(.matchesNothing, [], at: 0)
            }
            for state in next where seen.insert(state).inserted { open.append(state) }
        }
    }

    private struct Builder {
        var steps: [Step] = []
        /// Trees that may still be compiled: an empty one within many repetitions adds no step.
        private var fuel = 20_000

        mutating func add(_ step: Step) throws(PatternError) -> Int {
            guard steps.count < PatternProgram.mostSteps else { throw PatternError(.tooLarge, [], at: 0) }
            steps.append(step)
            return steps.count - 1
        }

        /// The first state of a tree that goes on to another state.
        mutating func compile(_ tree: PatternTree, then next: Int) throws(PatternError) -> Int {
            fuel -= 1
            guard fuel > 0 else { throw PatternError(.tooLarge, [], at: 0) }
            switch tree {
            case .bytes(let set): return try add(.bytes(set, next: next))
            case .edge(let edge): return try add(.edge(edge, next: next))
            case .all(let parts):
                var after = next
                for part in parts.reversed() { after = try compile(part, then: after) }
                return after
            case .any(let branches):
                var first: Int?
                for branch in branches.reversed() {
                    let start = try compile(branch, then: next)
                    first = try first.map { other throws(PatternError) in try add(.fork(start, other)) } ?? start
                }
                return first ?? next
            case .repeated(let inner, let least, let most):
                var after = next
                if let most {
                    for _ in least..<max(least, most) {
                        after = try add(.fork(compile(inner, then: after), next))
                    }
                } else {
                    // The fork comes back to itself.
                    let loop = try add(.fork(next, next))
                    steps[loop] = .fork(try compile(inner, then: loop), next)
                    after = loop
                }
                for _ in 0..<least { after = try compile(inner, then: after) }
                return after
            }
        }
    }
}

/// A search with a program; used again, it keeps its memory.
struct PatternSearch {
    private let program: PatternProgram
    /// For each state that is on where its match began, in the order in which they came on.
    private var (now, then): (Threads, Threads)
    private var open: [Int] = []
    /// Steps that were taken: what the work is measured by.
    private(set) var work = 0
    static let longest = 1_024

    private struct Threads {
        var states: [Int] = []
        var starts: [Int]

        /// Turns a state on; tells whether it was off, or on for a later beginning.
        mutating func insert(_ state: Int, _ start: Int) -> Bool {
            if starts[state] < 0 {
                states.append(state)
            } else if starts[state] <= start {
                return false
            }
            starts[state] = start
            return true
        }

        mutating func removeAll() {
            for state in states { starts[state] = -1 }
            states.removeAll(keepingCapacity: true)
        }
    }

    init(_ program: PatternProgram) {
        self.program = program
        let none = Threads(starts: Array(repeating: -1, count: program.steps.count))
        (now, then) = (none, none)
    }

    mutating func matches(in text: [UInt8]) -> [Range<Int>] {
        unsafe text.withUnsafeBufferPointer { text in
            var (found, position) = ([Range<Int>](), 0)
            while let match = unsafe next(in: text, from: position) {
                found.append(match)
                position = match.upperBound
            }
            return found
        }
    }

    /// The longest match that begins at a position.
    mutating func match(in text: [UInt8], at position: Int) -> Range<Int>? {
        unsafe text.withUnsafeBufferPointer { unsafe next(in: $0, from: position, isAnchored: true) }
    }

    private mutating func next(
        in text: UnsafeBufferPointer<UInt8>, from start: Int, isAnchored: Bool = false
    ) -> Range<Int>? {
        now.removeAll()
        var (best, position): (Range<Int>?, Int) = (nil, start)
        while true {
            if best == nil, position < text.count, position == start || !isAnchored,
                unsafe program.first.contains(text[position])
            {
                unsafe add(program.start, position, text, position, &best, toNow: true)
            }
            if now.states.isEmpty {
                // Nothing is on: the next byte that a match can begin with.
                guard best == nil, !isAnchored || position == start, position < text.count else { return best }
                position += 1
                while position < text.count, unsafe !program.first.contains(text[position]) { position += 1 }
                guard !isAnchored, position < text.count else { return nil }
                continue
            }
            guard position < text.count else { return best }
            let byte = unsafe text[position]
            work += now.states.count
            then.removeAll()
            for state in now.states {
                let began = now.starts[state]
                guard case .bytes(let set, let after) = program.steps[state], set.contains(byte),
                    best.map({ began <= $0.lowerBound }) ?? true, position - began < Self.longest
                else { continue }
                unsafe add(after, began, text, position + 1, &best, toNow: false)
            }
            swap(&now, &then)
            position += 1
        }
    }

    /// Turns on a state and all that it leads to without a byte.
    private mutating func add(
        _ state: Int, _ start: Int, _ text: UnsafeBufferPointer<UInt8>, _ position: Int, _ best: inout Range<Int>?,
        toNow: Bool
    ) {
        open.append(state)
        while let state = open.popLast() {
            work += 1
            guard toNow ? now.insert(state, start) : then.insert(state, start) else { continue }
            switch program.steps[state] {
            case .bytes: break
            case .fork(let one, let other):
                open.append(other)
                open.append(one)
            case .edge(let edge, let after):
                if unsafe edge.isAt(position, of: text) { open.append(after) }
            case .match:
                if best.map({ (start, -position) < ($0.lowerBound, -$0.upperBound) }) ?? true {
                    best = start..<position
                }
            }
        }
    }
}
