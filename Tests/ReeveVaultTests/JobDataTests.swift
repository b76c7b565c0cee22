// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
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

    /// Hours that a hold pins keep nothing else from its destruction.
    @Test func pinnedHoursHoldUpNobody() async throws {
        let world = try await VaultWorld(configuration: .init(jobDataHours: 1))
        let begin = world.stage.time.now
        for number in 0..<105 {
            _ = try await world.seal("x", world.job(UInt64(number)))
            world.stage.time.advance(by: .seconds(3600))
        }
        let manage = try await world.process.manage(.environment, world.stage.scope())
        let pinned = try await world.process.vault.pinJobData(
            from: begin, through: world.stage.time.now, for: "hold", manage)
        #expect(pinned == 105)
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
