// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// The places of a subject's data: the subject's export, and nothing that a process leaves besides.
@Suite struct SubjectLeakTests {
    private static let secret = "Quill-Sedgwick-7731 of 14 Larch Row"

    /// A place that says what it has wherever it can: in its errors.
    private struct Talkative: DataLocation {
        let name = "talkative"
        struct Told: Error, CustomStringConvertible, LocalizedError {
            let description = SubjectLeakTests.secret
            var errorDescription: String? { description }
        }
        func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> {
            throw Told()
        }
        func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { throw Told() }
        func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { throw Told() }
        func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { throw Told() }
    }

    /// What the audit logs and the sinks are told.
    private final class Heard: AuditSink, Sendable {
        let name = "heard"
        let lines = Mutex<[String]>([])
        func receive(_ entries: [SequencedEntry], of scope: Scope) async throws {
            lines.withLock { lines in
                for one in entries {
                    lines.append("\(one) \(String(describing: one.entry)) " + String(decoding: one.leaf, as: UTF8.self))
                }
            }
        }
    }

    /// A subject's life in a process: what was written down of it is returned, and what is printed shows outside.
    private static func live() async throws -> [String] {
        let (time, store, heard) = (ManualTime(), TestStore(), Heard())
        let spy = SpyStore(store)
        let authority = try await AccessAuthority.soleOperator(.host("t"), reason: "t", store: spy, time: time)
        let (host, subject) = (MemoryLocation(), Identifier<DataSubject>(high: 3, low: 3))
        let rule = try #require(ClauseReference("P11.1"))
        let layer = try TrustLayer(
            mainKeys: MainKeys(LocalMainKey.ephemeral()), authority: authority,
            audit: .ephemeral(name: "reeve", time: time), sinks: [heard], locations: [host, Talkative()],
            configuration: .init(
                tasks: .init(recallMilliseconds: 0), policy: ReferencePolicies.privacy2016,
                retention: RetentionSchedule(rules: [.keep(nil, until: .terminated, because: rule)])))
        let scope = Scope(Identifier<Workspace>(at: time.now), .production)
        let context = ActContext(actor: .host("t"), scope: scope)
        func permit<Action: PermitAction>(
            _ action: Action.Type, _ resource: Resource, _ scope: Scope? = nil
        ) async throws -> Permit<Action> {
            let own = ActContext(actor: .host("t"), scope: scope ?? context.scope)
            return try await layer.access.permit(action, on: resource, as: own).get()
        }
        // At a place of the host's, at one that fails and talks, under a key of its own, and beside the audit log.
        var said: [String] = []
        let message = try #require(DataCategory("content.message"))
        func facts(_ low: UInt64, at places: Set<String>) -> RetainedRecord {
            RetainedRecord(
                id: Identifier(high: 1, low: low), category: message, created: time.now.day, as: .controller,
                about: subject, at: places)
        }
        let (first, second, third) = (facts(1, at: ["host"]), facts(2, at: ["talkative"]), facts(3, at: []))
        host.put(first.id, about: subject, Array("\"\(secret)\"".utf8))
        for one in [first, second] { try await layer.retention.register(one, as: context) }
        try await layer.sealed.keep(
            SecretBytes(copying: Array("\"\(secret)\"".utf8)), as: third,
            try await permit(StoreCredential.self, SealedRecords.resource(of: third.id)))
        let entry = try await layer.audit.record(
            "call", on: Resource(subject), personal: [PersonalValue("name", secret, about: subject)],
            as: ActContext(actor: .host("t"), scope: .platform))
        said.append("\(first) \(third) \(layer.sealed) \(entry)")
        // Asked for, put right and erased; where something fails the error is shown to everybody.
        var exports = 0
        for kind in [RequestKind.access, .rectify, .delete] {
            let request = try await layer.requests.receive(kind, about: subject, through: .email, as: context)
            try await layer.requests.note(.askedForIdentity, of: request.id, as: context)
            try await layer.requests.note(.identityProven, of: request.id, as: context)
            let answering = try await permit(AnswerRequest.self, Resource(request.id), .platform)
            let answer: RequestAnswer
            if kind == .rectify {
                let put = Array("\"\(secret)!\"".utf8)
                answer = try await layer.requests.correct(
                    request.id, [first.id: put, second.id: put, third.id: put], answering)
            } else {
                answer = try await layer.requests.answer(request.id, answering)
            }
            if let export = answer.export, String(decoding: export.json(), as: UTF8.self).contains(secret) {
                exports += export.items.count { String(decoding: $0.content, as: UTF8.self).contains(secret) }
            }
            said.append("\(answer) \(answer.request) \(String(describing: answer.report)) \(answer.notice)")
            print(answer, answer.request, String(describing: answer.export), String(reflecting: answer))
        }
        precondition(exports == 3, "the subject's export has all of it")
        do {
            try await layer.retention.erase(second.id, as: context)
            preconditionFailure("a place that fails erased something")
        } catch {
            said.append("\(error) \(String(reflecting: error)) \(error.localizedDescription)")
            debugPrint(error)
        }
        try? await layer.runOnce()
        try await layer.audit.runOnce()
        said += heard.lines.withLock { $0 }
        precondition(heard.lines.withLock { $0.count } > 10, "the sink hears the log")
        // What is left in the store, events and outbox among it.
        for partition in [Partition.platform, Partition(scope)] {
            for record in try await store.records(in: KeyRange(under: Key(partition)), limit: 100_000) {
                said.append(record.key.description + String(decoding: record.record.bytes, as: UTF8.self))
            }
        }
        return said
    }

    /// Nothing of it is in what a process says of itself, in the audit's leaves, or in what is left in the store.
    @Test func nothingSaidHasIt() async throws {
        let said = try await Self.live()
        #expect(said.count > 20)
        let words = ["Sedgwick", "Larch Row"]
        #expect(!said.contains { line in words.contains { line.contains($0) } })
    }

    /// Nothing of it is on stdout or stderr, and no file is left.
    @Test func nothingOfItLeavesTheProcess() async throws {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "reeve-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(at: folder) }
            guard setenv("TMPDIR", folder.path, 1) == 0, chdir(folder.path) == 0 else {
                preconditionFailure("no folder of its own")
            }
            _ = try await SubjectLeakTests.live()
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            precondition(left.isEmpty, "files are left: \(left)")
            print("it lived")
        }
        let output = try #require(result)
        let text = String(decoding: output.standardOutputContent + output.standardErrorContent, as: UTF8.self)
        #expect(text.contains("it lived"))
        for word in ["Sedgwick", "Larch Row"] { #expect(!text.contains(word)) }
    }
}
