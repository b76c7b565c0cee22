// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension CompiledPolicy {
    /// A principal in a workspace, on the platform, or in every workspace.
    struct Seat: Hashable, Sendable {
        enum Place: Hashable, Sendable {
            case platform, everyWorkspace
            case workspace(Identifier<Workspace>)

            init(_ scope: Scope) { self = scope.workspace.map(Place.workspace) ?? .platform }
            init(_ reach: Reach) {
                if case .scope(let scope) = reach { self.init(scope) } else { self = .everyWorkspace }
            }
        }
        var principal: Principal
        var place: Place
    }

    /// One grant's permissions, and where and when it gives them.
    struct Cell: Sendable {
        /// The number of its permissions' set.
        let set: Int32
        let grant: Int32
        /// The number of its ``Limits``; -1 for none.
        fileprivate let limits: Int32
        let environment: Environment?
    }

    /// What few grants have: one project, a beginning, an end.
    fileprivate struct Limits {
        let project: Identifier<Project>?
        let from: Timestamp
        let until: Timestamp?
    }
}

/// The grants of each seat, laid out so that a look-up in a large policy waits for memory about once: the hash table has
/// four bytes a slot and stays near the processor, it leads to the seat and to its cells at the same time, a cell has sixteen
/// bytes, and what few cells have lies apart.
struct GrantTable: Sendable {
    /// Who has grants, and where.
    let seats: [CompiledPolicy.Seat]
    private let cells: [CompiledPolicy.Cell]
    private let limits: [CompiledPolicy.Limits]
    /// Where each seat's cells begin, and at the end the number of all.
    private let starts: [UInt32]
    /// A free slot is 0; the lower ``shift`` bits of another are a seat's number plus one, those above are of its hash, to
    /// pass others by.
    private let slots: [UInt32]
    private let shift: UInt32
    private let seed = (high: UInt64.random(in: .min ... .max), low: UInt64.random(in: .min ... .max))

    /// A table of the grants with these numbers; `set` is the number of a role's permissions.
    init(_ groups: [CompiledPolicy.Seat: [Int]], of grants: [Grant], set: (RoleName) -> Int32) {
        var (seats, cells) = ([CompiledPolicy.Seat](), [CompiledPolicy.Cell]())
        var limits: [CompiledPolicy.Limits] = []
        seats.reserveCapacity(groups.count)
        cells.reserveCapacity(grants.count)
        var starts: [UInt32] = []
        starts.reserveCapacity(groups.count + 1)
        for (seat, numbers) in groups {
            seats.append(seat)
            starts.append(UInt32(cells.count))
            for number in numbers {
                let grant = grants[number]
                let hasLimits = grant.reach.scope.project != nil || grant.from != nil || grant.until != nil
                cells.append(
                    .init(
                        set: set(grant.role), grant: Int32(number), limits: hasLimits ? Int32(limits.count) : -1,
                        environment: grant.reach.scope.environment))
                guard hasLimits else { continue }
                limits.append(
                    .init(
                        project: grant.reach.scope.project, from: grant.from ?? Timestamp(microseconds: .min),
                        until: grant.until))
            }
        }
        starts.append(UInt32(cells.count))
        var shift: UInt32 = 3
        while 1 << shift < groups.count * 2 { shift += 1 }
        var slots = [UInt32](repeating: 0, count: 1 << shift)
        for (number, seat) in seats.enumerated() {
            let hash = Self.hash(seat, seed)
            var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[index] != 0 { index = (index + 1) & (slots.count - 1) }
            slots[index] = Self.mark(hash, shift) | UInt32(number + 1)
        }
        (self.seats, self.cells, self.limits) = (seats, cells, limits)
        (self.starts, self.slots, self.shift) = (starts, slots, shift)
    }

    /// The first cell of a seat that is wanted. Complexity: O(the seat's cells).
    func first(of seat: CompiledPolicy.Seat, where isWanted: (CompiledPolicy.Cell) -> Bool) -> CompiledPolicy.Cell? {
        for index in range(of: seat) where isWanted(cells[index]) { return cells[index] }
        return nil
    }

    /// The cells of a seat. Complexity: O(1).
    func cells(of seat: CompiledPolicy.Seat) -> ArraySlice<CompiledPolicy.Cell> { cells[range(of: seat)] }

    private func range(of seat: CompiledPolicy.Seat) -> Range<Int> {
        let hash = Self.hash(seat, seed)
        let mark = Self.mark(hash, shift)
        var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[index] != 0 {
            let other = slots[index] ^ mark
            if other >> shift == 0 {
                let number = Int(other) - 1
                let range = Int(starts[number])..<Int(starts[number + 1])
                if seats[number] == seat { return range }
            }
            index = (index + 1) & (slots.count - 1)
        }
        return 0..<0
    }

    /// The part of a hash that a slot keeps, where it keeps it.
    private static func mark(_ hash: UInt64, _ shift: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: hash >> 32) << shift
    }

    /// Whether a cell, which is of the scope's workspace, gives anything in the scope at an instant.
    func covers(_ cell: CompiledPolicy.Cell, _ scope: Scope, at instant: Timestamp) -> Bool {
        guard cell.environment == nil || cell.environment == scope.environment else { return false }
        guard cell.limits >= 0 else { return true }
        let limits = limits[Int(cell.limits)]
        return limits.from <= instant && (limits.until.map { instant < $0 } ?? true)
            && (limits.project == nil || limits.project == scope.project)
    }

    /// A hash that nobody outside the process can foresee: two multiplications to 128 bits under random numbers. `Hasher`
    /// is several times slower, and would be the largest part of a decision.
    private static func hash(
        _ seat: CompiledPolicy.Seat, _ seed: (high: UInt64, low: UInt64)
    ) -> UInt64 {
        let (principal, place) = (words(of: seat.principal), words(of: seat.place))
        let one = fold(principal.high ^ seed.high, principal.low ^ seed.low)
        return fold(one ^ place.high ^ seed.low, place.low ^ seed.high)
    }

    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    private static func words(of principal: Principal) -> (high: UInt64, low: UInt64) {
        switch principal {
        case .person(let id): (id.high, id.low)
        case .jobs, .rule, .host: (0, UInt64(bitPattern: Int64(principal.hashValue)))
        }
    }

    private static func words(of place: CompiledPolicy.Seat.Place) -> (high: UInt64, low: UInt64) {
        switch place {
        case .workspace(let id): (id.high, id.low)
        case .platform: (0, 1)
        case .everyWorkspace: (0, 2)
        }
    }
}
