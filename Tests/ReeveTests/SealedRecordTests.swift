// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

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
import Testing

/// Two pieces about somebody, kept under keys of their own.
private struct Keeping: Sendable {
    let layer: TrustLayer
    let base: TestStore
    let time = ManualTime()
    let keys: AuditKeys
    let scope: Scope
    static let subject = Identifier<DataSubject>(high: 3, low: 3)
    let ids: [Identifier<DataRecord>] = [Identifier(high: 1, low: 1), Identifier(high: 1, low: 2)]

    init(keeps: Bool = true) async throws {
        base = TestStore()
        scope = Scope(Identifier<Workspace>(at: time.now), .production)
        keys = try AuditKeys.ephemeral(name: "reeve", time: time)
        layer = try await Self.process(over: base, time, keys)
        if keeps { for id in ids { try await keep(id) } }
    }

    /// A process over a store, with the main key and the ledger of all the others.
    static func process(over store: any Store, _ time: ManualTime, _ keys: AuditKeys) async throws -> TrustLayer {
        let authority = try await AccessAuthority.soleOperator(
            .host("test"), reason: "tests", store: store, time: time)
        let main = try LocalMainKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        return try TrustLayer(
            mainKeys: MainKeys(main), authority: authority, audit: keys, configuration: try configuration())
    }

    func process(over store: any Store) async throws -> TrustLayer { try await Self.process(over: store, time, keys) }

    func context(_ scope: Scope? = nil) -> ActContext { ActContext(actor: .host("test"), scope: scope ?? self.scope) }

    func permit<Action: PermitAction>(
        _ action: Action.Type, on resource: Resource, in scope: Scope? = nil, of layer: TrustLayer? = nil
    ) async throws -> Permit<Action> {
        try await (layer ?? self.layer).access.permit(action, on: resource, as: context(scope)).get()
    }

