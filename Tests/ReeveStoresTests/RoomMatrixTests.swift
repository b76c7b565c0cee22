// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite && PostgreSQL
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReevePublishing
import ReeveStorage
import ReeveTesting
import ReeveVault
import Testing

/// What every room does, told by one process and, when that has died, by the next one over the same store and under the same keys.
private struct Story {
    private let time = ManualTime()
    private let mainKeys: MainKeys
    private let audit: AuditKeys
    private let me = ActContext.Actor.host("matrix")
    private let location = MemoryLocation()
    private let company: Identifier<Company>
    private let scope: Scope
    private let connector: Connector
    private let connection: Connection
    private let record: Identifier<DataRecord>
    private let subject: Identifier<DataSubject>
    static let secret = Array("a canary in a matrix".utf8)

    init() throws {
        mainKeys = try MainKeys(LocalMainKey.ephemeral())
        audit = try AuditKeys.ephemeral(time: time)
        company = Identifier(at: time.now)
        scope = Scope(Identifier<Workspace>(at: time.now), .production)
        connector = Connector(id: Identifier(at: time.now), name: "crm", methods: [.apiKey])
        connection = Connection(id: Identifier(at: time.now), connector: connector.id, scope: scope)
        record = Identifier(at: time.now)
        subject = Identifier(at: time.now)
    }

    private var context: ActContext { ActContext(actor: me, scope: scope) }

    private func permit<Action: PermitAction>(
        _ trust: TrustLayer, _ action: Action.Type, _ resource: Resource, _ scope: Scope? = nil
    ) async throws -> Permit<Action> {
        let context = ActContext(actor: me, scope: scope ?? self.scope)
        return try await trust.access.permit(action, on: resource, as: context).get()
    }

    /// Each act on its own: what fails keeps the next ones from nothing. Returns what failed.
    func tell(over store: any Store) async -> [String] {
        var failures: [String] = []
        let trust: TrustLayer
        do {
            let authority = try await AccessAuthority.soleOperator(me, reason: "a matrix", store: store, time: time)
            trust = try TrustLayer(
                mainKeys: mainKeys, authority: authority, audit: audit, locations: [location],
                configuration: .init(tasks: .init(recallMilliseconds: 0)))
        } catch {
            return ["begin: \(error)"]
        }
        for (name, act) in acts {
            do {
                try await act(trust)
            } catch {
                failures.append("\(name): \(error)")
            }
        }
        return failures
    }

