// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// Data of jobs, the keys of hours, and holds.
@Suite struct JobDataTests {
    @Test func jobDataOpensForItsJobOnly() async throws {
        let world = try await VaultWorld()
        let data = try await world.seal("payload", world.job(1))
        #expect(try await world.read(data, world.job(1)) == "payload")
        #expect(try await world.read(data, world.job(1), world.restarted()) == "payload")
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(data, world.job(2)) }
        let moved = SealedJobData(hour: data.hour + 1, bytes: data.bytes)
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(moved, world.job(1)) }
        for index in data.bytes.indices {
            var bytes = data.bytes
            bytes[index] ^= 1
            let changed = SealedJobData(hour: data.hour, bytes: bytes)
            await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(changed, world.job(1)) }
        }
    }

    /// After an hour has expired no job of it opens, from a backup neither; a pinned one does until it is unpinned.
    @Test func anHourExpires() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 24))
        let (first, second) = (try await world.seal("a", world.job(1)), try await world.seal("b", world.job(2)))
        world.stage.time.advance(by: .seconds(3600))
        let later = try await world.seal("c", world.job(3))
        #expect(later.hour == first.hour + 1)
        let instant = world.stage.time.now
        let manage = try await world.process.manage(.environment, world.stage.scope())
        #expect(try await world.process.vault.pinJobData(from: instant, through: instant, for: "case 7", manage) == 1)
        let backup = try await StoreImage(world.store, [world.stage.workspace])
        world.stage.time.advance(by: .seconds(3600 * 24))
        try await world.process.work()
        for (data, job) in [(first, world.job(1)), (second, world.job(2))] {
            await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(data, job) }
            let restored = try await world.stage.process(await backup.store(), world.ledger, world.keys)
            await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(data, job, restored) }
        }
        #expect(try await world.read(later, world.job(3)) == "c")
        world.stage.time.advance(by: .seconds(3600 * 24))
        try await world.process.work()
        #expect(try await world.read(later, world.job(3)) == "c")
        let again = try await world.process.manage(.environment, world.stage.scope())
        #expect(try await world.process.vault.unpinJobData(from: instant, through: instant, for: "case 7", again) == 1)
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(later, world.job(3)) }
        try await world.process.work()
        let image = try await world.image()
        #expect(image.keys(of: "vault.key").count == 1 && image.keys(of: "vault.due").isEmpty)
        // A backup in which it was pinned.
        let restored = try await world.restarted(over: await backup.store())
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(later, world.job(3), restored) }
    }

    /// Store, ledger and clock of today and of before: an hour that is over opens nothing, but where all three were put back.
    @Test func anExpiredHourStaysSo() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        let begin = world.stage.time.now
        let data = try await world.seal("a", world.job(1))
        let oldStore = try await world.image()
        let oldLines = try await world.ledger.lines(from: 0, limit: 1000)
        world.stage.time.advance(by: .seconds(7200))
        try await world.process.work()
        let newStore = try await world.image()
        let newLines = try await world.ledger.lines(from: 0, limit: 1000)
        #expect(newLines.count == oldLines.count + 1)
        for image in [newStore, oldStore] {
            for lines in [newLines, oldLines, []] {
                for now in [world.stage.time.now, begin] {
                    let process = try await world.stage.process(
                        await image.store(), MemoryLedger(lines), world.keys, time: ManualTime(now: now))
                    let isAllOld = image.records == oldStore.records && lines == oldLines && now == begin
                    let value = try? await world.read(data, world.job(1), process)
                    #expect((value == "a") == isAllOld)
                }
            }
        }
    }

    /// While the clock is put back by more than job data lives, none is sealed that would never open.
    @Test func nothingIsSealedInAnHourThatIsOver() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        _ = try await world.seal("a", world.job(1))
        world.stage.time.advance(by: .seconds(7200))
        try await world.process.work()
        _ = try await world.seal("b", world.job(1))
        world.stage.time.jump(by: .seconds(-7200))
        await #expect(throws: VaultError(.keyClosed)) { _ = try await world.seal("c", world.job(1)) }
    }

    /// Hours end without a trace of each: the ledger grows by a line for all that end together, and their records are gone.
    @Test func hoursDoNotPileUp() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        let jobs = (0..<30).map { world.job(UInt64($0)) }
        var sealed: [SealedJobData] = []
        for job in jobs {
            sealed.append(try await world.seal("x", job))
            world.stage.time.advance(by: .seconds(3600))
        }
        let lines = try await world.ledger.lines(from: 0, limit: 1000).count
        world.stage.time.advance(by: .seconds(7200))
        try await world.process.work()
        #expect(try await world.ledger.lines(from: 0, limit: 1000).count == lines + 1)
        let image = try await world.image()
        #expect(image.keys(of: "vault.due").isEmpty)
        #expect(image.keys(of: "vault.key").count == 1 && image.keys(of: "vault.keys").count == 1)
        for (job, data) in zip(jobs, sealed) {
            await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(data, job) }
        }
    }

    /// A hold reaches hours that are still to come, until it ends there; what is over stays over.
    @Test func aHoldReachesHoursToCome() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        let scope = world.stage.scope()
        func manage() async throws -> Permit<ManageKeys> { try await world.process.manage(.environment, scope) }
        let begin = world.stage.time.now
        let over = try await world.seal("over", world.job(9))
        world.stage.time.advance(by: .seconds(7200))
        // Over, though nobody has swept yet: a hold does not bring it back, and once it is swept the clock does not either.
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(over, world.job(9)) }
        #expect(try await world.process.vault.pinJobData(from: begin, through: begin, for: "late", manage()) == 0)
        try await world.process.work()
        world.stage.time.jump(by: .seconds(-7200))
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(over, world.job(9)) }
        world.stage.time.jump(by: .seconds(7200))
        let now = world.stage.time.now
        func hours(_ count: Int) -> Timestamp { now.advanced(by: .seconds(3600 * count)) }
        let pinned = try await world.process.vault.pinJobData(from: hours(1), through: hours(4), for: "case", manage())
        #expect(pinned == 0)
        var sealed: [SealedJobData] = []
        for number in 0..<6 {
            sealed.append(try await world.seal("x", world.job(UInt64(number))))
            world.stage.time.advance(by: .seconds(3600))
        }
        world.stage.time.advance(by: .seconds(86_400))
        try await world.process.work()
        func open() async throws -> [Int] {
            var open: [Int] = []
            for number in sealed.indices {
                let value = try? await world.read(sealed[number], world.job(UInt64(number)))
                if value == "x" { open.append(number) }
            }
            return open
        }
        #expect(try await open() == [1, 2, 3, 4])
        let ended = try await world.process.vault.unpinJobData(from: hours(2), through: hours(3), for: "case", manage())
        #expect(ended == 2)
        try await world.process.work()
        #expect(try await open() == [1, 4])
        #expect(try await world.process.vault.verify(manage()).defects.isEmpty)
        // A hold that was ended holds no hour that is made later.
        let later = world.stage.time.now
        _ = try await world.process.vault.pinJobData(
            from: later, through: later.advanced(by: .seconds(36_000)), for: "b", manage())
        _ = try await world.process.vault.unpinJobData(
            from: later, through: later.advanced(by: .seconds(36_000)), for: "b", manage())
        let data = try await world.seal("y", world.job(1))
        world.stage.time.advance(by: .seconds(86_400))
        await #expect(throws: VaultError(.cannotOpen)) { _ = try await world.read(data, world.job(1)) }
    }

    /// Who takes an hour off the list of what is due is found out, and the hour ends all the same.
    @Test func whatIsOverdueIsFound() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        let scope = world.stage.scope()
        _ = try await world.seal("x", world.job(1))
        for entry in try await world.store.records(in: KeyRange(under: Key(.platform, [.text("vault.due")])), limit: 9)
        {
            var changes = Changes()
            changes.delete(entry.key)
            try await world.store.commit(changes)
        }
        world.stage.time.advance(by: .seconds(7200 + 3000))
        try await world.process.work()
        #expect(try await world.process.vault.verify(world.process.manage(.environment, scope)).defects.isEmpty)
        world.stage.time.advance(by: .seconds(3600))
        let found = try await world.process.vault.verify(world.process.manage(.environment, scope))
        #expect(found.defects.map(\.kind) == [.overdue])
        try await world.process.work()
        #expect(try await world.image().keys(of: "vault.key").count == 1)
        #expect(try await world.process.vault.verify(world.process.manage(.environment, scope)).defects.isEmpty)
    }

    /// The worst that can be asked for is answered with an error or with nothing, and the vault goes on.
    @Test func extremesAreAnswered() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        let (vault, scope) = (world.process.vault, world.stage.scope())
        func manage() async throws -> Permit<ManageKeys> { try await world.process.manage(.environment, scope) }
        let (least, most) = (Timestamp(microseconds: .min), Timestamp(microseconds: .max))
        await #expect(throws: VaultError(.tooLarge)) {
            try await vault.pinJobData(from: least, through: most, for: "x", manage())
        }
        for instant in [least, most] {
            #expect(try await vault.pinJobData(from: instant, through: instant, for: "x", manage()) == 0)
            #expect(try await vault.pinJobData(from: most, through: least, for: "x", manage()) == 0)
            #expect(try await vault.unpinJobData(from: instant, through: instant, for: "x", manage()) == 0)
        }
        for name in ["", String(repeating: "x", count: 256)] {
            await #expect(throws: VaultError(.invalidName)) {
                try await vault.pinJobData(from: most, through: most, for: name, manage())
            }
        }
        let mark = try Digest(hashing: [1])
        for position in [
            LedgerPosition(lines: .max, mark: nil), LedgerPosition(lines: .max, mark: mark),
            LedgerPosition(lines: .min, mark: mark), LedgerPosition(lines: 0, mark: mark),
            LedgerPosition(lines: 1, mark: nil), LedgerPosition(lines: 1, mark: mark),
        ] {
            let found = try await vault.verify(manage(), expecting: position)
            #expect(found.defects.map(\.kind) == [.ledgerBehind], "\(position)")
        }
        #expect(try await vault.verify(manage(), expecting: LedgerPosition(lines: 0, mark: nil)).defects.isEmpty)
        #expect(throws: EscrowFailure.tooFew) { try MainKeyEscrow.recovers("", from: []) }
        // A permit for the workspace is none for an environment.
        let wide = Scope(world.stage.workspace)
        await #expect(throws: VaultError.self) {
            try await vault.retireEarlierKeys(of: .environment, world.process.manage(.environment, wide))
        }
        await #expect(throws: VaultError.self) {
            try await vault.uses(of: .environment, world.process.manage(.environment, wide))
        }
        #expect(try await world.process.open(connection) == "v")
    }

    /// An environment without keys has no room for a hold, and there is one for so many.
    @Test func holdsAreBounded() async throws {
        let world = try await VaultWorld()
        let now = world.stage.time.now
        let scope = world.stage.scope()
        await #expect(throws: VaultError(.cannotOpen)) {
            try await world.process.vault.pinJobData(
                from: now, through: now, for: "a", world.process.manage(.environment, scope))
        }
        try await world.process.store("v", world.stage.connection(1))
        for number in 0..<100 {
            try await world.process.vault.pinJobData(
                from: now, through: now, for: "\(number)", world.process.manage(.environment, scope))
        }
        await #expect(throws: VaultError(.tooLarge)) {
            try await world.process.vault.pinJobData(
                from: now, through: now, for: "more", world.process.manage(.environment, scope))
        }
        try await world.process.vault.unpinJobData(
            from: now, through: now, for: "7", world.process.manage(.environment, scope))
        try await world.process.vault.pinJobData(
            from: now, through: now, for: "more", world.process.manage(.environment, scope))
    }

    /// Hours that a hold pins keep nothing else from its destruction.
    @Test func pinnedHoursHoldUpNobody() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        let begin = world.stage.time.now
        _ = try await world.seal("x", world.job(0))
        let manage = try await world.process.manage(.environment, world.stage.scope())
        let pinned = try await world.process.vault.pinJobData(
            from: begin, through: begin.advanced(by: .seconds(3600 * 104)), for: "hold", manage)
        #expect(pinned == 1)
        for number in 1..<105 {
            world.stage.time.advance(by: .seconds(3600))
            _ = try await world.seal("x", world.job(UInt64(number)))
        }
        let other = world.stage.connection(9, in: Identifier(high: 1, low: 9))
        try await world.process.store("o", other)
        let target = KeyTarget.connection(other.id)
        try await world.process.vault.scheduleDestruction(
            of: target, after: 1, world.process.manage(target, other.scope))
        world.stage.time.advance(by: .seconds(86_400))
        try await world.process.work()
        let image = try await StoreImage(world.store, [Identifier(high: 1, low: 9)])
        #expect(image.keys(of: "vault.key").count == 1)
    }
}

extension VaultWorld {
    func job(_ number: UInt64) -> Identifier<Job> { Identifier(high: 5, low: number) }

    func seal(_ text: String, _ job: Identifier<Job>) async throws -> SealedJobData {
        let permit = try await process.permit(RunJob.self, Resource(job), stage.scope())
        return try await process.vault.sealJobData(SecretBytes(copying: Array(text.utf8)), of: job, permit)
    }

    func read(_ data: SealedJobData, _ job: Identifier<Job>, _ other: VaultProcess? = nil) async throws
        -> String
    {
        let process = other ?? process
        let permit = try await process.permit(RunJob.self, Resource(job), stage.scope())
        return try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withJobData(data, of: job, permit) { span in
                String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
            }
        }
    }
}
