// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy
import ReeveTesting
import Testing

/// What becomes of a record, said once more, day by day and without folding anything.
private struct RetentionReference {
    let claims: [RetentionClaim]

    private func keeps(_ strength: RetentionClaim.Strength, _ day: CivilDay) -> [Disposition.Reason] {
        claims.compactMap { claim in
            guard case .keep(let until, strength, let reason) = claim else { return nil }
            if case .day(let end) = until, end <= day { return nil }
            return reason
        }
    }

    private var speaking: RetentionBound? {
        let drops = claims.compactMap { claim -> (RetentionClaim.Specificity, RetentionBound)? in
            guard case .drop(let from, let specificity, _) = claim else { return nil }
            return (specificity, from)
        }
        let special = drops.map(\.0).max()
        return drops.filter { $0.0 == special }.map(\.1).min()
    }

    private func isDemanded(_ day: CivilDay) -> Bool {
        claims.contains { claim in
            if case .demand(let on, _) = claim { return on <= day }
            return false
        }
    }

    func mustDelete(_ day: CivilDay) -> Bool {
        guard keeps(.mandatory, day).isEmpty else { return false }
        if isDemanded(day) { return true }
        guard case .day(let from)? = speaking else { return false }
        return from <= day && keeps(.permitted, day).isEmpty
    }

    func kind(_ day: CivilDay) -> Disposition.Kind {
        if !keeps(.mandatory, day).isEmpty { return .mustKeep }
        if mustDelete(day) { return .mustDelete }
        return keeps(.permitted, day).isEmpty && speaking == nil ? .noRule : .mayKeep
    }

    /// Whether it would go on a day, were it not for what must be kept.
    func isThereForThatAlone(_ day: CivilDay) -> Bool {
        let others = claims.filter { claim in
            if case .keep(_, .mandatory, _) = claim { return false }
            return true
        }
        // Or only duties keep it, and nothing has use for it.
        let duties = keeps(.mandatory, day).contains { if case .hold = $0 { false } else { true } }
        return RetentionReference(claims: others).mustDelete(day) || duties && keeps(.permitted, day).isEmpty
    }
}

/// Laws L9 to L13, and each answer against the reference.
@Suite struct RetentionClaimProperties {
    private static let first = CivilDay(daysSince1970: 20_000)

    private func each(_ law: String, _ body: (inout SeededGenerator, [RetentionClaim], CivilDay) throws -> Void)
        rethrows
    {
        var random = Scale.current.generator(for: "privacy.retention.\(law)")
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let claims = (0..<Int.random(in: 0...6, using: &random)).map { Self.claim($0, &random) }
            try body(&random, claims, Self.day(&random))
        }
    }

    private static func day(_ random: inout SeededGenerator) -> CivilDay {
        first.advanced(byDays: Int.random(in: 0..<10, using: &random))
    }

    private static func claim(_ number: Int, _ random: inout SeededGenerator) -> RetentionClaim {
        let bound: RetentionBound = Int.random(in: 0..<6, using: &random) == 0 ? .open : .day(day(&random))
        let reason: Disposition.Reason =
            Bool.random(using: &random) ? .hold(Identifier(high: 1, low: UInt64(number))) : .tracker("\(number)")
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1: return .keep(until: bound, .permitted, reason)
        case 2, 3: return .keep(until: bound, .mandatory, reason)
        case 4, 5:
            let all: [RetentionClaim.Specificity] = [.everything, .category(depth: 1), .category(depth: 2), .record]
            return .drop(from: bound, all[Int.random(in: 0..<4, using: &random)], reason)
        default: return .demand(on: day(&random), reason)
        }
    }

    /// Each answer is the reference's: what, since when, and whether it is there for one thing alone.
    @Test func everyAnswerIsTheReferences() {
        var kinds: Set<Disposition.Kind> = []
        each("reference") { _, claims, day in
            let answer = Disposition(of: claims, on: day)
            let reference = RetentionReference(claims: claims)
            #expect(answer.kind == reference.kind(day), "\(claims) on \(day)")
            #expect((answer.since != nil) == (answer.kind == .mustDelete))
            if let since = answer.since {
                #expect(reference.mustDelete(since) && !reference.mustDelete(since.advanced(byDays: -1)))
            }
            if answer.kind == .mustKeep {
                #expect((answer.limitedTo != nil) == reference.isThereForThatAlone(day), "\(claims) on \(day)")
            }
            kinds.insert(answer.kind)
        }
        #expect(kinds.count == 4)
    }

    /// L9: order and repetition change nothing.
    @Test func orderAndRepetitionChangeNothing() {
        each("L9") { random, claims, day in
            let answer = Disposition(of: claims, on: day)
            let again = Disposition(of: (claims + claims.prefix(2)).shuffled(using: &random), on: day)
            #expect(
                answer.kind == again.kind && answer.nextChange == again.nextChange && answer.since == again.since
                    && answer.until == again.until && Set(answer.reasons) == Set(again.reasons), "\(claims) on \(day)")
        }
    }

    /// L10: a hold keeps, and is all that it is for; L12: nothing goes while something must be kept.
    @Test func aHoldKeeps() {
        each("L10") { _, claims, day in
            let hold = RetentionClaim.keep(until: .open, .mandatory, .hold(Identifier(high: 9, low: 9)))
            let held = Disposition(of: claims + [hold], on: day)
            #expect(held.kind == .mustKeep && held.until == .open, "\(claims) on \(day)")
            #expect(Disposition(of: claims, on: day) == Disposition(of: (claims + [hold]).dropLast(), on: day))
        }
    }

    /// L11: the answer is the same on all days before the one that it names, and another on that day; without one it stays.
    @Test func theNextChangeIsExact() {
        var changes = 0
        each("L11") { _, claims, day in
            let answer = Disposition(of: claims, on: day)
            for later in 1...12 {
                let then = day.advanced(byDays: later)
                let next = Disposition(of: claims, on: then)
                let isSame =
                    next.kind == answer.kind && Set(next.reasons) == Set(answer.reasons) && next.until == answer.until
                    && next.since == answer.since
                    && next.limitedTo.map(Set.init) == answer.limitedTo.map(Set.init)
                guard answer.nextChange == then else {
                    #expect(isSame, "\(claims) on \(day), \(then)")
                    continue
                }
                #expect(!isSame, "\(claims) on \(day), \(then)")
                changes += 1
                break
            }
        }
        #expect(changes > 1000)
    }

    /// L13: a demand never moves it later that something goes, and silences nothing that must be kept.
    @Test func aDemandDelaysNothing() {
        each("L13") { random, claims, day in
            let demand = RetentionClaim.demand(on: Self.day(&random), .request(Identifier(high: 1, low: 1)))
            let (before, after) = (Disposition(of: claims, on: day), Disposition(of: claims + [demand], on: day))
            #expect((before.kind == .mustKeep) == (after.kind == .mustKeep), "\(claims) on \(day)")
            if let since = before.since {
                #expect(after.since.map { $0 <= since } ?? false, "\(claims) on \(day)")
            }
        }
    }
}
