// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveAudit

/// Questions, and who may ask them.
@Suite struct QueryTests {
    @Test func everyFilterFilters() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        let project = Identifier<Project>(high: 7, low: 7)
        let correlation = Identifier<Correlation>(high: 8, low: 8)
        let start = world.time.now
        for (index, name) in ["vault.credential.open", "vault.credential.store", "vaults.other", "plans.admit"]
            .enumerated()
        {
            for environment in Environment.allCases {
                let scope = Scope(world.workspace, environment, project: index == 0 ? project : nil)
                let context = ActContext(
                    actor: index == 1 ? .rule("nightly") : .host("app"), scope: scope,
                    correlation: index == 3 ? correlation : nil)
                let entry = AuditEntry(
                    at: world.time.now, context: context, action: name, resource: "conn_\(index)",
                    outcome: environment == .test ? .refused : .success, refusal: environment == .test ? "x" : nil)
                try await world.base.record(entry, in: process.authority.trail)
                world.time.advance(by: .seconds(1))
            }
        }
        func count(_ filters: [String: String]) async throws -> Int {
            let query = try AuditQuery(filters: filters)
            let page = try await process.page(query)
            #expect(page.pending.allSatisfy { query.matches($0) })
            return page.entries.count + page.pending.count
        }
        for _ in 0..<2 {
            #expect(try await count(["action": "vault"]) == 6)
            #expect(try await count(["action": "vault.credential.open"]) == 3)
            #expect(try await count(["action": "vault.cred"]) == 0)
            #expect(try await count(["actor": "rule:nightly"]) == 3)
            #expect(try await count(["resource": "conn_3"]) == 3)
            #expect(try await count(["environment": "production", "action": "plans"]) == 1)
            #expect(try await count(["project": project.description]) == 3)
            #expect(try await count(["outcome": "refused"]) == 4)
            #expect(try await count(["correlation": correlation.description]) == 3)
            #expect(
                try await count([
                    "from": start.advanced(by: .seconds(3)).description,
                    "until": start.advanced(by: .seconds(5)).description, "actor": "rule:nightly",
                ]) == 2)
            try await process.log.runOnce()
        }
        for bad in [
            ["acton": "vault"], ["from": "yesterday"], ["environment": "prod"], ["actor": "nobody"], ["outcome": ""],
            ["limit": "many"], ["project": "ws_1"], ["action": "vault", "colour": "red"], ["before": "-"],
        ] {
            #expect(throws: AuditError(.unknownFilter)) { _ = try AuditQuery(filters: bad) }
        }
        #expect("\(AuditError(.unknownFilter, "colour"))".contains("colour"))
    }

    @Test func pagesCoverTheLogOnce() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 0..<700 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        var query = try AuditQuery(filters: ["limit": "64", "action": ""])
        query.action = nil
        query.withProofs = true
        var seen: [Int] = []
        repeat {
            let page = try await process.page(query)
            #expect(page.entries.map(\.index) == page.entries.map(\.index).sorted())
            for entry in page.entries {
                let proof = try #require(page.proofs[entry.index])
                #expect(world.verifier.isIncluded(entry.leaf, by: proof))
            }
            seen = page.entries.map(\.index) + seen
            query.before = page.next
        } while query.before != nil
        #expect(seen == Array(0..<700))
    }

    /// Clause S1.5: an auditor across workspaces gets each log with its own proof; a tenant's auditor gets its own alone.
    @Test func auditorsSeeWhatTheyMay() async throws {
        let base = TestStore()
        let world = try AuditWorld(base: base)
        let (alpha, beta) = (Scope(world.workspace), Scope(Identifier<Workspace>(high: 2, low: 2)))
        let (chief, tenant) = (
            ActContext.Actor.person(Identifier(high: 1, low: 1)), ActContext.Actor.person(Identifier(high: 1, low: 2))
        )
        let policy = AccessPolicy(grants: [
            Grant("auditor", to: Principal(chief), in: .everyWorkspace, reason: "audit"),
            Grant("auditor", to: Principal(tenant), in: .scope(alpha), reason: "audit"),
        ])
        let authority = try await AccessAuthority.create(
            policy, by: .host("setup"), reason: "first", store: base, keys: world.control, time: world.time)
        let log = AuditLog(authority: authority, keys: world.keys(), configuration: world.configuration)
        for scope in [alpha, beta] {
            for index in 0..<5 {
                let context = ActContext(actor: .host("app"), scope: scope)
                try await base.record(
                    AuditEntry(at: world.time.now, context: context, action: "a\(index)", resource: "r"),
                    in: authority.trail)
            }
        }
        try await log.runOnce()
        func permit(_ actor: ActContext.Actor, _ scope: Scope) async -> Result<Permit<ReadAudit>, Denial> {
            await authority.permit(ReadAudit.self, on: .log(of: scope), as: ActContext(actor: actor, scope: scope))
        }
        var query = AuditQuery()
        query.withProofs = true
        let permits = [try await permit(chief, alpha).get(), try await permit(chief, beta).get()]
        let pages = try await log.entries(across: permits, matching: query)
        #expect(pages.count == 2)
        for (scope, page) in pages {
            let note = try #require(page.checkpoint)
            #expect(world.verifier.checkpoint(note)?.origin.hasSuffix(Partition(scope).name) == true)
            #expect(page.entries.count == 5 && page.proofs.count == 5)
            for entry in page.entries {
                let proof = try #require(page.proofs[entry.index])
                #expect(world.verifier.isIncluded(entry.leaf, by: proof))
            }
        }
        // An auditor of A querying B: no permit, and A's permit opens nothing of B's.
        guard case .failure(let denial) = await permit(tenant, beta) else {
            Issue.record("a tenant's auditor got a permit for another tenant")
            return
        }
        #expect(denial.explanation?.missing?.role == "auditor")
        let own = try await permit(tenant, alpha).get()
        await #expect(throws: AuditError(.refused)) { _ = try await log.entries(of: beta, own) }
        // Nor does an auditor across workspaces write anywhere.
        for scope in [alpha, beta] {
            let answer = await authority.permit(
                PruneAudit.self, on: .log(of: scope), as: ActContext(actor: chief, scope: scope))
            guard case .failure = answer else {
                Issue.record("an auditor may prune")
                continue
            }
        }
    }

    /// A permit for one environment shows that environment alone, and exports nothing.
    @Test func aNarrowPermitShowsItsOwn() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for environment in Environment.allCases {
            try await process.act("in.\(environment)", Scope(world.workspace, environment))
        }
        try await process.act("in.workspace")
        for _ in 0..<2 {
            let narrow = Scope(world.workspace, .test)
            let page = try await process.page(AuditQuery(), narrow)
            let actions = page.entries.compactMap { $0.entry?.action } + page.pending.map(\.action)
            #expect(actions.filter { $0.hasPrefix("in.") } == ["in.test"])
            try await process.log.runOnce()
            let permit = try await process.permit(ReadAudit.self, narrow)
            await #expect(throws: AuditError(.refused)) {
                try await process.log.export(narrow, permit) { _, _ in Issue.record("it was exported") }
            }
        }
    }
}

