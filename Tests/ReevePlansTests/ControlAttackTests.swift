// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

/// Something happens between two calls of a process.
private final class HookStore: Store {
    typealias Hook = @Sendable (Key) async throws -> Void
    let base: any Store
    private let before = Mutex<(matches: @Sendable (Key) -> Bool, number: Int, hook: Hook)?>(nil)
    private let after = Mutex<(matches: @Sendable (Key) -> Bool, number: Int, hook: Hook)?>(nil)
    private let fired = Mutex(0)
    init(_ base: any Store) { self.base = base }
    var hasFired: Int { fired.withLock { $0 } }

    /// Before the n-th read that matches.
    func before(_ number: Int = 1, _ matches: @escaping @Sendable (Key) -> Bool, _ hook: @escaping Hook) {
        before.withLock { $0 = (matches, number, hook) }
    }
    /// After the store has answered the n-th read that matches, before the reply arrives.
    func after(_ number: Int = 1, _ matches: @escaping @Sendable (Key) -> Bool, _ hook: @escaping Hook) {
        after.withLock { $0 = (matches, number, hook) }
    }

    private static func take(
        _ state: inout (matches: @Sendable (Key) -> Bool, number: Int, hook: Hook)?, _ key: Key
    ) -> Hook? {
        guard let present = state, present.matches(key) else { return nil }
        state?.number -= 1
        guard present.number <= 1 else { return nil }
        state = nil
        return present.hook
    }

    private func run(_ hook: Hook?, _ key: Key) async {
        guard let hook else { return }
        fired.withLock { $0 += 1 }
        do { try await hook(key) } catch { Issue.record("hook: \(error)") }
    }

    func record(for key: Key) async throws(StoreError) -> Record? {
        await run(before.withLock { Self.take(&$0, key) }, key)
        let record = try await base.record(for: key)
        await run(after.withLock { Self.take(&$0, key) }, key)
        return record
    }
    /// The next range that is read.
    let beforeRange = Mutex<Hook?>(nil)
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        await run(
            beforeRange.withLock { hook in
                defer { hook = nil }; return hook
            }, headKey())
        return try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) { try await base.commit(changes) }
}

private struct Note: Hashable, Codable, RecordCodable { var text: String }
/// Makes a partition's own tree.
private func begin(_ partition: Partition, in store: some Store, _ keys: any ControlKeys) async throws {
    try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
        try await ControlHead.create(partition, keys: keys, in: &transaction)
    }
}
private func someKeys() throws -> DerivedControlKeys {
    try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
}

private func headKey(_ name: String? = nil, _ partition: Partition = .platform) -> Key {
    Key(partition, [.text("control")] + (name.map { [.text($0)] } ?? []) + [.integer(0)])
}
private func isNode(_ key: Key) -> Bool {
    guard let e = key.elements, e.count == 3, e[1] == .text("control"), case .integer(let n) = e[2] else {
        return false
    }
    return n > 0
}
private func epoch(_ record: Record?) -> Int? {
    guard let bytes = record?.bytes else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let line = text.split(separator: "\n").last else { return nil }
    return Int(line.prefix(16), radix: 16)
}
private func storeError(_ body: () async throws -> Void) async -> StoreError? {
    do { try await body(); return nil } catch let error as PlanError {
        return error.store ?? .unavailable("\(error)")
    } catch let error as StoreError { return error } catch { return .unavailable("\(error)") }
}

@Suite(.serialized) struct ControlAttackTests {
    /// A reply that arrives after another task of the same process has committed.
    @Test func aReplyThatIsLateIsNoTampering() async throws {
        let trust = try await TestTrust(over: TestStore())
        let company = trust.company
        let hooked = HookStore(trust.store)
        let process = try await trust.process(hooked)
        _ = try await process.plan(of: company)
        let head = headKey(company.description)
        hooked.after(1, { $0 == head }) { _ in
            // The same process.
            try await process.setStatus(Company(id: company, status: .proofOfConcept), sequence: 2)
        }
        let error = await storeError { _ = try await process.plan(of: company) }
        #expect(hooked.hasFired == 1)
        #expect(error == nil, "\(String(describing: error))")
    }