    static func configuration() throws -> TrustLayer.Configuration {
        let (p1, p5) = (try #require(ClauseReference("P11.1")), try #require(ClauseReference("P11.5")))
        return TrustLayer.Configuration(
            tasks: .init(recallMilliseconds: 0), policy: ReferencePolicies.privacy2016,
            retention: RetentionSchedule(rules: [
                .keep(nil, until: .terminated, because: p1), .drop(nil, 30, after: .terminated, because: p5),
            ]))
    }

    func content(_ id: Identifier<DataRecord>) -> [UInt8] { Array(#"{"letter":"dear \#(id.low)"}"#.utf8) }

    func keep(_ id: Identifier<DataRecord>, in layer: TrustLayer? = nil) async throws {
        let facts = RetainedRecord(
            id: id, category: try #require(DataCategory("content.message")), created: time.now.day,
            as: .controller, about: Self.subject, at: [])
        let layer = layer ?? self.layer
        let permit = try await permit(StoreCredential.self, on: SealedRecords.resource(of: id), of: layer)
        try await layer.sealed.keep(SecretBytes(copying: content(id)), as: facts, permit)
    }

    func opened(_ id: Identifier<DataRecord>, in layer: TrustLayer? = nil) async throws -> [UInt8] {
        let layer = layer ?? self.layer
        let permit = try await permit(OpenCredential.self, on: SealedRecords.resource(of: id), of: layer)
        return try await layer.sealed.withContent(of: id, permit) { bytes in
            (0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
    }

    func begun(_ kind: RequestKind) async throws -> Identifier<SubjectRequestRecord> {
        let (requests, context) = (layer.requests, context())
        let request = try await requests.receive(kind, about: Self.subject, through: .email, as: context)
        try await requests.note(.askedForIdentity, of: request.id, as: context)
        try await requests.note(.identityProven, of: request.id, as: context)
        return request.id
    }

    func permit(_ id: Identifier<SubjectRequestRecord>) async throws -> Permit<AnswerRequest> {
        try await permit(AnswerRequest.self, on: Resource(id), in: .platform)
    }

    /// A store as it is now, in another one.
    func backup() async throws -> TestStore {
        let copy = TestStore()
        for partition in [Partition.platform, Partition(scope)] {
            for entry in try await base.records(in: KeyRange(under: Key(partition)), limit: 100_000) {
                var changes = Changes()
                changes.write(entry.key, entry.record.bytes)
                try await copy.commit(changes)
            }
        }
        return copy
    }
}

/// Personal data under keys of its own: erasing one destroys its key.
@Suite struct SealedRecordTests {
    @Test func whatIsKeptOpensAndIsStoredNowhereInTheClear() async throws {
        let keeping = try await Keeping()
        for id in keeping.ids { #expect(try await keeping.opened(id) == keeping.content(id)) }
        let all = try await keeping.base.records(in: KeyRange(under: Key(.platform)), limit: 100_000)
        #expect(!all.contains { String(decoding: $0.record.bytes, as: UTF8.self).contains("letter") })
        // Each has a key of its own.
        let keys = try await keeping.base.records(
            in: KeyRange(under: Key(Partition(keeping.scope))), limit: 100_000
        ).filter { $0.key.description.contains("vault.key") && $0.key.description.contains("conn_") }
        #expect(keys.count >= 2)
        // Registered in the same commit, and kept once.
        let known = try await keeping.layer.retention.records(about: Keeping.subject)
        #expect(known.map(\.locations) == [["sealed"], ["sealed"]])
        await #expect(throws: PrivacyError(.alreadyRegistered)) { try await keeping.keep(keeping.ids[0]) }
        let large = try SecretBytes(copying: [UInt8](repeating: 1, count: SealedRecords.maximumBytes + 1))
        let permit = try await keeping.permit(
            StoreCredential.self, on: SealedRecords.resource(of: keeping.ids[0]))
        let layer = keeping.layer
        let facts = try #require(known.first)
        await #expect(throws: VaultError(.tooLarge)) { try await layer.sealed.keep(large, as: facts, permit) }
    }

    @Test func aSubjectIsShownItAndPutsItRight() async throws {
        let keeping = try await Keeping()
        let requests = keeping.layer.requests
        let access = try await keeping.begun(.access)
        let answer = try await requests.answer(access, try await keeping.permit(access))
        #expect(answer.request.status == .fulfilled)
        #expect(Set(answer.export?.items.map(\.content) ?? []) == Set(keeping.ids.map(keeping.content)))
        let rectify = try await keeping.begun(.rectify)
        let put = Array(#"{"letter":"better"}"#.utf8)
        let corrected = try await requests.correct(
            rectify, [keeping.ids[0]: put], try await keeping.permit(rectify))
        #expect(corrected.request.status == .fulfilled)
        #expect(try await keeping.opened(keeping.ids[0]) == put)
        #expect(try await keeping.opened(keeping.ids[1]) == keeping.content(keeping.ids[1]))
    }

    /// Erased, it opens nowhere: not from a backup either, which a replay cleans.
    @Test func whatIsErasedOpensFromNoBackup() async throws {
        let keeping = try await Keeping()
        let backup = try await keeping.backup()
        let delete = try await keeping.begun(.delete)
        let answer = try await keeping.layer.requests.answer(delete, try await keeping.permit(delete))
        #expect(answer.request.status == .fulfilled && answer.report?.counts["erased"] == 2)
        for id in keeping.ids {
            await #expect(throws: OpenFailure<Never>.self) { _ = try await keeping.opened(id) }
        }
        let left = try await keeping.base.records(in: KeyRange(under: Key(.platform)), limit: 100_000)
        #expect(!left.contains { $0.key.description.contains("sealed.record") })
        // Whoever puts the backup back has the ledger, or no vault at all.
        let layer = try await keeping.process(over: backup)
        for id in keeping.ids {
            await #expect(throws: OpenFailure<Never>.self) { _ = try await keeping.opened(id, in: layer) }
        }
        let replay = try await layer.retention.replayErasures(as: keeping.context())
        #expect(replay.failures.isEmpty && replay.unknown.isEmpty && replay.receipts.count == 2)
        let rest = try await backup.records(in: KeyRange(under: Key(.platform)), limit: 100_000)
        #expect(!rest.contains { $0.key.description.contains("sealed.record") })
    }

    /// A hold keeps the one that it names, and the other goes.
    @Test func aHoldKeepsTheKeyOfWhatItNames() async throws {
        let keeping = try await Keeping()
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        let permit = try await keeping.permit(ChangeHold.self, on: .record(keeping.ids[0]))
        try await keeping.layer.retention.placeHold(hold, on: keeping.ids[0], permit)
        let delete = try await keeping.begun(.delete)
        let answer = try await keeping.layer.requests.answer(delete, try await keeping.permit(delete))
        #expect(answer.request.status == .partly)
        #expect(try await keeping.opened(keeping.ids[0]) == keeping.content(keeping.ids[0]))
        await #expect(throws: OpenFailure<Never>.self) { _ = try await keeping.opened(keeping.ids[1]) }
    }

    /// Another scope's permit opens nothing, and neither does what somebody put into its place.
    @Test func whatIsAnothersDoesNotOpen() async throws {
        let keeping = try await Keeping()
        let scope = Scope(Identifier<Workspace>(at: keeping.time.now), .production)
        let permit = try await keeping.permit(
            OpenCredential.self, on: SealedRecords.resource(of: keeping.ids[0]), in: scope)
        await #expect(throws: OpenFailure<Never>.self) {
            try await keeping.layer.sealed.withContent(of: keeping.ids[0], permit) { _ in }
        }
        // One record's bytes under another's name.
        let rows = try await keeping.base.records(in: KeyRange(under: Key(.platform)), limit: 100_000)
            .filter { $0.key.description.contains("sealed.record") }
        var changes = Changes()
        changes.write(rows[0].key, rows[1].record.bytes)
        try await keeping.base.commit(changes)
        await #expect(throws: OpenFailure<Never>.self) { _ = try await keeping.opened(keeping.ids[0]) }
        let access = try await keeping.begun(.access)
        let answer = try await keeping.layer.requests.answer(access, try await keeping.permit(access))
        #expect(answer.export?.items.map(\.content) == [keeping.content(keeping.ids[1])])
    }

    /// Every store call of keeping and of erasing fails once: done again, it is kept, or gone, and never half there.
    @Test(arguments: [FaultyStore.Fault.refused, .replyLost, .requestLost, .delayed])
    func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        let counted = try await Keeping(keeps: false)
        let counting = FaultyStore(counted.base)
        try await run(counted, over: counting)
        #expect(counting.calls > 20)
        for call in 1...counting.calls {
            let keeping = try await Keeping(keeps: false)
            try await run(keeping, over: FaultyStore(keeping.base, failing: call, with: fault))
            let left = try await keeping.base.records(in: KeyRange(under: Key(.platform)), limit: 100_000)
            #expect(!left.contains { $0.key.description.contains("sealed.record") }, "\(fault) at call \(call)")
            #expect(try await keeping.layer.retention.records(about: Keeping.subject).isEmpty)
        }
    }

    /// Keeps a piece, opens it and erases it, each until it is done, by another process over the store.
    private func run(_ keeping: Keeping, over store: any Store) async throws {
        let other = try await again { try await keeping.process(over: store) }
        let id = keeping.ids[0]
        try await again {
            do {
                try await keeping.keep(id, in: other)
            } catch let error as PrivacyError where error.code == .alreadyRegistered {
                // The reply was lost.
            }
        }
        let content = try await again { try await keeping.opened(id, in: other) }
        #expect(content == keeping.content(id))
        try await again {
            do {
                try await other.retention.demand(
                    id, by: Identifier<SubjectRequestRecord>(high: 5, low: 5), as: keeping.context())
                try await other.retention.erase(id, as: keeping.context())
            } catch let error as PrivacyError where error.code == .unknownRecord {
                // Gone already.
            }
        }
    }

    private func again<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            return try await body()
        }
    }
}