/// Pruning under the log's own retention.
@Suite struct PruningTests {
    @Test func laterProofsHoldAfterPruning() async throws {
        var world = try AuditWorld()
        world.configuration.retentionDays = 30
        let process = try await world.process()
        for index in 0..<1000 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let held = try await process.checkpoint()
        // A tile of what is pruned later is in memory.
        _ = try await process.log.proof(of: 3, in: world.scope, process.permit(ReadAudit.self))
        func prune(_ index: Int) async throws -> Int {
            try await process.log.prune(world.scope, before: index, process.permit(PruneAudit.self))
        }
        await #expect(throws: AuditError(.stillKept)) { _ = try await prune(600) }
        world.time.advance(by: .seconds(31 * 86_400))
        await #expect(throws: AuditError(.stillKept)) { _ = try await prune(5000) }
        await #expect(throws: AuditError(.stillKept)) { _ = try await prune(-300) }
        let before = try await world.base.count
        #expect(try await prune(600) == 512)
        #expect(try await world.base.count < before)
        try await process.log.runOnce()
        #expect(try await process.verify(held).isIntact)
        let entries = try await process.page().entries
        #expect(entries.first?.index == 512)
        for entry in entries.prefix(3) + entries.suffix(3) where entry.index < 1000 {
            let proof = try await process.log.proof(of: entry.index, in: world.scope, process.permit(ReadAudit.self))
            #expect(world.verifier.isIncluded(entry.leaf, by: proof))
        }
        let permit = try await process.permit(ReadAudit.self)
        await #expect(throws: AuditError(.pruned)) { _ = try await process.log.proof(of: 3, in: world.scope, permit) }
        await #expect(throws: AuditError(.pruned)) {
            _ = try await process.log.consistency(since: 300, in: world.scope, permit)
        }
        for size in [256, 512, 700] {
            #expect(try await !process.log.consistency(since: size, in: world.scope, permit).proof.isEmpty)
        }
        // Another process goes on with what is left, and pruning again changes nothing.
        let next = try await world.process()
        try await next.act("after")
        try await next.log.runOnce()
        #expect(try await next.verify(held).isIntact)
        #expect(try await prune(600) == 512)
        // Nothing of what was pruned is left, not even in a record that held some of both.
        for entry in try await world.records("audit.leaves") {
            #expect(try LeafChunk.table.value(of: entry.record.bytes, at: entry.key).first >= 512)
        }
    }

    /// Nothing irreversible happens while the clocks disagree.
    @Test func nothingIsRemovedWhileTheClocksDisagree() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 0..<300 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let (prune, erase) = (try await process.permit(PruneAudit.self), try await process.permit(EraseAuditValue.self))
        let now = world.time.now
        for jump in [Duration.seconds(301), .seconds(-301), .seconds(400 * 86_400)] {
            world.time.setWallClock(to: now.advanced(by: jump))
            await #expect(throws: AuditError(.clockDisagrees)) {
                _ = try await process.log.prune(world.scope, before: 256, prune)
            }
            await #expect(throws: AuditError(.clockDisagrees)) {
                try await process.log.erase("email", of: Identifier(high: 1, low: 1), in: world.scope, erase)
            }
        }
        world.time.setWallClock(to: now)
        #expect(try await process.log.prune(world.scope, before: 256, prune) == 256)
        // A ledger from later than now: the clock was set back before this process began.
        let late = try AuditWorld(base: world.base, ledger: world.ledger)
        late.time.setWallClock(to: now.advanced(by: .seconds(-4000)))
        let other = try await late.process()
        let again = try await other.permit(PruneAudit.self)
        await #expect(throws: AuditError(.clockDisagrees)) {
            _ = try await other.log.prune(world.scope, before: 256, again)
        }
    }

    @Test func aSinkIsWaitedFor() async throws {
        let world = try AuditWorld()
        let sink = TestSink()
        sink.isBroken.withLock { $0 = true }
        let process = try await world.process(sinks: [sink])
        for index in 0..<300 { try await process.act("a\(index)") }
        try? await process.log.runOnce()
        let permit = try await process.permit(PruneAudit.self)
        await #expect(throws: AuditError(.stillKept)) {
            _ = try await process.log.prune(world.scope, before: 256, permit)
        }
        sink.isBroken.withLock { $0 = false }
        try await process.log.runOnce()
        #expect(try await process.log.prune(world.scope, before: 256, permit) == 256)
    }
}

