// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

private let later = Timestamp(seconds: 1000)
private func id(_ number: UInt64) -> Identifier<QuotaLeaseRecord> { Identifier(high: 7, low: number) }

@Suite struct QuotaPoolTests {
    @Test func whatIsHeldIsTakenFromTheLimitFirst() throws {
        var pool = QuotaPool(limit: 100)
        let acquired = pool.acquire(id(1), for: "a", until: later)
        let first = try #require(acquired)
        #expect(first.amount == 50 && pool.free == 50 && pool.held == 50)
        // Asking again with the same id is the same lease, whatever is asked.
        let again = pool.acquire(id(1), for: "b", need: 90, until: Timestamp(seconds: 1))
        #expect(again == first && pool.free == 50)
        // Two holders: a fourth of what is left.
        let amounts: [Int64?] = [
            pool.acquire(id(2), for: "b", until: later)?.amount,
            pool.acquire(id(3), for: "b", need: 30, until: later)?.amount,
            pool.acquire(id(4), for: "c", need: 8, until: later)?.amount,
            pool.acquire(id(5), for: "c", need: 2, most: 1, until: later)?.amount,
        ]
        #expect(amounts == [13, 30, nil, 2])
        for need: Int64 in [0, -1, .min] {
            let refused = pool.acquire(id(6), for: "c", need: need, until: later)
            #expect(refused == nil)
        }
        #expect(pool.free == 5 && pool.held == 95 && pool.settled == 0)
    }

    @Test func aStatementCountsOnce() {
        var pool = QuotaPool(limit: 100)
        _ = pool.acquire(id(1), for: "a", until: later)
        var said = [pool.settle(id(1), used: 5)]
        for used: Int64 in [0, 5, 25] { said.append(pool.settle(id(1), used: used)) }
        #expect(said == [.settled(returned: 45), .known, .known, .known])
        #expect(pool.settled == 5 && pool.free == 95)
        // More than it had, or less than nothing, is taken as the nearer end.
        _ = pool.acquire(id(2), for: "a", need: 10, most: 10, until: later)
        said = [pool.settle(id(2), used: .max)]
        _ = pool.acquire(id(3), for: "a", need: 10, most: 10, until: later)
        said.append(pool.settle(id(3), used: -1))
        #expect(said == [.settled(returned: 0), .settled(returned: 10)])
        #expect(pool.settled == 15)
    }

    @Test func whatIsOverCountsAsUsedUntilItIsStated() {
        var pool = QuotaPool(limit: 100)
        _ = pool.acquire(id(1), for: "a", need: 25, most: 25, until: Timestamp(seconds: 10))
        _ = pool.acquire(id(2), for: "b", need: 10, most: 10, until: Timestamp(seconds: 20))
        let over = [pool.expire(at: Timestamp(microseconds: 9_999_999)), pool.expire(at: Timestamp(seconds: 10))]
        #expect(over == [0, 1])
        #expect(pool.settled == 25 && pool.unseen == 25 && pool.free == 65)
        let said = [pool.settle(id(1), used: 20), pool.settle(id(1), used: 0)]
        #expect(said == [.refunded(5), .known])
        #expect(pool.settled == 20 && pool.unseen == 0)
    }

    /// What is used at once can be said not to have been, for a while, and once.
    @Test func whatIsUsedAtOnceMayBeTakenBackForAWhile() throws {
        var pool = QuotaPool(limit: 1000)
        let count = UInt64(2 * QuotaPool.maximumDirect)
        for number in 0..<count {
            _ = pool.acquire(id(number), for: "a", need: 5, most: 5, until: later)
            pool.use(id(number))
        }
        #expect(pool.settled == 640 && pool.leases.isEmpty && pool.direct.count == QuotaPool.maximumDirect)
        pool.refund(560)
        pool.setLimit(100)
        #expect(try QuotaPool(recordBytes: pool.recordBytes(schema: 1), schema: 1) == pool)
        let said = [
            pool.settle(id(count - 1), used: 0), pool.settle(id(count - 1), used: 0), pool.settle(id(0), used: 0),
        ]
        #expect(said == [.refunded(5), .known, .known] && pool.settled == 75)
        // More may come back than anybody has said was used yet.
        pool.refund(100)
        pool.refund(-1)
        #expect(pool.settled == -25 && pool.free == 125)
        #expect(try QuotaPool(recordBytes: pool.recordBytes(schema: 1), schema: 1) == pool)
    }

    /// A lowered limit takes nothing from who holds something, and nothing is given until enough came back.
    @Test func aLoweredLimitGivesNothing() {
        var pool = QuotaPool(limit: 100)
        _ = pool.acquire(id(1), for: "a", need: 60, until: later)
        pool.setLimit(50)
        let refused = pool.acquire(id(2), for: "b", until: later)
        #expect(pool.free == 0 && refused == nil)
        let said = pool.settle(id(1), used: 45)
        #expect(said == .settled(returned: 15) && pool.free == 5)
        pool.setLimit(.max)
        #expect(pool.limit == 1_000_000_000_000)
        pool.setLimit(-1)
        #expect(pool.limit == 0 && pool.free == 0)
    }

