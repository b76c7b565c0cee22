// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

/// Choices and disclosures over stores that fail, that are changed behind the room's back, and that others use at the same time.
@Suite struct PrivacyFaultTests {
    /// What one process did, as far as it knows.
    private struct Done {
        var chose = false
        var acts = 0
    }

    private func process(_ stage: PrivacyStage, over store: any Store, isPlain: Bool = false) async throws -> Privacy {
        let authority = try await AccessAuthority.soleOperator(
            stage.trust.principal, reason: "x", store: store, time: stage.trust.time)
        return Privacy(
            stage.privacy.settings, authority: authority, control: isPlain ? nil : stage.trust.keys.control)
    }

    /// Each store call fails once, in each way, and the process may be dead from then on: an act that was done is written down, a choice that was
    /// taken counts, and what was not taken can be told again.
    @Test(arguments: FaultyStore.Fault.allCases, [false, true])
    func everyStoreCallMayFail(_ fault: FaultyStore.Fault, _ isPlain: Bool) async throws {
        func run(_ call: Int) async throws -> Int {
            let stage = try await PrivacyStage()
            let faulty = FaultyStore(stage.trust.store, failing: call, with: fault)
            guard let privacy = try? await process(stage, over: faulty, isPlain: isPlain) else { return faulty.calls }
            let start = stage.trust.store.commits.count
            var done = Done()
            func share() async {
                do {
                    let clearance = try await privacy.clearance(
                        for: PrivacyStage.hosting.request, as: stage.trust.context())
                    try await privacy.perform(clearance, having: [stage.sent]) { _ in done.acts += 1 }
                } catch {}
            }
            await share()
            do {
                try await privacy.choose(
                    stage.event(.optedOut, PrivacyStage.marketing), as: stage.trust.context())
                done.chose = true
            } catch {
                #expect(error.store != nil)
            }
            var used = false
            do {
                used = try await privacy.noteUse(by: stage.subject, as: stage.trust.context()) != nil
            } catch {
                #expect(error.store != nil)
            }
            await share()

            let fresh = try await process(stage, over: stage.trust.store, isPlain: isPlain)
            let disclosures = try await fresh.disclosures(of: stage.subject)
            let uses = try stage.trust.store.auditEntries(from: start).filter {
                $0.action == "privacy.use" && $0.outcome == .success
            }
            #expect(disclosures.count >= done.acts, "\(fault) \(call)")
            #expect(uses.compactMap { $0.details["disclosure"] }.sorted() == disclosures.map(\.id.description).sorted())
            let events = try await fresh.choices(of: stage.subject)
            #expect(done.chose ? events.count == 1 : events.count <= 1, "\(fault) \(call)")
            let chosen = try stage.trust.store.auditEntries(from: start).filter {
                $0.action == "privacy.choose" && $0.outcome == .success
            }
            #expect(chosen.count == events.count)
            let accepted = try stage.trust.store.auditEntries(from: start).filter {
                $0.action == "privacy.accept" && $0.outcome == .success
            }
            let acceptances = try await fresh.acceptances(of: stage.subject)
            #expect(accepted.count == acceptances.count && (used ? acceptances.count == 1 : acceptances.count <= 1))
            if acceptances.isEmpty {
                #expect(try await fresh.noteUse(by: stage.subject, as: stage.trust.context()) != nil)
            }
            let refusals = try stage.trust.store.auditEntries(from: start).filter { $0.outcome == .refused }
            #expect(refusals.allSatisfy { $0.refusal == "storeFailed" }, "\(fault) \(call)")
            try await fresh.choose(stage.event(.optedOut, PrivacyStage.marketing), as: stage.trust.context())
            await expectPrivacy(.notAllowed) {
                _ = try await fresh.clearance(for: PrivacyStage.newsletter.request, as: stage.trust.context())
            }
            return faulty.calls
        }
        let calls = try await run(0)
        #expect(calls > 8)
        for call in 1...calls { _ = try await run(call) }
    }

