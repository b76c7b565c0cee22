// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A day, or one that comes with something that has not happened yet.
public enum RetentionBound: Hashable, Sendable, Codable, Comparable {
    /// From this day on.
    case day(CivilDay)
    /// Nobody knows when: until a case is closed, a customer leaves.
    case open
}

/// What somebody wants to become of a record, and why.
public enum RetentionClaim: Hashable, Sendable {
    /// How strong it is to keep something.
    public enum Strength: String, Hashable, Sendable, Codable, Comparable {
        /// The service has use for it (clause P11.1): a demand silences it.
        case permitted
        /// Law, accounts, a dispute or an agreement asks for it (clauses P11.3a to P11.3d): nothing but its end does.
        case mandatory

        /// What must be kept is kept more strongly.
        public static func < (left: Self, right: Self) -> Bool { left == .permitted && right == .mandatory }
    }

    /// Whom it is about that something goes: of several the most special one speaks.
    public enum Specificity: Hashable, Sendable, Comparable {
        /// Everything of the holder's.
        case everything
        /// A kind of data; deeper categories are more special.
        case category(depth: Int)
        /// This very record.
        case record
    }

    /// It is kept up to a bound, exclusive.
    case keep(until: RetentionBound, Strength, Disposition.Reason)
    /// It goes from a bound on.
    case drop(from: RetentionBound, Specificity, Disposition.Reason)
    /// Its subject asked for it to go, on a day; the demand stands until it is met.
    case demand(on: CivilDay, Disposition.Reason)
}

extension Disposition {
    /// What becomes of a record on a day, by all claims to it, in whatever order and however often they are named:
    ///
    /// What must be kept is kept until all of it has ended. A demand silences what may be kept, never what must be. Otherwise it is kept as long as the
    /// longest keep, and then goes from the day on that the most special drop names, the earliest of several. What comes later is deferred, never lost; where
    /// nothing says that it goes, it stays. Pure. Complexity: O(n).
    public init(of claims: some Collection<RetentionClaim>, on day: CivilDay) {
        let claims = Array(claims)
        self = Self.answer(claims, day)
        basis = (claims, day)
    }

    /// The next day on which time alone changes the answer; it is the same on all days before. Complexity: O(n · days on which something begins or ends), each time that it is asked for.
    public var nextChange: CivilDay? {
        let (claims, day) = basis
        let ends = Set(claims.compactMap(\.day)).filter { $0 > day }.sorted()
        return ends.first { !Self.answer(claims, $0).isSame(as: self) }
    }

    /// The answer without the day of the next.
    private static func answer(_ claims: [RetentionClaim], _ day: CivilDay) -> Disposition {
        var (mandatory, permitted): (RetentionBound?, RetentionBound?) = (nil, nil)
        var (musts, mays, drops, demands): ([Reason], [Reason], [Reason], [Reason]) = ([], [], [], [])
        var drop: (specificity: RetentionClaim.Specificity, from: RetentionBound)?
        var demand: CivilDay?
        for claim in claims {
            switch claim {
            case .keep(let until, let strength, let reason):
                let isRunning = until > .day(day)
                if strength == .mandatory {
                    mandatory = max(mandatory ?? until, until)
                    if isRunning { musts.append(reason) }
                } else {
                    permitted = max(permitted ?? until, until)
                    if isRunning { mays.append(reason) }
                }
            case .drop(let from, let specificity, let reason):
                if let known = drop {
                    if specificity < known.specificity { continue }
                    if specificity == known.specificity, from > known.from { continue }
                    if specificity > known.specificity || from < known.from { drops = [] }
                }
                drop = (specificity, from)
                drops.append(reason)
            case .demand(let on, let reason):
                guard on <= day else { continue }
                demand = min(demand ?? on, on)
                demands.append(reason)
            }
        }
        // When it goes by itself, and when by a demand.
        let byDrop = drop.map { max($0.from, max(permitted ?? $0.from, mandatory ?? $0.from)) }
        let byDemand = demand.map { max(.day($0), mandatory ?? .day($0)) }
        let due = [byDrop, byDemand].compactMap { $0 }.min()
        if !musts.isEmpty {
            // What would have gone but for what must be kept is there for that alone, and so is what only duties keep (clause P11.4). A hold is no reason to stop
            // using what no rule is about.
            let isDue = drop.map { $0.from <= .day(day) } ?? false
            let isDuty = musts.contains { if case .hold = $0 { false } else { true } }
            let isLimited = demand != nil || mays.isEmpty && (isDue || isDuty)
            return Disposition(
                kind: .mustKeep, reasons: musts, until: mandatory, limitedTo: isLimited ? musts : nil)
        }
        if let due, case .day(let since) = due, since <= day {
            return Disposition(kind: .mustDelete, reasons: demands + (byDrop == due ? drops : []), since: since)
        }
        if !mays.isEmpty { return Disposition(kind: .mayKeep, reasons: mays, until: byDrop ?? permitted) }
        guard let drop else { return Disposition(kind: .noRule, reasons: []) }
        return Disposition(kind: .mayKeep, reasons: drops, until: drop.from)
    }

    private func isSame(as other: Disposition) -> Bool {
        kind == other.kind && Set(reasons) == Set(other.reasons) && until == other.until && since == other.since
            && limitedTo.map(Set.init) == other.limitedTo.map(Set.init)
    }
}

extension RetentionClaim {
    /// The day on which it begins or ends to count.
    fileprivate var day: CivilDay? {
        switch self {
        case .keep(.day(let day), _, _), .drop(.day(let day), _, _), .demand(let day, _): day
        case .keep(.open, _, _), .drop(.open, _, _): nil
        }
    }
}