/// A sink that keeps what it gets, and fails when it is told to.
final class TestSink: AuditSink {
    let name = "test"
    let isBroken = Mutex(false)
    let taken = Mutex<[Scope: [Int]]>([:])
    func receive(_ entries: [SequencedEntry], of scope: Scope) async throws {
        if isBroken.withLock({ $0 }) { throw AuditError(.storeFailed) }
        taken.withLock { $0[scope, default: []] += entries.map(\.index) }
    }
}

@Suite struct SinkTests {
    /// A sink that fails loses nothing, holds up no signature, and raises one alarm for each place where it is stuck.
    @Test func aSinkThatFailsLosesNothing() async throws {
        var world = try AuditWorld()
        world.configuration.sinkLagEntries = 100
        let (sink, healthy) = (TestSink(), HealthySink())
        let process = try await world.process(sinks: [sink, healthy])
        for index in 0..<50 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        sink.isBroken.withLock { $0 = true }
        for round in 0..<3 {
            for index in 0..<100 { try await process.act("b\(round).\(index)") }
            await #expect(throws: AuditError(.storeFailed)) { try await process.log.runOnce() }
        }
        #expect(world.verifier.checkpoint(try await process.checkpoint())?.size == 350)
        #expect(try await world.alarms().filter { $0 == "alarm.sinkLag" }.count == 1)
        sink.isBroken.withLock { $0 = false }
        try await process.log.runOnce()
        #expect(sink.taken.withLock { $0[world.scope] } == Array(0..<350))
        #expect(healthy.taken.withLock { $0[world.scope] } == Array(0..<350))
        // A second process delivers nothing twice.
        let other = try await world.process(sinks: [sink, healthy])
        try await other.log.runOnce()
        #expect(sink.taken.withLock { $0[world.scope]?.count } == 350)
    }