    @Test func aRecallConcernsWhatWasGivenBefore() throws {
        var pool = QuotaPool(limit: 100)
        let first = pool.acquire(id(1), for: "a", until: later)
        let before = try #require(first)
        #expect(!pool.isRecalled(before) && pool.mayReturn(60, besides: "b") && !pool.mayReturn(60, besides: "a"))
        #expect(!pool.mayReturn(50, besides: "b") && !pool.mayReturn(101, besides: "b"))
        let isAsked = pool.recall(for: "b")
        #expect(isAsked)
        let second = pool.acquire(id(2), for: "b", until: later)
        let after = try #require(second)
        #expect(pool.isRecalled(before) && !pool.isRecalled(after))
        // Of one that was asked before nobody is asked again; the others are, and only those of others.
        let (again, others) = (pool.recall(for: "b"), pool.recall(for: "c"))
        #expect(!again && others && pool.isRecalled(after))
    }

    /// There is room for so many; the record stays far below what a store takes.
    @Test func thereIsRoomForManyHolders() throws {
        var pool = QuotaPool(limit: 1_000_000_000_000)
        for number in 0..<2 * QuotaPool.maximumLeases {
            _ = pool.acquire(id(UInt64(number)), for: "host-\(number)", most: 1_000_000_000, until: later)
        }
        #expect(pool.leases.count == 2 * QuotaPool.maximumLeases)
        #expect(pool.leases.dropFirst(QuotaPool.maximumLeases).allSatisfy { $0.amount == 1 })
        for lease in pool.leases.dropFirst(QuotaPool.maximumLeases) { pool.use(lease.id) }
        pool.expire(at: later)
        for number in 0..<QuotaPool.maximumLeases {
            _ = pool.acquire(id(UInt64(10_000 + number)), for: "host-\(number)", most: 1_000_000_000, until: later)
        }
        let bytes = pool.recordBytes(schema: 1)
        #expect(bytes.count < Changes.maximumRecordBytes)
        #expect(try QuotaPool(recordBytes: bytes, schema: 1) == pool)
        pool.expire(at: later)
        #expect(pool.overdue.count == QuotaPool.maximumOverdue)
        let said = pool.settle(id(0), used: 0)
        #expect(said == .known)
    }
}

@Suite struct QuotaModelTests {
    /// Every state of two processes with two crashes: the right protocol never lets more through, each wrong one does.
    @Test(arguments: QuotaFlaw.allCases) func everyStateOfASmallSystem(_ flaw: QuotaFlaw) {
        let result = QuotaModelCheck(flaw: flaw).run()
        #expect((result.violation != nil) == flaw.breaksTheLimit, "\(flaw): \(result)")
        #expect(result.states > 1000)
        print("model check, \(flaw): \(result.states) states, violation after \(result.violation ?? 0) steps")
    }
}

@Suite struct QuotaKitTests {
    /// The kit takes any numbers: what is out of range counts as the nearest.
    @Test(arguments: [Int.min, -1, 0, 1, .max]) func extremes(_ value: Int) {
        var generator = SeededGenerator(seed: 1)
        var simulation = QuotaSimulation()
        (simulation.limit, simulation.journal, simulation.faultsOneIn) = (value, value, 2)
        simulation.nodes = min(value, 3)
        #expect(!simulation.run(using: &generator).isViolated)
        (simulation.nodes, simulation.steps, simulation.limit) = (value, min(value, 100), 10)
        #expect(!simulation.run(using: &generator).isViolated)
        var check = QuotaModelCheck()
        (check.nodes, check.limit, check.chunk, check.leases, check.crashes) = (1, value, value, min(value, 2), value)
        #expect(check.run().violation == nil)
    }
}

@Suite struct QuotaProperties {
    /// Whatever is lost, doubled, late, crashed or wrong by its clock: never more than the limit, and never more stranded than what
    /// crashed processes held.
    @Test(arguments: [nil, 8]) func faultsNeverLetMoreThrough(_ journal: Int?) {
        var generator = Scale.current.generator(for: "quota faults, journal \(journal ?? 0)")
        let wanted = Scale.current.cases(ci: 500_000, soak: 5_000_000)
        var (faults, runs, admitted, stranded) = (0, 0, 0, 0)
        while faults < wanted {
            var simulation = QuotaSimulation()
            simulation.nodes = .random(in: 1...12, using: &generator)
            simulation.limit = .random(in: 1...1000, using: &generator)
            simulation.journal = journal
            let report = simulation.run(using: &generator)
            let what = "\(simulation): \(report), seed \(Scale.current.seed), run \(runs)"
            #expect(!report.isViolated, "\(what)")
            #expect((0...report.strandedBound).contains(report.stranded), "\(what)")
            faults += report.faults
            runs += 1
            admitted += report.admitted
            stranded += report.stranded
        }
        #expect(admitted > 0 && stranded > 0)
        print("quota: \(faults) faults in \(runs) runs, \(admitted) admitted, \(stranded) stranded")
    }