    private var acts: [(String, (TrustLayer) async throws -> Void)] {
        let credential = Resource.credential(of: connection.id)
        return [
            (
                "store",
                { trust in
                    let permit = try await self.permit(trust, StoreCredential.self, credential)
                    try await trust.vault.store(
                        Credential.apiKey(SecretBytes(copying: Self.secret)), for: connection, of: connector, permit)
                }
            ),
            (
                "open",
                { trust in
                    let permit = try await self.permit(trust, OpenCredential.self, credential)
                    let isSame = try await trust.vault.withCredential(connection.id, permit) { secret in
                        secret.withField("key") { $0.byteCount == Self.secret.count }
                    }
                    #expect(isSame == true)
                }
            ),
            (
                "rotate",
                { trust in
                    try await trust.vault.rotate(
                        .environment, self.permit(trust, ManageKeys.self, KeyTarget.environment.resource(in: scope)))
                }
            ),
            (
                "status",
                { trust in try await trust.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1) }
            ),
            (
                "tasks",
                { trust in
                    let job = Job(
                        id: Identifier(at: time.now), recipe: Recipe(id: Identifier(at: time.now), version: 1),
                        scope: scope)
                    try await trust.tasks.admit(job, of: company, tasks: 3).commit(used: 3)
                    try await trust.tasks.giveBackAll()
                }
            ),
            (
                "publish",
                { trust in
                    let report = trust.publisher.scrubber.scrub(Array("{}".utf8), as: .plainJSON, for: .publicLibrary)
                    guard case .publishable(let recipe) = report.verdict else { throw BrokenPromise(report.summary) }
                    let permit = try await self.permit(trust, PublishRecipe.self, .recipe(recipe.digest))
                    let publication = try await trust.publisher.publish(recipe, to: .publicLibrary, permit)
                    try await trust.publisher.withdraw(publication, permit)
                }
            ),
            (
                "register",
                { trust in
                    location.put(record, about: subject)
                    let retained = RetainedRecord(
                        id: record, category: try #require(DataCategory("content.message")), created: time.now.day,
                        as: .controller, about: subject, at: [location.name])
                    do throws(PrivacyError) {
                        try await trust.retention.register(retained, as: context)
                    } catch {
                        // The process before did.
                        guard error.code == .alreadyRegistered else { throw error }
                    }
                }
            ),
            ("work", { trust in try await trust.runOnce() }),
        ]
    }

    /// What has to hold whatever happened: the logs verify, and no more is used than was taken.
    func check(over store: any Store, afterCrash: Bool) async throws {
        let authority = try await AccessAuthority.soleOperator(me, reason: "a look", store: store, time: time)
        let trust = try TrustLayer(mainKeys: mainKeys, authority: authority, audit: audit, locations: [location])
        // A worker that died is taken for dead once this one has looked at its lease for as long as it lasts.
        try? await trust.runOnce()
        time.advance(by: .seconds(600))
        try await trust.runOnce()
        for scope in [scope, .platform] {
            let verification = try await trust.audit.verify(
                scope, against: trust.audit.checkpoint(of: scope),
                by: AuditVerifier(keys: audit.signers.map(\.verifierKey)),
                permit(trust, ReadAudit.self, .log(of: scope), scope))
            #expect(verification.isIntact, "\(verification)")
        }
        let allowance = try await trust.plans.allowance(of: company)
        // Each process took three; what one that died held counts as used.
        let most = afterCrash ? allowance.limit : 6
        #expect((3...most).contains(allowance.used), "\(allowance.used) of at most \(most)")
    }
}

/// Every room over every durable store, with each store call failing once in every way, and with a crash at each.
@Suite struct RoomMatrixTests {
    @Test(arguments: FaultyStore.Fault.allCases) func overSQLite(_ fault: FaultyStore.Fault) async throws {
        try await matrix(.sqlite, fault)
    }

    @Test(.enabled(if: Server.isThere, Server.why), arguments: FaultyStore.Fault.allCases)
    func overPostgreSQL(_ fault: FaultyStore.Fault) async throws { try await matrix(.postgres, fault) }

    private func matrix(_ kind: DurableStore, _ fault: FaultyStore.Fault) async throws {
        let place = try await Place(kind)
        let store = try await place.open()
        let counted = FaultyStore(store)
        let failures = try await Story().tell(over: counted)
        try #require(failures.isEmpty, "\(failures)")
        try #require(counted.calls > 60)
        if kind == .postgres {
            // What the rooms only add has the table that is for it.
            for (name, isAdded) in [("audit.leaves", "t"), ("audit.checkpoint", "f")] {
                let apart = try ["append_only", "records"].map { table in
                    try sql(
                        "SELECT count(*) > 0 FROM \(place.address).\(table) WHERE position(convert_to('\(name)', 'UTF8') IN key) > 0",
                        on: try #require(Server.shared))
                }
                #expect(apart == [[[isAdded]], [[isAdded == "t" ? "f" : "t"]]], "\(name)")
            }
        }
        // In CI some of the calls, others each time.
        let step = Scale.current.cases(ci: 9, soak: 1)
        var random = Scale.current.generator(for: "matrix.\(kind).\(fault)")
        for call in stride(from: Int.random(in: 1...step, using: &random), through: counted.calls, by: step) {
            let place = try await Place(kind)
            let store = try await place.open()
            let story = try Story()
            _ = await story.tell(over: FaultyStore(store, failing: call, with: fault))
            // The next process finds what the first one left, and does it again.
            let again = await story.tell(over: store)
            #expect(again.isEmpty, "call \(call): \(again)")
            try await story.check(over: store, afterCrash: fault == .crash || fault == .crashAfter)
            try await place.check(store)
            try await kind.close(store)
        }
        try await kind.close(store)
    }
}
#endif