    private final class HealthySink: AuditSink {
        let name = "healthy"
        let taken = Mutex<[Scope: [Int]]>([:])
        func receive(_ entries: [SequencedEntry], of scope: Scope) async throws {
            taken.withLock { $0[scope, default: []] += entries.map(\.index) }
        }
    }
}

/// What leaves the log.
@Suite struct ExportTests {
    private func object(_ line: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    }

    private func world() async throws -> (AuditWorld, AuditProcess) {
        let world = try AuditWorld()
        let process = try await world.process()
        for name in ["vault.credential.open", "plans.setStatus", "privacy.erase", "access.permit"] {
            try await process.act(name)
        }
        let refused = AuditEntry(
            at: world.time.now,
            context: ActContext(actor: .person(Identifier(high: 1, low: 1)), scope: world.scope, reason: "a \"b\"\n"),
            action: "vault.credential.open", resource: "", outcome: .refused, refusal: "noGrant", details: ["k": "v"])
        try await world.base.record(refused, in: process.authority.trail)
        try await process.act("x")
        let fourth = try await world.records("audit.pending")[3]
        try await world.write(fourth.key, nil)
        try await process.log.runOnce()
        world.time.advance(by: .seconds(61))
        try await process.log.runOnce()
        return (world, process)
    }

    /// Every event has what API Activity of OCSF 1.5.0 requires, with the values that its enumerations know.
    @Test func everyLineIsAnOCSFEvent() async throws {
        let (world, process) = try await world()
        var count = 0
        try await process.log.lines(.ocsf, of: world.scope, process.permit(ReadAudit.self)) { line in
            #expect(line.last == 0x0A && !line.dropLast().contains(0x0A))
            let event = try object(line)
            for name in [
                "activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint",
                "time",
                "type_uid",
            ] { #expect(event[name] != nil, "\(name)") }
            let activity = try #require(event["activity_id"] as? Int)
            #expect([0, 1, 2, 3, 4, 99].contains(activity) && event["type_uid"] as? Int == 600_300 + activity)
            #expect(event["category_uid"] as? Int == 6 && event["class_uid"] as? Int == 6003)
            #expect([0, 1, 2, 3, 4, 5, 6, 99].contains(event["severity_id"] as? Int))
            #expect([1, 2].contains(event["status_id"] as? Int))
            #expect(event["time"] as? Int ?? 0 > 1_600_000_000_000)
            let metadata = try #require(event["metadata"] as? [String: Any])
            let product = try #require(metadata["product"] as? [String: Any])
            #expect(
                metadata["version"] as? String == "1.5.0" && product["name"] != nil && product["vendor_name"] != nil)
            #expect((event["api"] as? [String: Any])?["operation"] is String)
            let user = try #require((event["actor"] as? [String: Any])?["user"] as? [String: Any])
            #expect((user["uid"] as? String)?.isEmpty == false)
            #expect((event["src_endpoint"] as? [String: Any])?["name"] is String)
            for resource in try #require(event["resources"] as? [[String: Any]]) {
                #expect((resource["uid"] as? String)?.isEmpty == false)
            }
            count += 1
        }
        #expect(count >= 6)
    }

    /// Every line is a CloudEvent 1.0 in JSON, and its data is the leaf.
    @Test func everyLineIsACloudEvent() async throws {
        let (world, process) = try await world()
        var ids: [String] = []
        let leaves = try await world.leaves()
        try await process.log.lines(.cloudEvents, of: world.scope, from: 1, process.permit(ReadAudit.self)) { line in
            let event = try object(line)
            #expect(
                event["specversion"] as? String == "1.0" && event["datacontenttype"] as? String == "application/json")
            for name in ["id", "source", "type", "subject", "time"] {
                #expect((event[name] as? String)?.isEmpty == false)
            }
            for name in event.keys {
                #expect(name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) })
            }
            #expect((event["time"] as? String).flatMap { Timestamp($0) } != nil)
            ids.append(try #require(event["id"] as? String))
            let leaf = leaves[ids.count]
            let text = String(decoding: line, as: UTF8.self)
            #expect(text.contains(String(decoding: leaf, as: UTF8.self)))
            #expect(event["sequence"] as? String == String(ids.count))
        }
        #expect(Set(ids).count == ids.count && ids.count == leaves.count - 1)
    }

    /// An exported log verifies from its files alone.
    @Test(arguments: [1, 255, 256, 700]) func exportedFilesVerify(_ count: Int) async throws {
        try await export(count, outside: false)
    }

    /// It verifies by a program that somebody else wrote from the texts; skipped where Python lacks `cryptography`.
    @Test(.enabled(if: Outside.isThere), arguments: [1, 255, 256, 700])
    func exportedFilesVerifyOutside(_ count: Int) async throws {
        try await export(count, outside: true)
    }

    private func export(_ count: Int, outside isOutside: Bool) async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 0..<count / 2 + 1 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let held = try await process.checkpoint()
        for index in count / 2 + 1..<count where count > 1 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let proof = try await process.log.proof(of: count - 1, in: world.scope, process.permit(ReadAudit.self))
        var files: [String: [UInt8]] = [:]
        try await process.log.export(world.scope, process.permit(ReadAudit.self)) { files[$0] = $1 }
        let file = try #require(files["checkpoint"])
        let note = try #require(SignedNote(bytes: file))
        let size = try #require(world.verifier.checkpoint(note)).size
        #expect(size == count)
        var session = world.verifier.session(note, held: held)
        for index in 0...(size - 1) / 256 {
            let bundle = try #require(files[LogFiles.bundle(index, size: size).path])
            let tile = try #require(files[LogFiles.tile(level: 0, index, size: size).path])
            let leaves = try #require(LogFiles.leaves(ofBundle: bundle))
            let hashes = try #require(LogFiles.hashes(ofTile: tile))
            session.add(contentsOf: leaves, stored: hashes)
        }
        let anchor = try #require(world.verifier.checkpoint(held)).size
        #expect(session.finish() == .intact(size: size, anchoredAt: anchor))
        if isOutside { try await outside(world, files, held, proof, count - 1) }
    }

    private func outside(
        _ world: AuditWorld, _ files: [String: [UInt8]], _ held: SignedNote, _ proof: InclusionProof, _ index: Int
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "reeve-log-\(UInt64.random(in: 0...UInt64.max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ path: String, _ bytes: [UInt8]) throws {
            let file = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
        for (path, bytes) in files { try write("log/\(path)", bytes) }
        try write("held", held.bytes)
        try write("proof", proof.bytes)
        try write("leaf", try await world.leaves()[index])
        let names = ["log", "held", "proof", "leaf"].map { folder.appendingPathComponent($0).path }
        let key = world.signer.verifierKey.description
        let good = try Outside.run([key] + names)
        #expect(good.status == 0 && good.output.contains("the log extends the held checkpoint"), "\(good.output)")
        // A changed entry, proof or leaf is seen by it too.
        for path in files.keys.filter({ $0.contains("entries") || $0 == "checkpoint" }) {
            guard var bytes = files[path] else { continue }
            bytes[bytes.count / 2] ^= 1
            try write("log/\(path)", bytes)
            #expect(try Outside.run([key] + names).status == 1, "\(path)")
            try write("log/\(path)", files[path] ?? [])
        }
        try write("leaf", [1, 2, 3])
        #expect(try Outside.run([key] + names).status == 1)
    }
}