    /// While every holder can be reached nobody is refused as long as something is left, and everything is used: also when messages are
    /// lost, doubled and out of order, and clocks differ.
    @Test(arguments: [0, 5]) func nobodyIsRefusedWhileSomethingIsLeft(_ faultsOneIn: Int) {
        var generator = Scale.current.generator(for: "quota refusals, \(faultsOneIn)")
        var (refusals, writes) = (0, 0)
        for run in 0..<Scale.current.cases(ci: 100, soak: 2000) {
            var simulation = QuotaSimulation()
            simulation.crashes = false
            simulation.faultsOneIn = faultsOneIn
            simulation.steps = 20_000
            simulation.nodes = .random(in: 1...12, using: &generator)
            simulation.limit = .random(in: 1...1000, using: &generator)
            let report = simulation.run(using: &generator)
            #expect(
                report.wrongRefusals == 0 && report.stranded == 0 && !report.isViolated,
                "\(simulation): \(report), seed \(Scale.current.seed), run \(run)")
            #expect(report.refusals == 0 || report.admitted == simulation.limit)
            refusals += report.refusals
            writes += report.writes
        }
        #expect(refusals > 100)
        print("quota: \(refusals) refusals, \(writes) writes")
    }

    /// The simulation tells each wrong protocol from the right one.
    @Test(arguments: QuotaFlaw.allCases.filter(\.breaksTheLimit)) func wrongProtocolsAreFound(_ flaw: QuotaFlaw) {
        var generator = Scale.current.generator(for: "wrong quota protocol \(flaw)")
        var simulation = QuotaSimulation()
        simulation.flaw = flaw
        let found = (0..<200).first { _ in simulation.run(using: &generator).isViolated }
        #expect(found != nil, "\(flaw), seed \(Scale.current.seed)")
        print("\(flaw): found in run \(found ?? -1)")
    }

    /// A holder that does not answer is found: somebody is refused although something is left.
    @Test func unansweredRecallsAreFound() {
        var generator = Scale.current.generator(for: "unanswered recalls")
        var simulation = QuotaSimulation()
        (simulation.crashes, simulation.faultsOneIn) = (false, 0)
        (simulation.flaw, simulation.steps) = (.recallsAreIgnored, 20_000)
        // Found in one of twenty runs or so.
        let found = (0..<1000).first { _ in simulation.run(using: &generator).wrongRefusals > 0 }
        #expect(found != nil, "seed \(Scale.current.seed)")
    }

    /// Any order of permuted, doubled and late statements leaves the same pool.
    @Test func theOrderOfStatementsDoesNotMatter() {
        var generator = Scale.current.generator(for: "quota statements")
        for _ in 0..<Scale.current.cases(ci: 2000, soak: 100_000) {
            var pool = QuotaPool(limit: 10_000)
            let within = Environment.allCases.map { SublimitJobs(environment: $0) }
            pool.setSublimits(Dictionary(uniqueKeysWithValues: within.map { ($0, 8000) }), since: later)
            var statements: [(Identifier<QuotaLeaseRecord>, Int64)] = []
            for number in 0..<UInt64.random(in: 1...10, using: &generator) {
                let lease = pool.acquire(
                    id(number), for: "\(number % 3)", need: 1, at: later, until: later,
                    within: within.filter { _ in Bool.random(using: &generator) })
                statements.append((id(number), .random(in: 0...(lease?.amount ?? 1), using: &generator)))
            }
            let start = pool
            for (id, used) in statements { _ = pool.settle(id, used: used) }
            var other = start
            for (id, _) in statements where Bool.random(using: &generator) { other.expire(id) }
            for (id, used) in (statements + statements).shuffled(using: &generator) {
                _ = other.settle(id, used: used)
                if Bool.random(using: &generator) { other.expire(at: later) }
            }
            #expect(other.settled == pool.settled && other.leases == pool.leases && other.overdue == pool.overdue)
            #expect(other.sublimits == pool.sublimits)
        }
    }

    /// Bytes that are no pool are refused, and what is read is what was written.
    @Test func hostileRecordsAreRefused() throws {
        var generator = Scale.current.generator(for: "quota records")
        var pool = QuotaPool(limit: 500)
        let within = SublimitJobs(environment: .test, workspace: Identifier(high: 1, low: 2))
        pool.setSublimits([within: 300, SublimitJobs(environment: .production): 10], since: later)
        for number in 0..<4 { _ = pool.acquire(id(UInt64(number)), for: "host", until: later, within: [within]) }
        pool.expire(id(1))
        pool.recall()
        let bytes = pool.recordBytes(schema: 1)
        #expect(try QuotaPool(recordBytes: bytes, schema: 1) == pool)
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 2_000_000) {
            var changed = bytes
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: changed.removeLast(.random(in: 1...changed.count, using: &generator))
            case 1:
                changed.insert(
                    .random(in: 0...255, using: &generator), at: .random(in: changed.indices, using: &generator))
            default: changed[.random(in: changed.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            // What can be read at all is one spelling of a pool whose sums do not overflow.
            guard let read = try? QuotaPool(recordBytes: changed, schema: 1) else { continue }
            #expect(read.recordBytes(schema: 1) == changed && read.free >= 0)
        }
    }
}
