// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite && PostgreSQL
import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveSQLite
import ReeveStorage
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// Counts from 1.
private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// What survives: a process that is killed while it writes; what several processes share; and what does not: what was shredded.
@Suite(.serialized) struct DurabilityTests {
    @Test func aKilledProcessLosesNothingOfSQLite() async throws { try await aKilledProcessLosesNothing(.sqlite) }
    @Test(.enabled(if: Server.isThere, Server.why)) func aKilledProcessLosesNothingOfPostgreSQL() async throws {
        try await aKilledProcessLosesNothing(.postgres)
    }

    @Test func whatWasCommittedIsThereForAllOverSQLite() async throws {
        try await whatWasCommittedIsThereForAll(.sqlite)
    }
    @Test(.enabled(if: Server.isThere, Server.why)) func whatWasCommittedIsThereForAllOverPostgreSQL() async throws {
        try await whatWasCommittedIsThereForAll(.postgres)
    }

    /// What a commit acknowledged is there for others at once, and again later, in its order; and what many do at once has one.
    private func whatWasCommittedIsThereForAll(_ kind: DurableStore) async throws {
        let place = try await Place(kind)
        let (first, beside) = (try await place.open(), try await place.open())
        for number in 0..<50 { try await write(first, "k\(number)", [UInt8(number)]) }
        #expect(try await beside.record(for: key("k49"))?.bytes == [49])
        try await write(beside, "k49", [7])
        #expect(try await first.record(for: key("k49"))?.bytes == [7])
        let before = try await first.records(in: KeyRange(under: Key(.platform)), limit: 1000)
        for store in [first, beside] { try await kind.close(store) }
        let again = try await place.open()
        #expect(
            try await again.records(in: KeyRange(under: Key(.platform)), limit: 1000) == before && before.count == 50)
        try await place.check(again)
        try await kind.close(again)
        // On an empty one.
        let other = try await Place(kind)
        let store = try await other.open()
        let seed = Scale.current.seed
        let history = await StoreHistory.record(
            on: store, writers: 8, operations: Scale.current.cases(ci: 2000, soak: 100_000), seed: seed)
        #expect(history.violation() == nil, "seed \(seed)")
        try await kind.close(store)
    }

    private static let tasks = 4

    /// Four tasks that count, each commit two records of one number, and note what was acknowledged, until the process is killed: by a thread that waits for a commit of some number to
    /// begin, and then for as much of it as `steps` take.
    private static func count(
        _ kind: DurableStore, _ address: String, in folder: String, killedAt number: Int, after steps: Int
    ) async throws {
        let store = try await kind.open(address)
        let (notes, begun, looked, hasCome) = (Notes(in: folder), Counter(), Counter(), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            hasCome.wait()
            while looked.next() < steps {}
            kill(getpid(), SIGKILL)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    while true {
                        let known = try await store.record(for: key("a\(task)"))
                        let count = known.flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) } ?? 0
                        var changes = Changes()
                        changes.expect(key("a\(task)"), known.map { .revision($0.revision) } ?? .absent)
                        for name in ["a", "b"] { changes.write(key("\(name)\(task)"), Array("\(count + 1)".utf8)) }
                        if begun.next() == number { hasCome.signal() }
                        do throws(StoreError) {
                            try await store.commit(changes)
                        } catch {
                            // What the process before had on its way may have come since.
                            guard case .conflict = error else { throw error }
                            continue
                        }
                        notes.add(task, count + 1)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Every commit that was acknowledged is there, and none is there in half.
    private func aKilledProcessLosesNothing(_ kind: DurableStore) async throws {
        let place = try await Place(kind)
        var last = Array(repeating: 0, count: Self.tasks)
        var random = Scale.current.generator(for: "stores.killed.\(kind)")
        for round in 0..<Scale.current.cases(ci: 15, soak: 200) {
            let number = Int.random(in: 20...400, using: &random)
            let steps = Int.random(in: 0...50_000, using: &random)
            let (address, path) = (place.address, place.folder.path)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    kind = kind as DurableStore, address = address as String, path = path as String,
                    number = number as Int, steps = steps as Int
                ] in
                try await DurabilityTests.count(kind, address, in: path, killedAt: number, after: steps)
            }
            for note in try place.notes() where note.count == 2 { last[note[0]] = max(last[note[0]], note[1]) }
            let store = try await place.open()
            try await place.check(store)
            for task in 0..<Self.tasks {
                let records = try await store.records(
                    in: KeyRange(under: Key(.platform)), limit: 100
                ).filter { [key("a\(task)"), key("b\(task)")].contains($0.key) }
                let found = records.compactMap { Int(String(decoding: $0.record.bytes, as: UTF8.self)) }
                guard !found.isEmpty || last[task] > 0 else { continue }
                try #require(found.count == 2)
                #expect(found[0] == found[1], "round \(round)")
                // One may have been on its way.
                #expect(
                    found[0] == last[task] || found[0] == last[task] + 1, "round \(round): \(found[0]), \(last[task])")
            }
            try await place.kind.close(store)
        }
        #expect(last.allSatisfy { $0 > 15 }, "\(last)")
    }

    // MARK: Several processes

    @Test(arguments: [2, 8]) func quotasAreExactOverSQLite(_ processes: Int) async throws {
        try await quotasAreExact(.sqlite, processes)
    }
    @Test(.enabled(if: Server.isThere, Server.why), arguments: [2, 8])
    func quotasAreExactOverPostgreSQL(_ processes: Int) async throws { try await quotasAreExact(.postgres, processes) }

    private static let me = ActContext.Actor.host("test")

    /// The plans of a process, as whoever may do everything.
    private static func plans(_ store: any Store) async throws -> (Plans, AccessAuthority) {
        let authority = try await AccessAuthority.soleOperator(me, reason: "a process", store: store)
        let control = try DerivedControlKeys(SecretBytes(copying: Array(repeating: 7, count: 32)))
        return (Plans(authority: authority, control: control), authority)
    }

    /// Admits tasks until one is refused; returns how many there were.
    private static func fill(_ meter: TaskMeter, of company: Identifier<Company>) async throws -> Int {
        let now = SystemTime().now
        let scope = Scope(Identifier<Workspace>(at: now), .production)
        var admitted = 0
        while true {
            let job = Job(id: Identifier(at: now), recipe: Recipe(id: Identifier(at: now), version: 1), scope: scope)
            do throws(PlanError) {
                try await meter.admit(job, of: company).commit(used: 1)
                admitted += 1
            } catch {
                guard error.code == .limitReached else { throw error }
                break
            }
        }
        try await meter.giveBackAll()
        return admitted
    }

    private static func fill(_ kind: DurableStore, _ address: String, in folder: String, of name: String) async throws {
        let store = try await kind.open(address)
        let company = try #require(Identifier<Company>(name))
        let admitted = try await fill(TaskMeter(plans: try await plans(store).0), of: company)
        Notes(in: folder).add(admitted)
        try await kind.close(store)
    }

    /// Processes that take from one limit at once take all of it together, and not one task more.
    private func quotasAreExact(_ kind: DurableStore, _ processes: Int) async throws {
        let (place, limit) = (try await Place(kind), 3000)
        let store = try await place.open()
        let (plans, authority) = try await Self.plans(store)
        let company = Identifier<Company>(at: SystemTime().now)
        try await plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        let context = ActContext(actor: Self.me, scope: .platform)
        let permit = try await authority.permit(ChangePlan.self, on: .plan(of: company), as: context).get()
        try await plans.change(.package(Package(tasksPerPeriod: limit)), of: company, permit)
        let (address, path, name) = (place.address, place.folder.path, company.description)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<processes {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        [
                            kind = kind as DurableStore, address = address as String, path = path as String,
                            name = name as String
                        ] in
                        try await DurabilityTests.fill(kind, address, in: path, of: name)
                    }
                }
            }
        }
        let counts = try place.notes().map { $0[0] }
        let rest = try await Self.fill(TaskMeter(plans: plans), of: company)
        #expect(counts.count == processes && counts.reduce(rest, +) == limit, "\(counts) and \(rest)")
        #expect(try await plans.allowance(of: company).used == limit)
        try await kind.close(store)
    }

    // MARK: Rooms

    @Test func theRoomsWorkOverSQLite() async throws { try await theRoomsWork(.sqlite) }
    @Test(.enabled(if: Server.isThere, Server.why)) func theRoomsWorkOverPostgreSQL() async throws {
        try await theRoomsWork(.postgres)
    }

    /// What was stored is opened; and what was shredded is in no file, neither as it was sealed nor its key.
    private func theRoomsWork(_ kind: DurableStore) async throws {
        let place = try await Place(kind)
        let store = try await place.open()
        let trust = try await TestTrust(over: store)
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.apiKey])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let secret = Array("a canary that sings 7731".utf8)
        try await trust.layer.vault.store(
            try Credential.apiKey(SecretBytes(copying: secret)), for: connection, of: connector,
            try await trust.permit(StoreCredential.self, on: resource))
        let length = try await trust.layer.vault.withCredential(
            connection.id, try await trust.permit(OpenCredential.self, on: resource)
        ) { $0.withField("key") { $0.byteCount } }
        #expect(length == secret.count)
        try await trust.admission(tasks: 3).release()
        try await trust.layer.runOnce()
        // What lies in the files of its key and of what that seals.
        var sealed: [[UInt8]] = []
        for entry in try await store.records(in: KeyRange(under: Key(Partition(trust.scope))), limit: 1000) {
            let name = entry.key.description
            guard name.contains(connection.id.description),
                name.contains("vault.key/") || name.contains("vault.credential")
            else { continue }
            sealed.append(Array(entry.record.bytes.prefix(4000)))
        }
        #expect(sealed.count >= 2)
        if let file = store as? SQLiteStore {
            #expect(try !place.folder.holds(secret))
            for bytes in sealed { #expect(try place.folder.holds(bytes)) }
            try await trust.layer.vault.shred(
                .connection(connection.id), try await trust.permit(ManageKeys.self, on: resource))
            try await file.purge()
            for bytes in sealed { #expect(try !place.folder.holds(bytes)) }
            try await file.backUp(to: place.folder.path + "/backup")
            for bytes in sealed { #expect(try !place.folder.holds(bytes)) }
        }
        try await place.check(store)
        try await trust.layer.runOnce()
        let held = try #require(try await trust.layer.audit.checkpoint(of: trust.scope))
        let verification = try await trust.layer.audit.verify(
            trust.scope, against: held, by: AuditVerifier(keys: trust.keys.signers.map(\.verifierKey)),
            try await trust.permit(ReadAudit.self, on: .log(of: trust.scope)))
        #expect(verification.isIntact)
        try await kind.close(store)
    }
}
#endif