/// The verifier that was written from the C2SP texts alone.
enum Outside {
    /// Whether Python has the one package that it needs.
    static let isThere: Bool = (try? start(["-c", "import cryptography"]).status) == 0

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        try start(
            [
                URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                    .appendingPathComponent("Outside/verify_log.py").path
            ] + arguments)
    }

    private static func start(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// Openings under one entry, written ahead.
@Suite struct WindowTests {
    private func window(
        _ store: any Store, _ time: ManualTime, _ limits: AuditWindow.Limits, _ trail: Trail = Trail()
    ) -> AuditWindow {
        let scope = Scope(Identifier<Workspace>(high: 2, low: 1), .production)
        return AuditWindow(limits: limits, store: store, trail: trail, time: time) { instant, what, details in
            AuditEntry(
                at: instant, context: ActContext(actor: .host("job"), scope: scope), action: "vault.window.\(what)",
                resource: "conn", details: details)
        }
    }

    @Test func windowsDeclareAndCount() async throws {
        let (store, time) = (SpyStore(TestStore()), ManualTime())
        let window = window(store, time, .init(openings: 3, seconds: 60))
        for _ in 0..<7 { try await window.enter() }
        try await window.close()
        try await window.close()
        var entries = try store.auditEntries()
        // One that closes and one that opens are one commit: no order in it.
        #expect(store.commits.count == 4)
        #expect(entries.filter { $0.action == "vault.window.open" }.count == 3)
        #expect(
            entries.filter { $0.action == "vault.window.close" }.compactMap { $0.details["opened"] }.sorted() == [
                "1", "3", "3",
            ])
        // A window that is over by time is left, however few used it.
        try await window.enter()
        time.advance(by: .seconds(60))
        try await window.enter()
        try await window.closeIfOver()
        time.advance(by: .seconds(60))
        try await window.closeIfOver()
        entries = try store.auditEntries()
        #expect(entries.filter { $0.action == "vault.window.close" }.compactMap { $0.details["opened"] }.count == 5)
        let opened = Set(entries.filter { $0.action == "vault.window.open" }.map(\.id.description))
        #expect(Set(entries.compactMap { $0.details["window"] }) == opened)
    }

    /// When the entry cannot be written nothing is opened; and after a crash at any call the declared number covers all.
    @Test(arguments: FaultyStore.Fault.allCases) func whatIsOpenedIsDeclared(_ fault: FaultyStore.Fault) async throws {
        for call in 1...8 {
            let (base, time) = (SpyStore(TestStore()), ManualTime())
            let window = window(FaultyStore(base, failing: call, with: fault), time, .init(openings: 4, seconds: 60))
            var opened = 0
            for _ in 0..<20 where (try? await window.enter()) != nil { opened += 1 }
            try? await window.close()
            let entries = try base.auditEntries()
            let declared = entries.filter { $0.action == "vault.window.open" }.compactMap {
                $0.details["openings"].flatMap(Int.init)
            }
            #expect(opened <= declared.reduce(0, +), "\(fault) at \(call)")
            let counted = entries.compactMap { $0.details["opened"].flatMap(Int.init) }.reduce(0, +)
            let closed = entries.filter { $0.action == "vault.window.close" }.count
            #expect(counted <= opened + 4 * max(0, declared.count - closed))
        }
        let dead = window(FaultyStore(TestStore(), failing: 1, with: .crash), ManualTime(), .init())
        for _ in 0..<3 { await #expect(throws: StoreError.self) { try await dead.enter() } }
    }

    @Test func manyAtOnceAreCountedOnce() async throws {
        let (store, time) = (SpyStore(TestStore()), ManualTime())
        let window = window(store, time, .init(openings: 100, seconds: 60))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<1000 { group.addTask { (try? await window.enter()) != nil } }
            #expect(await group.reduce(0) { $0 + ($1 ? 1 : 0) } == 1000)
        }
        try await window.close()
        let entries = try store.auditEntries()
        let counts = entries.compactMap { $0.details["opened"].flatMap(Int.init) }
        #expect(counts.reduce(0, +) == 1000 && counts.allSatisfy { $0 <= 100 })
        #expect(entries.filter { $0.action == "vault.window.open" }.count == counts.count)
    }
}