    /// Nothing is sent by a clearance once the opt-out is committed, whoever came first.
    @Test func aUseAndAnOptOutFollowEachOther() async throws {
        var (before, after) = (0, 0)
        for round in 0..<300 where round < 30 || before == 0 || after == 0 {
            let stage = try await PrivacyStage(over: YieldingStore(TestStore(), turns: 1, after: 3))
            let clearance = try await stage.clearance(PrivacyStage.newsletter)
            let start = stage.trust.store.commits.count
            // When each began and ended, by one count for all.
            let (uses, choices) = (Spans(), Spans())
            let clock = Spans.Clock()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        for _ in 0..<Int.random(in: 0...60) { await Task.yield() }
                        for _ in 0..<3 {
                            await uses.add(clock) { try await stage.privacy.perform(clearance) { _ in } }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<Int.random(in: 0...12) { await Task.yield() }
                    await choices.add(clock) { try await stage.choose(.optedOut, PrivacyStage.marketing) }
                }
            }
            let choice = try #require(choices.all.first)
            for use in uses.all {
                #expect(!use.isDone || use.began < choice.ended)
                #expect(use.isDone || choice.began < use.ended)
                if use.isDone { before += 1 } else { after += 1 }
            }
            // Of a store in memory the order of the commits is known, too.
            guard !TestStore.isDurable else { continue }
            let entries = try stage.trust.store.auditEntries(from: start)
            let place = try #require(entries.firstIndex { $0.action == "privacy.choose" })
            for (number, entry) in entries.enumerated() where entry.action == "privacy.use" {
                #expect(entry.outcome == (number < place ? .success : .refused))
            }
        }
        // Both ways were met.
        #expect(before > 0 && after > 0)
    }

    /// What is changed behind the room's back allows nothing.
    @Test(arguments: [false, true]) func aChoiceThatIsGoneIsMissed(_ isPlain: Bool) async throws {
        let changes: [(name: String, tables: Set<String>)] = [
            ("the event", ["privacy.event"]), ("the count", ["privacy.events"]),
            ("both", ["privacy.event", "privacy.events"]),
        ]
        for (name, tables) in changes where !isPlain || tables.count == 1 {
            let stage = try await PrivacyStage()
            let privacy = try await process(stage, over: stage.trust.store, isPlain: isPlain)
            try await privacy.choose(stage.event(.optedOut, PrivacyStage.marketing), as: stage.trust.context())
            let written = Set(stage.trust.store.commits.flatMap(\.changes.keys)).filter { key in
                guard case .text(let table)? = key.elements?.dropFirst().first else { return false }
                return tables.contains(table)
            }
            #expect(written.count == tables.count)
            try await stage.trust.store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                for key in written { transaction.delete(key) }
            }
            for room in [privacy, try await process(stage, over: stage.trust.store, isPlain: isPlain)] {
                let error = await privacyError {
                    _ = try await room.clearance(for: PrivacyStage.newsletter.request, as: stage.trust.context())
                }
                switch error?.store {
                case .tampered: #expect(!isPlain)
                case .malformed: #expect(isPlain)
                default: Issue.record("\(name) is not missed")
                }
            }
        }
    }

    /// A record of another subject's, or of another version, is none of this one's.
    @Test func recordsAreReadStrictly() async throws {
        let stage = try await PrivacyStage()
        let privacy = try await process(stage, over: stage.trust.store, isPlain: true)
        try await privacy.choose(stage.event(.optedOut, PrivacyStage.marketing), as: stage.trust.context())
        let key = try #require(
            stage.trust.store.commits.flatMap(\.changes.keys).first {
                $0.elements?.dropFirst().first == .text("privacy.event")
            })
        let bytes = try #require(try await stage.trust.store.record(for: key)).bytes
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix(#"{"schema":1,"value":{"choice":{"act":"optedOut","at":"#))
        for broken in [
            text.replacing("optedOut", with: "optedOff"), text.replacing("\"schema\":1", with: "\"schema\":2"),
            String(text.dropLast()), text.replacing("\"purposes\"", with: "\"purpose\""), "",
            text.replacing(stage.subject.description, with: Identifier<DataSubject>(high: 9, low: 9).description),
        ] {
            try await stage.trust.store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                transaction.write(key, Array(broken.utf8))
            }
            await expectPrivacy(.storeFailed) {
                _ = try await privacy.clearance(for: PrivacyStage.newsletter.request, as: stage.trust.context())
            }
        }
    }
}

/// When acts began and ended, and whether they were done.
private final class Spans: Sendable {
    struct Span {
        let began: Int
        let ended: Int
        let isDone: Bool
    }

    /// One count for all.
    final class Clock: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    private let spans = Mutex<[Span]>([])
    var all: [Span] { spans.withLock { $0 } }

    func add(_ clock: Clock, _ act: () async throws -> Void) async {
        let began = clock.next()
        let isDone = await privacyError(act) == nil
        let span = Span(began: began, ended: clock.next(), isDone: isDone)
        spans.withLock { $0.append(span) }
    }
}