    /// The same by the vault's use: a table with a cache, and a snapshot that is taken meanwhile.
    @Test func aReplyThatIsLateIsNoTamperingOfATable() async throws {
        let store = TestStore()
        let keys = try someKeys()
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        let hooked = HookStore(store)
        let cache = ControlCache(store: hooked, keys: keys)
        let table = AuthenticatedTable<Note>("notes", keys: keys, cache: cache)
        let other = AuthenticatedTable<Note>("notes", keys: keys)
        try await begin(partition, in: store, keys)
        try await table.read(partition, ["a"], in: hooked).map { _ in }
        hooked.after(1, { $0 == headKey(nil, partition) }) { _ in
            // Another process writes, and somebody in this one looks.
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await other.write(Note(text: "x"), partition, ["a"], in: &tx)
            }
            _ = try await cache.snapshot(of: partition)
        }
        let error = await storeError { _ = try await table.read(partition, ["a"], in: hooked) }
        #expect(hooked.hasFired == 1)
        #expect(error == nil, "\(String(describing: error))")
    }

    /// A company that is begun by others between the look at the register and the look at its record.
    @Test func aCompanyThatBeginsMeanwhileIsNotTampered() async throws {
        let trust = try await TestTrust(over: TestStore())
        let company = Identifier<Company>(high: 4, low: 4)
        let hooked = HookStore(trust.store)
        let process = try await trust.process(hooked)
        let key = Key(.platform, [.text("plans.company"), .text(company.description)])
        hooked.before(1, { $0 == key }) { _ in
            try await trust.layer.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        }
        let error = await storeError { _ = try await process.plan(of: company) }
        #expect(hooked.hasFired == 1)
        #expect(error == nil, "\(String(describing: error))")
    }

    /// The register changes while an absent company is looked for in it.
    @Test(arguments: [true, false]) func aRegisterThatChangesIsNoError(_ isWriting: Bool) async throws {
        let trust = try await TestTrust(over: TestStore())
        for number in 0..<100 {
            try await trust.layer.plans.setStatus(
                Company(id: Identifier(high: 3, low: UInt64(number)), status: .proofOfConcept), sequence: 1)
        }
        let hooked = HookStore(trust.store)
        let process = try await trust.process(hooked)
        let company = Identifier<Company>(high: 3, low: 1000)
        hooked.before(1, isNode) { _ in
            try await trust.layer.plans.setStatus(
                Company(id: Identifier(high: 3, low: 1001), status: .proofOfConcept), sequence: 1)
        }
        let error = await storeError {
            if isWriting {
                try await process.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
            } else {
                do throws(PlanError) { _ = try await process.plan(of: company) } catch {
                    guard error == PlanError(.noPlan) else { throw error }
                }
            }
        }
        #expect(hooked.hasFired == 1)
        #expect(error == nil, "\(String(describing: error))")
    }

    /// The platform's own tree is put back just when a company is registered.
    @Test(arguments: 1...6) func theRegisterIsNotPutBackWhereItIsWritten(_ number: Int) async throws {
        let trust = try await TestTrust(over: TestStore())
        let hooked = HookStore(trust.store)
        let process = try await trust.process(hooked)
        let before = try await trust.store.platformRecords(Key.isOfOwnTree)
        for number in 0..<5 {
            try await process.setStatus(
                Company(id: Identifier(high: 3, low: UInt64(number)), status: .proofOfConcept), sequence: 1)
        }
        let seen = try #require(epoch(try await trust.store.record(for: headKey())))
        hooked.before(number, { $0 == headKey() }) { _ in try await trust.store.putBack(before, Key.isOfOwnTree) }
        let error = await storeError {
            try await process.setStatus(Company(id: Identifier(high: 3, low: 77), status: .proofOfConcept), sequence: 1)
        }
        guard hooked.hasFired == 1 else { return }
        let now = epoch(try await trust.store.record(for: headKey()))
        #expect(error != nil, "read \(number): seen \(seen), now \(now ?? -1)")
        let put = epoch(try await store(before))
        #expect(now == put, "read \(number): a new head over an earlier state: \(put ?? -1) \(now ?? -1)")
    }
    private func store(_ old: [Key: [UInt8]]) async throws -> Record? {
        let store = TestStore()
        var changes = Changes()
        if let bytes = old[headKey()] { changes.write(headKey(), bytes) }
        try await store.commit(changes)
        return try await store.record(for: headKey())
    }

    /// After eviction another state of the same epoch, which was never committed, is believed.
    @Test func anotherStateOfTheSameEpochAfterEviction() async throws {
        let keys = try someKeys()
        let (store, other) = (TestStore(), TestStore())
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        let table = AuthenticatedTable<Note>("notes", keys: keys)
        for (index, store) in [store, other].enumerated() {
            try await begin(partition, in: store, keys)
            // In the second one is what a transaction sent that was refused because the first one was there.
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(Note(text: "\(index)"), partition, ["a"], in: &tx)
            }
        }
        let cache = ControlCache(store: store, keys: keys)
        let cached = AuthenticatedTable<Note>("notes", keys: keys, cache: cache)
        #expect(try await cached.read(partition, ["a"], in: store)?.text == "0")
        try await evict(cache, store, keys)
        for key in [headKey(nil, partition), table.key(partition, ["a"])] {
            var changes = Changes()
            changes.write(key, try #require(try await other.record(for: key)).bytes)
            try await store.commit(changes)
        }
        var read: String?
        let error = await storeError { read = try await cached.read(partition, ["a"], in: store)?.text }
        #expect(error != nil, "believed: \(read ?? "nil")")
    }

    private func evict(_ cache: ControlCache, _ store: any Store, _ keys: any ControlKeys) async throws {
        for number in 0..<10_001 {
            let partition = Partition(Identifier<Workspace>(high: 99, low: UInt64(number)))
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await ControlHead.createIfAbsent(partition, keys: keys, in: &tx)
            }
            _ = try await cache.snapshot(of: partition)
        }
    }

    /// A late reply over an eviction leaves a snapshot that is older than what was seen: the true state is refused from then on.
    @Test func anEvictionDuringALookRefusesNoTrueState() async throws {
        let keys = try someKeys()
        let store = TestStore()
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        let hooked = HookStore(store)
        let cache = ControlCache(store: hooked, keys: keys)
        let table = AuthenticatedTable<Note>("notes", keys: keys)
        @Sendable func write(_ text: String) async throws {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(Note(text: text), partition, ["a"], in: &tx)
            }
        }
        try await begin(partition, in: store, keys)
        hooked.after(1, { $0 == headKey(nil, partition) }) { _ in
            try await write("later")
            _ = try await cache.snapshot(of: partition)
            try await evict(cache, store, keys)
        }
        _ = try await cache.snapshot(of: partition)
        #expect(hooked.hasFired == 1)
        for _ in 0..<3 {
            let error = await storeError { _ = try await cache.snapshot(of: partition) }
            #expect(error == nil, "\(String(describing: error))")
        }
    }

    /// A host's transaction that has read the range in which the heads are.
    @Test func aRangeThatWasReadComparesAsWell() async throws {
        let trust = try await TestTrust(over: TestStore())
        let company = Identifier<Company>(high: 4, low: 4)
        let own = trust.layer.plans
        try await own.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        let old = try await trust.store.platformRecords(Key.isOf(company))
        try await own.setStatus(Company(id: company, status: .former), sequence: 5)
        try await trust.store.putBack(old, Key.isOf(company))
        let refused = await storeError { _ = try await own.plan(of: company) }
        #expect(refused != nil)
        var isNew: Bool?
        let error = await storeError {
            isNew = try await trust.store.transaction { (tx: inout Transaction<PlanError>) throws(PlanError) in
                _ = try await tx.read(KeyRange(under: Key(.platform, [])), limit: 30)
                _ = try await tx.read(headKey(company.description))
                return try await own.setStatus(Company(id: company, status: .customer), sequence: 2, in: &tx)
            }
        }
        #expect(error != nil, "believed: a status with a sequence that was told before: \(isNew ?? false)")
    }

    /// A process that knows a company, but has not looked at the register: the platform's tree and another company's are removed.
    @Test func aRegisterThatIsGoneIsMissedByWhoKnowsATree() async throws {
        let trust = try await TestTrust(over: TestStore())
        let company = Identifier<Company>(high: 4, low: 4)
        try await trust.layer.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        try await trust.layer.plans.setStatus(Company(id: company, status: .former), sequence: 2)
        let process = try await trust.process()
        _ = try await process.plan(of: trust.company)
        let isGone = { @Sendable (key: Key) in Key.isOfOwnTree(key) || Key.isOf(company)(key) }
        try await trust.store.putBack([:], isGone)
        let error = await refusal {
            try await process.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
            Issue.record("a former company began anew: \(try await process.plan(of: company).plan?.name ?? "")")
        }
        #expect(error?.store != nil)
    }

    /// Another text of a version, which was never committed, is believed to be the store's.
    @Test func aCatalogueThatWasNotCommittedIsNotKnown() async throws {
        let trust = try await TestTrust(over: TestStore())
        let store = TestStore()
        let right = try pricedCatalogue()
        let dear = Price(perPeriod: try euros(900_00))
        let wrong = Catalogue(
            version: 1,
            plans: right.plans.map {
                $0.name == "bronze"
                    ? Plan(name: "bronze", entitlements: $0.entitlements, price: dear, conditions: conditions) : $0
            }, statusRules: right.statusRules)
        let (good, bad) = (
            try await trust.process(store, catalogue: right), try await trust.process(store, catalogue: wrong)
        )
        let (one, two) = (Identifier<Company>(high: 5, low: 1), Identifier<Company>(high: 5, low: 2))
        let failed = await refusal {
            try await store.transaction { (tx: inout Transaction<PlanError>) throws(PlanError) in
                try await bad.setStatus(Company(id: one, status: .proofOfConcept), sequence: 1, in: &tx)
                try await bad.setStatus(Company(id: two, status: .proofOfConcept), sequence: 1, in: &tx)
                throw PlanError(.noPlan)
            }
        }
        #expect(failed == PlanError(.noPlan))
        try await good.setStatus(Company(id: one, status: .proofOfConcept), sequence: 1)
        let error = await refusal { _ = try await bad.plan(of: one) }
        #expect(error == PlanError(.catalogueDiffers))
    }

    /// A withdrawal that somebody prevents by changing the record for a moment.
    @Test func aProposalThatAStatusEndsDoesNotComeBack() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let approval = try await stage.approve(proposal)
        let key = Key(
            .platform, [.text("plans.proposal"), .text(stage.company.description), .text(proposal.id.description)])
        let store = stage.staff.store
        let bytes = try #require(try await store.record(for: key)).bytes
        var changes = Changes()
        changes.write(key, Array("{}".utf8))
        try await store.commit(changes)
        try await stage.tell(.proofOfConcept, 3)
        changes = Changes()
        changes.write(key, bytes)
        try await store.commit(changes)
        let permit = try await stage.change()
        var error: PlanError?
        do throws(PlanError) {
            let plan = try await stage.plans.activate(approval, permit)
            Issue.record("activated: \(plan.plan?.name ?? "")")
        } catch let refused { error = refused }
        #expect(error != nil)
    }

    /// Each fault at each call of a company's beginning: nobody sees tampering, and it can be told again.
    @Test(arguments: FaultyStore.Fault.allCases) func noFaultLooksLikeTampering(_ fault: FaultyStore.Fault) async throws
    {
        let trust = try await TestTrust(over: TestStore())
        func run(_ store: TestStore, _ call: Int) async throws -> Int {
            let faulty = FaultyStore(store, failing: call, with: fault)
            guard let process = try? await trust.process(faulty) else { return faulty.calls }
            let company = Identifier<Company>(high: 6, low: 1)
            for sequence in 1...3 {
                let error = await storeError {
                    try await process.setStatus(
                        Company(id: company, status: sequence == 2 ? .customer : .proofOfConcept),
                        sequence: Int64(sequence))
                    _ = try await process.plan(of: company)
                    _ = try await process.proposals(to: company)
                }
                if case .tampered(let key)? = error { Issue.record("\(fault) \(call): tampered \(key)") }
                if case .conflict(let key)? = error { Issue.record("\(fault) \(call): conflict \(key)") }
            }
            let fresh = try await trust.process(store)
            let error = await storeError {
                try await fresh.setStatus(Company(id: company, status: .proofOfConcept), sequence: 9)
                _ = try await fresh.plan(of: company)
            }
            #expect(error == nil, "\(fault) \(call): \(String(describing: error))")
            let again = await storeError { _ = try await process.plan(of: company) }
            if case .tampered(let key)? = again { Issue.record("\(fault) \(call): tampered after \(key)") }
            return faulty.calls
        }
        let calls = try await run(TestStore(), 0)
        for call in 1...calls { _ = try await run(TestStore(), call) }
    }

    /// A transaction that writes in two trees, twice in one, and is run again.
    @Test func twoCompaniesInOneTransaction() async throws {
        let trust = try await TestTrust(over: TestStore())
        let store = TestStore()
        let process = try await trust.process(store)
        let other = try await trust.process(store)
        let (one, two) = (Identifier<Company>(high: 5, low: 1), Identifier<Company>(high: 5, low: 2))
        for round in 1...4 {
            let error = await storeError {
                try await store.transaction { (tx: inout Transaction<PlanError>) throws(PlanError) in
                    for company in [one, two, one] {
                        try await process.setStatus(
                            Company(id: company, status: round % 2 == 0 ? .customer : .proofOfConcept),
                            sequence: Int64(round * 10) + (company == one ? 1 : 0), in: &tx)
                    }
                }
                for company in [one, two] {
                    _ = try await other.plan(of: company)
                    _ = try await process.plan(of: company)
                    try await other.setStatus(
                        Company(id: company, status: .proofOfConcept), sequence: Int64(round * 10) + 5)
                    _ = try await process.proposals(to: company)
                }
            }
            #expect(error == nil, "\(round): \(String(describing: error))")
        }
    }

    /// No tampering, no hooks: one process whose store answers after a while.
    @Test func aStoreWithALatencyIsNotTampered() async throws {
        let trust = try await TestTrust(over: TestStore())
        let process = try await trust.process(YieldingStore(trust.store, turns: 0, after: 20))
        let company = trust.company
        let errors = await withTaskGroup(of: [StoreError].self) { group in
            for kind in 0..<4 {
                group.addTask {
                    var errors: [StoreError] = []
                    for round in 0..<50 {
                        let error = await storeError {
                            if kind == 0 {
                                try await process.setStatus(
                                    Company(id: company, status: .proofOfConcept), sequence: Int64(2 + round))
                            } else {
                                _ = try await process.plan(of: company)
                            }
                        }
                        if let error { errors.append(error) }
                    }
                    return errors
                }
            }
            return await group.reduce(into: [StoreError]()) { $0 += $1 }
        }
        #expect(errors.isEmpty, "\(errors.count) of 200: \(String(describing: errors.first))")
    }

    /// A plan that was agreed to, and for which the company agreed to a cheaper one later, comes back by a status.
    @Test func whatWasAgreedToAndReplacedDoesNotComeBackByAStatus() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let (plans, company, start) = (stage.plans, stage.company, stage.time.now)
        func day(_ day: Int) -> Timestamp { start.advanced(by: .seconds(day * 86_400)) }
        func agree(_ proposal: PriceProposal, for effective: Timestamp) async throws {
            try await plans.activate(try await stage.approve(proposal, effective: effective), stage.change())
        }
        let gold = try await plans.propose(.plan("gold"), for: company, stage.change())
        try await agree(gold, for: day(90))
        try await stage.tell(.customer, 2)
        let bronze = try #require(try await plans.proposals(to: company).first { $0.id != gold.id })
        try await agree(bronze, for: day(75))
        let before = try await plans.plan(of: company, at: day(91))
        #expect(before.plan?.name == "bronze")
        try await stage.tell(.proofOfConcept, 3)
        let after = try await plans.plan(of: company, at: day(91))
        #expect(after.plan?.name != "gold", "\(before.charges) before, \(after.charges) after, nobody asked")
        stage.days(40)
        let then = try await plans.plan(of: company)
        #expect(then.plan?.name != "gold", "\(then.charges)")
    }

    /// A preview says what happens.
    @Test func aPreviewOfAFormerCompanyIsRefusedToo() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.former, 2)
        let permit = try await stage.change()
        let change = PlanChange(.plan("open"))
        let made = await refusal { try await stage.plans.change(change, of: stage.company, permit) }
        let seen = await refusal { _ = try await stage.plans.preview(change, of: stage.company) }
        #expect(made == seen)
    }

    /// By the third read again and again, a fork of the register becomes what a process believes that has seen the true one.
    @Test func aForkOfTheRegisterIsNotBelieved() async throws {
        let trust = try await TestTrust(over: TestStore())
        let hooked = HookStore(trust.store)
        let (process, other) = (try await trust.process(hooked), try await trust.process())
        let victim = Identifier<Company>(high: 4, low: 4)
        let fork = Mutex(try await trust.store.platformRecords(Key.isOfOwnTree))
        try await other.setStatus(Company(id: victim, status: .proofOfConcept), sequence: 1)
        try await other.setStatus(Company(id: victim, status: .former), sequence: 2)
        // It sees the register with the victim in it.
        let unknown = await refusal { _ = try await process.plan(of: Identifier(high: 7, low: 7)) }
        #expect(unknown == PlanError(.noPlan))
        for number in 0..<2 {
            let truth = Mutex([Key: [UInt8]]())
            hooked.before(3, { $0 == headKey() }) { _ in
                let now = try await trust.store.platformRecords(Key.isOfOwnTree)
                truth.withLock { $0 = now }
                try await trust.store.putBack(fork.withLock { $0 }, Key.isOfOwnTree)
            }
            let refused = await refusal {
                try await process.setStatus(
                    Company(id: Identifier(high: 8, low: UInt64(number)), status: .proofOfConcept), sequence: 1)
            }
            #expect(refused?.store != nil)
            let forked = try await trust.store.platformRecords(Key.isOfOwnTree)
            fork.withLock { $0 = forked }
            if number == 0 { try await trust.store.putBack(truth.withLock { $0 }, Key.isOfOwnTree) }
        }
        try await trust.store.putBack([:], Key.isOf(victim))
        let error = await refusal {
            try await process.setStatus(Company(id: victim, status: .proofOfConcept), sequence: 1)
            Issue.record("a former company began anew: \(try await process.plan(of: victim).plan?.name ?? "")")
        }
        #expect(error?.store != nil)
    }

    /// A status withdraws what the one before had proposed.
    @Test func aProposalThatAStatusEndsIsWithdrawn() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let approval = try await stage.approve(try await stage.proposal())
        try await stage.tell(.proofOfConcept, 3)
        let permit = try await stage.change()
        var error: PlanError?
        do throws(PlanError) { _ = try await stage.plans.activate(approval, permit) } catch let refused {
            error = refused
        }
        #expect(error == PlanError(.proposalWithdrawn))
    }

    /// Tasks beyond the limit that cost something, which nobody agreed to: what was free once counts as agreed.
    @Test func whatWasFreeOnceIsNotAgreedTo() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let (plans, company) = (stage.plans, stage.company)
        let permit = try await stage.change()
        try await plans.change(.overage(mostTasks: 1_000_000), of: company, permit)
        try await plans.grant(1, to: company, stage.change())
        let gold = try await plans.propose(PlanChange(.plan("gold"), usage: .reset), for: company, stage.change())
        let approval = try await stage.approve(gold)
        let meter = TaskMeter(plans: plans, configuration: .init(recallMilliseconds: 0))
        try await meter.admit(stage.staff.job(), of: company).commit(used: 1)
        try await meter.giveBackAll()
        let second = try await stage.change()
        let plan = try await plans.activate(approval, second)
        #expect(plan.charges.mostTasksOver == 0)
        try await meter.admit(stage.staff.job(), of: company).commit(used: 1)
        try await meter.giveBackAll()
        let entries = try await stage.staff.store.records(
            in: KeyRange(under: Key(.platform, [.text("plans.quota")])), limit: 10)
        var changes = Changes()
        var count = 0
        let later = try await plans.balance(of: company).period.end.advanced(by: .seconds(-3600))
        for entry in entries {
            let text = String(decoding: entry.record.bytes, as: UTF8.self)
            guard let range = text.firstRange(of: "\"turns\":[") else { continue }
            let turns = text[range.upperBound...].replacing(#/"overage":[0-9]+/#, with: "\"overage\":1000000")
                .replacing(#/"at":"[^"]*"/#, with: "\"at\":\"\(later)\"")
            changes.write(entry.key, Array((String(text[..<range.upperBound]) + turns).utf8))
            count += 1
        }
        let honest = try await plans.balance(of: company)
        #expect(!honest.parts.contains { $0.origin == .overage })
        try await stage.staff.store.commit(changes)
        #expect(count == 1)
        let balance = try await plans.balance(of: company)
        #expect(!balance.parts.contains { $0.origin == .overage })
        let fresh = try await stage.staff.process(catalogue: pricedCatalogue(trialDays: nil))
        let error = await refusal {
            try await TaskMeter(plans: fresh, configuration: .init(recallMilliseconds: 0)).admit(
                stage.staff.job(), of: company, tasks: 50_000
            ).commit(used: 50_000)
        }
        #expect(error == PlanError(.limitReached))
    }

    /// Others begin with the store between the look at the partition's head and the look at what else is there.
    @Test func aStoreThatOthersBeginIsNotTampered() async throws {
        let trust = try await TestTrust(over: TestStore())
        let store = TestStore()
        let hooked = HookStore(store)
        let (process, other) = (try await trust.process(hooked), try await trust.process(store))
        hooked.beforeRange.withLock {
            $0 = { _ in
                try await other.setStatus(
                    Company(id: Identifier(high: 4, low: 5), status: .proofOfConcept), sequence: 1)
            }
        }
        let company = Company(id: Identifier(high: 4, low: 4), status: .proofOfConcept)
        let error = await storeError { try await process.setStatus(company, sequence: 1) }
        #expect(hooked.hasFired == 1)
        #expect(error == nil, "\(String(describing: error))")
    }

    /// A transaction of a host's that goes on after a refusal is refused again, and one that lost to another is not put in its place.
    @Test func aRefusalIsNotForgottenInTheTransaction() async throws {
        let trust = try await TestTrust(over: TestStore())
        let company = Identifier<Company>(high: 4, low: 4)
        let own = trust.layer.plans
        try await own.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        let old = try await trust.store.platformRecords(Key.isOf(company))
        try await own.setStatus(Company(id: company, status: .former), sequence: 5)
        try await trust.store.putBack(old, Key.isOf(company))
        var refused = 0
        try await trust.store.transaction { (tx: inout Transaction<PlanError>) throws(PlanError) in
            refused = 0
            for _ in 0..<2 {
                do throws(PlanError) {
                    try await own.setStatus(Company(id: company, status: .customer), sequence: 2, in: &tx)
                } catch {
                    if case .tampered? = error.store { refused += 1 }
                }
            }
        }
        #expect(refused == 2)
        try await trust.store.putBack(old, Key.isOf(company))
        // Of two transactions over one state, the one that wrote more is no later state than the one that won.
        let keys = trust.keys.control
        let table = AuthenticatedTable<Note>("notes", keys: keys)
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        let (store, other) = (TestStore(), TestStore())
        for (writes, store) in [(1, store), (3, other)] {
            try await begin(partition, in: store, keys)
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                for number in 0..<writes {
                    try await table.write(Note(text: "\(writes)"), partition, ["\(number)"], in: &tx)
                }
            }
        }
        let cache = ControlCache(store: store, keys: keys)
        let cached = AuthenticatedTable<Note>("notes", keys: keys, cache: cache)
        #expect(try await cached.read(partition, ["0"], in: store)?.text == "1")
        var changes = Changes()
        for entry in try await other.records(in: KeyRange(under: Key(partition, [])), limit: 100) {
            changes.write(entry.key, entry.record.bytes)
        }
        try await store.commit(changes)
        let error = await storeError { _ = try await cached.read(partition, ["0"], in: store) }
        #expect(error == .tampered(headKey(nil, partition)))
    }

    /// A listing while a company is begun by others.
    @Test func aListingWhileACompanyBeginsIsNotTampered() async throws {
        let trust = try await TestTrust(over: TestStore())
        let store = TestStore()
        let company = Identifier<Company>(high: 4, low: 4)
        let hooked = HookStore(store)
        let (process, other) = (
            try await trust.process(hooked, catalogue: pricedCatalogue()),
            try await trust.process(store, catalogue: pricedCatalogue())
        )
        hooked.beforeRange.withLock {
            $0 = { _ in
                // Its status opens a proposal.
                try await other.setStatus(Company(id: company, status: .customer), sequence: 1)
            }
        }
        let error = await storeError { _ = try await process.proposals(to: company) }
        #expect(hooked.hasFired == 1)
        #expect(error == nil, "\(String(describing: error))")
    }

    /// Without hooks: many companies begin in processes that started anew.
    @Test func manyCompaniesBeginInNewProcesses() async throws {
        let trust = try await TestTrust(over: TestStore())
        for number in 0..<100 {
            try await trust.layer.plans.setStatus(
                Company(id: Identifier(high: 3, low: UInt64(number * 10)), status: .proofOfConcept), sequence: 1)
        }
        let store = YieldingStore(trust.store, turns: 0, after: 20)
        let errors = await withTaskGroup(of: StoreError?.self) { group in
            for number in 0..<12 {
                group.addTask {
                    await storeError {
                        let process = try await trust.process(store)
                        for round in 0..<4 {
                            try await process.setStatus(
                                Company(
                                    id: Identifier(high: 3, low: UInt64((number * 4 + round) * 17 + 1)),
                                    status: .proofOfConcept), sequence: 1)
                        }
                    }
                }
            }
            return await group.reduce(into: [StoreError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(errors.isEmpty, "\(errors.count) of 12")
    }

    /// The platform's own tree is gone, those that it named are there: a process that starts anew makes another one.
    @Test func aRegisterIsNotMadeAnewWhereThereAreTrees() async throws {
        let trust = try await TestTrust(over: TestStore())
        let old = Identifier<Company>(high: 4, low: 4)
        try await trust.layer.plans.setStatus(Company(id: old, status: .proofOfConcept), sequence: 1)
        try await trust.layer.plans.setStatus(Company(id: old, status: .former), sequence: 2)
        try await trust.store.putBack([:], Key.isOfOwnTree)
        let process = try await trust.process()
        let error = await storeError {
            try await process.setStatus(Company(id: Identifier(high: 4, low: 5), status: .proofOfConcept), sequence: 1)
        }
        #expect(error != nil, "made anew")
        // From now on nobody who starts misses a company.
        try await trust.store.putBack([:], Key.isOf(old))
        let next = try await trust.process()
        let missed = await storeError {
            try await next.setStatus(Company(id: old, status: .proofOfConcept), sequence: 1)
        }
        #expect(missed != nil, "a former company began anew")
    }

    /// A company's tree is removed or put back alone: held.
    @Test func aTreeAloneIsMissed() async throws {
        let trust = try await TestTrust(over: TestStore())
        let old = Identifier<Company>(high: 4, low: 4)
        try await trust.layer.plans.setStatus(Company(id: old, status: .proofOfConcept), sequence: 1)
        let first = try await trust.store.platformRecords(Key.isOf(old))
        try await trust.layer.plans.setStatus(Company(id: old, status: .former), sequence: 2)
        for gone in [[:], first] {
            try await trust.store.putBack(gone, Key.isOf(old))
            let seen = await storeError { _ = try await trust.layer.plans.plan(of: old) }
            #expect(seen != nil)
        }
        try await trust.store.putBack([:], Key.isOf(old))
        let fresh = try await trust.process()
        for _ in 0..<2 {
            let error = await storeError { try await fresh.setStatus(Company(id: old, status: .customer), sequence: 9) }
            #expect(error == .tampered(headKey(old.description)))
        }
        // Also without the register's record.
        try await trust.store.putBack([:]) { key in
            key.elements?.dropFirst().first == .text("control.tree") && key.elements?.last == .text(old.description)
        }
        let error = await storeError { _ = try await fresh.plan(of: old) }
        #expect(error == .tampered(headKey(old.description)))
        // Another tree's head in its place.
        var changes = Changes()
        changes.write(
            headKey(old.description),
            try #require(try await trust.store.record(for: headKey(trust.company.description))).bytes)
        try await trust.store.commit(changes)
        let moved = await storeError { _ = try await fresh.plan(of: old) }
        #expect(moved == .tampered(headKey(old.description)))
    }

    /// The register is put back to before a company began, whose tree is left: then the tree could be taken away unseen.
    @Test func aTreeThatTheRegisterDoesNotNameIsNotBelieved() async throws {
        let trust = try await TestTrust(over: TestStore())
        let before = try await trust.store.platformRecords(Key.isOfOwnTree)
        let company = Identifier<Company>(high: 4, low: 4)
        try await trust.layer.plans.setStatus(Company(id: company, status: .customer), sequence: 1)
        try await trust.store.putBack(before, Key.isOfOwnTree)
        let process = try await trust.process()
        let read = await storeError { _ = try await process.plan(of: company) }
        #expect(read == .tampered(headKey()))
        let told = await storeError {
            try await process.setStatus(Company(id: company, status: .former), sequence: 2)
        }
        #expect(told == read)
    }

    /// A table without a cache writes after one with a cache, to the same tree and in one transaction.
    @Test func twoTablesOfOneTreeInOneTransaction() async throws {
        let keys = try someKeys()
        let store = TestStore()
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        let cache = ControlCache(store: store, keys: keys)
        let cached = AuthenticatedTable<Note>("notes", keys: keys, cache: cache)
        let plain = AuthenticatedTable<Note>("others", keys: keys)
        try await begin(partition, in: store, keys)
        for text in ["a", "b"] {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await cached.write(Note(text: text), partition, ["a"], in: &tx)
                try await plain.write(Note(text: text), partition, ["b"], in: &tx)
            }
            let read = try await cached.read(partition, ["a"], in: store)?.text
            #expect(read == text)
        }
    }

    /// Two `Plans` of one process in one transaction of the host's: one of them knows a later state.
    @Test func whoKnowsALaterStateIsAskedAsWell() async throws {
        let trust = try await TestTrust(over: TestStore())
        let company = Identifier<Company>(high: 4, low: 4)
        let own = trust.layer.plans
        try await own.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        let old = try await trust.store.platformRecords(Key.isOf(company))
        try await own.setStatus(Company(id: company, status: .former), sequence: 5)
        try await trust.store.putBack(old, Key.isOf(company))
        let fresh = try await trust.process()
        for isWriting in [true, false] {
            let error = await storeError {
                try await trust.store.transaction { (tx: inout Transaction<PlanError>) throws(PlanError) in
                    // One that is not new writes nothing.
                    let first: Int64 = isWriting ? 2 : 1
                    try await fresh.setStatus(
                        Company(id: company, status: .proofOfConcept), sequence: first, in: &tx)
                    try await own.setStatus(Company(id: company, status: .customer), sequence: 3, in: &tx)
                }
            }
            #expect(error == .tampered(headKey(company.description)))
        }
        // Nor does a host that goes on after the refusal make it forgotten.
        var refused = 0
        try await trust.store.transaction { (tx: inout Transaction<PlanError>) throws(PlanError) in
            refused = 0
            try await fresh.setStatus(Company(id: company, status: .proofOfConcept), sequence: 2, in: &tx)
            for _ in 0..<2 {
                do throws(PlanError) {
                    try await own.setStatus(Company(id: company, status: .customer), sequence: 3, in: &tx)
                } catch {
                    if case .tampered? = error.store { refused += 1 }
                }
            }
        }
        #expect(refused == 2)
    }

    /// A listing of what has no tree: none when there is none, refused when something was planted or taken away.
    @Test func aListingMissesWhatIsGoneAndWhatWasPlanted() async throws {
        let trust = try await TestTrust(over: TestStore())
        let (none, company) = (Identifier<Company>(high: 4, low: 4), trust.company)
        let listed = try await trust.layer.plans.proposals(to: none)
        #expect(listed.isEmpty)
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        _ = try await trust.layer.plans.propose(.plan("bronze"), for: company, conditions: conditions, permit)
        let proposals = try await trust.store.platformRecords {
            $0.elements?.dropFirst().first == .text("plans.proposal")
        }
        let (key, bytes) = try #require(proposals.first)
        var changes = Changes()
        let id = try #require(key.elements?.last)
        let planted = Key(.platform, [.text("plans.proposal"), .text(none.description), id])
        changes.write(planted, bytes)
        try await trust.store.commit(changes)
        let error = await storeError { _ = try await trust.layer.plans.proposals(to: none) }
        #expect(error == .tampered(planted))
        // A process that starts anew, and the company's records with their tree are gone.
        try await trust.store.putBack([:], Key.isOf(company))
        let process = try await trust.process()
        let missed = await storeError { _ = try await process.proposals(to: company) }
        #expect(missed == .tampered(headKey(company.description)))
    }

    /// A commit whose answer comes late: what was committed after it is known, and stays the latest.
    @Test func aLateAnswerOfACommitIsNotTheLatest() async throws {
        let keys = try someKeys()
        let base = TestStore()
        let store = LateCommitStore(base)
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        let table = AuthenticatedTable<Note>("notes", keys: keys, cache: ControlCache(store: store, keys: keys))
        try await begin(partition, in: base, keys)
        func write(_ text: String) async throws {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(Note(text: text), partition, ["a"], in: &tx)
            }
        }
        func copy() async throws -> [Entry] {
            try await base.records(in: KeyRange(under: Key(partition, [])), limit: 100)
        }
        store.holdsNext()
        let late = Task { try await write("a") }
        await store.isHolding()
        let old = try await copy()
        try await write("b")
        store.letGo()
        try await late.value
        // What was there after the first commit is put back.
        var changes = Changes()
        for entry in try await copy() { changes.delete(entry.key) }
        for entry in old { changes.write(entry.key, entry.record.bytes) }
        try await base.commit(changes)
        let error = await storeError { _ = try await table.read(partition, ["a"], in: store) }
        #expect(error != nil)
    }
}

/// A store whose answer to one commit can be held back.
private final class LateCommitStore: Store {
    private let base: any Store
    private let state = Mutex(
        (holds: false, held: nil as CheckedContinuation<Void, Never>?, waits: nil as CheckedContinuation<Void, Never>?))

    init(_ base: any Store) { self.base = base }

    func holdsNext() { state.withLock { $0.holds = true } }

    /// Returns when the answer is held back.
    func isHolding() async {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.held == nil { state.waits = continuation }
                return state.held != nil
            }
            if isHeld { continuation.resume() }
        }
    }

    func letGo() { state.withLock { $0.held }?.resume() }

    func record(for key: Key) async throws(StoreError) -> Record? { try await base.record(for: key) }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) {
        try await base.commit(changes)
        guard
            state.withLock({ state in
                defer { state.holds = false }; return state.holds
            })
        else { return }
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.held = continuation
                return state.waits
            }?.resume()
        }
    }
}
