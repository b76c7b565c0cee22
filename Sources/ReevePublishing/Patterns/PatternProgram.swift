// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A pattern as a machine with states (Thompson): what is in a state after a byte depends on that byte and the states before it alone.
struct PatternProgram: Sendable {
    enum Step: Sendable {
        /// A character in ASCII of a set, or any other where the set has the bytes that it begins with.
        case bytes(ByteSet, next: Int)
        /// A character that is not in ASCII, in UTF-8.
        case character([UInt8], next: Int)
        case fork(Int, Int)
        case edge(PatternEdge, next: Int)
        case match
    }

    private(set) var steps: [Step] = []
    /// The first state.
    let start: Int
    /// The last state.
    let match: Int
    /// For each state those that lead to it.
    private(set) var before: [[Int]]
    /// The bytes that a match can end with.
    private(set) var last = ByteSet()
    static let mostSteps = 2_000

    init(_ tree: PatternTree) throws(PatternError) {
        var builder = Builder()
        match = try builder.add(.match)
        start = try builder.compile(tree, then: match)
        steps = builder.steps
        before = Array(repeating: [], count: steps.count)
        for (state, step) in steps.enumerated() {
            switch step {
            case .bytes(_, let next), .character(_, let next), .edge(_, let next): before[next].append(state)
            case .fork(let one, let other):
                before[one].append(state)
                if other != one { before[other].append(state) }
            case .match: break
            }
        }
        // What leads to the end without a character; where the beginning does, it matches everywhere.
        var (seen, open) = (Set([match]), [match])
        while let state = open.popLast() {
            for state in before[state] {
                switch steps[state] {
                case .bytes(let set, _): last.formUnion(set)
                case .character(let bytes, _): last.formUnion(ByteSet(bytes.suffix(1)))
                case .fork, .edge: if seen.insert(state).inserted { open.append(state) }
                case .match: break
                }
            }
        }
        guard !seen.contains(start) else { throw PatternError(.matchesNothing, [], at: 0) }
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
            case .character(let bytes): return try add(.character(bytes, next: next))
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

/// A search with a program. It goes from the end of a text to its beginning: then what is in a state tells how far a match reaches that goes on
/// from there, and one way through the text gives the longest match of each beginning.
struct PatternSearch {
    private let program: PatternProgram
    /// States that are on, with where a match ends that goes on from there: behind a character, and all that lead there without one. The farthest
    /// end comes first.
    private var (carried, on): (States, States)
    private var open: [Int] = []
    /// Steps that were taken: what the work is measured by.
    private(set) var work = 0

    private struct States {
        var all: [Int] = []
        var ends: [Int]

        /// Turns a state on; tells whether it was off.
        mutating func insert(_ state: Int, _ end: Int) -> Bool {
            guard ends[state] < 0 else { return false }
            all.append(state)
            ends[state] = end
            return true
        }

        mutating func removeAll() {
            for state in all { ends[state] = -1 }
            all.removeAll(keepingCapacity: true)
        }
    }

    init(_ program: PatternProgram) {
        self.program = program
        let none = States(ends: Array(repeating: -1, count: program.steps.count))
        (carried, on) = (none, none)
    }

    mutating func matches(in text: [UInt8]) -> [Range<Int>] {
        // The longest match of each beginning, the last beginning first.
        var longest: [Range<Int>] = []
        carried.removeAll()
        var position = text.count
        while true {
            if carried.all.isEmpty {
                // No match goes on here: the next that can end is behind one of these bytes.
                while position > 0, !program.last.contains(text[position - 1]) { position -= 1 }
            }
            open(at: position, of: text)
            if on.ends[program.start] > position { longest.append(position..<on.ends[program.start]) }
            guard position > 0 else { break }
            let start = PatternCharacter.start(before: position, in: text)
            step(over: text[start..<position])
            position = start
        }
        var (found, end): ([Range<Int>], Int) = ([], 0)
        for match in longest.reversed() where match.lowerBound >= end {
            found.append(match)
            end = match.upperBound
        }
        return found
    }

    /// Turns on what leads to the carried states, or to the end of a match here, without a character.
    private mutating func open(at position: Int, of text: [UInt8]) {
        on.removeAll()
        for state in carried.all { open(state, carried.ends[state], position, text) }
        open(program.match, position, position, text)
    }

    private mutating func open(_ state: Int, _ end: Int, _ position: Int, _ text: [UInt8]) {
        open.append(state)
        while let state = open.popLast() {
            work += 1
            guard on.insert(state, end) else { continue }
            for before in program.before[state] {
                switch program.steps[before] {
                case .fork: open.append(before)
                case .edge(let edge, _): if edge.isAt(position, of: text) { open.append(before) }
                case .bytes, .character, .match: break
                }
            }
        }
    }

    /// Carries what is on over the character before.
    private mutating func step(over character: ArraySlice<UInt8>) {
        carried.removeAll()
        for state in on.all {
            for before in program.before[state] {
                work += 1
                let takes =
                    switch program.steps[before] {
                    case .bytes(let set, _): set.contains(character[character.startIndex])
                    case .character(let bytes, _): character.elementsEqual(bytes)
                    case .fork, .edge, .match: false
                    }
                if takes { _ = carried.insert(before, on.ends[state]) }
            }
        }
    }
}
