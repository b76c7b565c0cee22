// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// How a credential comes into the vault.
extension Vault {
    /// Seals a connection's credential and stores it, in place of one that was there.
    ///
    /// OAuth 2.0 is chosen whenever the connector offers it; another method then needs a `reason`, which is recorded
    /// (clause S3.1). So does a credential of another account than the one before it, as far as
    /// `Connection.owner` says. Keys that are missing are made. `metadata` can be read without opening, so nothing
    /// in it may be secret: at most 32 fields and 4 KiB. `expires` is when the app stops to accept the credential.
    ///
    /// `findableBy` names secret fields by which ``connections(with:in:_:)`` finds it: at most 8. With an `overlap`, of up to
    /// 90 days, the credential before it still opens for so long, by its generation, while the app accepts both; at most 8 at a
    /// time.
    @discardableResult
    public func store(
        _ credential: consuming Credential, for connection: Connection, of connector: Connector,
        _ permit: Permit<StoreCredential>, reason: String? = nil, metadata: [String: String] = [:],
        expires: Timestamp? = nil, findableBy fields: [String] = [], overlap: Duration = .zero
    ) async throws(VaultError) -> Receipt {
        let action = "vault.credential.store"
        let context = try await enter(permit, action, .credential(of: connection.id), connection.scope)
        let method = credential.method
        let content = credential.content
        do throws(VaultError) {
            var order = try order(for: connection, of: connector, method, reason, metadata)
            guard fields.count <= 8, fields.allSatisfy(CredentialIndex.isName) else { throw VaultError(.invalidName) }
            order.facts.expires = expires
            order.fields = Set(fields).sorted()
            order.overlap = min(max(overlap, .zero), .seconds(90 * 86_400))
            return try await store(content, order, connection.id, context, permit, action)
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// What is to be stored beside the secret of a method, when that may be (clause S3.1).
    func order(
        for connection: Connection, of connector: Connector, _ method: Connector.Method, _ reason: String?,
        _ metadata: [String: String]
    ) throws(VaultError) -> Order {
        let isException = connector.methods.contains(.oauth2) && method != .oauth2
        guard connector.id == connection.connector, connector.methods.contains(method) else {
            throw VaultError(.methodNotOffered)
        }
        guard !isException || reason?.isReason == true else { throw VaultError(.reasonRequired) }
        try Self.check(metadata)
        return Order(
            facts: CredentialFacts(
                connector: connector.id, method: method, stored: authority.time.now,
                project: connection.scope.project, metadata: metadata, expires: nil),
            owner: connection.owner.flatMap { $0.isEmpty ? nil : $0 }, reason: reason, isException: isException)
    }

    /// Stores under the connection's key, which is made when it is missing.
    func store(
        _ content: borrowing SecretBytes, _ order: Order, _ connection: Identifier<Connection>,
        _ context: MainKeyContext, _ permit: Permit<StoreCredential>, _ action: String
    ) async throws(VaultError) -> Receipt {
        return try await sealing(KeyPlace(context, .connection(connection))) { (worn) throws(VaultError) in
            try await attempt(order, content, connection, context, worn, permit, action)
        }
    }

    /// What is to be stored beside the secret.
    struct Order: Sendable {
        var facts: CredentialFacts
        let owner: String?
        /// The fields by which it is to be found.
        var fields: [String] = []
        let reason: String?
        /// Whether another method than OAuth 2.0 was chosen.
        let isException: Bool
        var overlap = Duration.zero
        /// Whether nothing may be there before.
        var isFirst = false

        var indexes: [CredentialIndex] { (owner == nil ? [] : [.account]) + fields.map { .field($0) } }
    }

    static func check(_ metadata: [String: String]) throws(VaultError) {
        let size = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard metadata.count <= 32, size <= 4096 else { throw VaultError(.tooLarge) }
    }

    /// The key of a place, made with its entry when it is missing; otherwise the entry alone.
    func sealingKey<Action>(
        _ place: KeyPlace, _ permit: Permit<Action>, _ action: String, _ told: [String: String]
    ) async throws(VaultError) -> OpenKey {
        let project = place.level == .connection ? permit.context.scope.project : nil
        return try await sealing(place) { (worn) throws(VaultError) in
            guard let plan = try await plan(place, renewing: worn) else { return .changed }
            if let set = plan.set, set.project != project { throw VaultError(.cannotOpen, .missing) }
            guard place.level != .connection || seals.take(plan.key.commitment) else {
                return .wornOut(plan.key.commitment)
            }
            var details = told
            details["key"] = plan.key.id
            let made = plan.drafts.map(\.draft.id)
            if !made.isEmpty { details["keysMade"] = made.joined(separator: ",") }
            let entry = authority.entry(action, permit, details: details)
            let isDone = try await store.transaction {
                (transaction: inout Transaction<VaultError>) throws(VaultError) -> Bool in
                guard try await tree.expect(plan.view, place.context, in: &transaction) else { return false }
                for (draft, before) in plan.drafts {
                    let own = draft.place == place ? project : nil
                    try await tree.write(draft, after: before, project: own, in: &transaction)
                }
                try transaction.record(entry, in: authority.trail)
                return true
            }
            guard isDone else { return .changed }
            for (draft, _) in plan.drafts { tree.cache.insert(draft) }
            return .done(plan.key)
        }
    }

    /// Tries to seal until nobody else has changed the workspace's keys meanwhile; one at a time while the environment has no
    /// key, so that one is made and not several.
    func sealing<R>(
        _ place: KeyPlace, _ attempt: (Digest?) async throws(VaultError) -> Outcome<R>
    ) async throws(VaultError) -> R {
        var worn: Digest?
        for _ in 0..<40 {
            let renewing = worn
            let outcome: Outcome<R>
            do throws(VaultError) {
                if try await lacksEnvironmentKey(place.context) {
                    outcome = try await making.run(place.context) { () throws(VaultError) in try await attempt(renewing)
                    }
                } else {
                    outcome = try await attempt(renewing)
                }
            } catch {
                guard error.isStale else { throw error }
                continue
            }
            switch outcome {
            case .done(let result): return result
            case .wornOut(let key): worn = key
            case .changed: continue
            }
        }
        throw VaultError(.changedMeanwhile)
    }

    enum Outcome<R> {
        case done(R)
        /// Somebody else changed the workspace's keys meanwhile.
        case changed
        /// This key has sealed as much as it may.
        case wornOut(Digest)
    }

    private func lacksEnvironmentKey(_ context: MainKeyContext) async throws(VaultError) -> Bool {
        let view = try await tree.view(of: context)
        return try await tree.environmentSet(context, view)?.needsNew ?? true
    }

    /// Seals and stores under the keys as they are now.
    private func attempt(
        _ order: Order, _ content: borrowing SecretBytes, _ connection: Identifier<Connection>,
        _ context: MainKeyContext, _ worn: Digest?, _ permit: Permit<StoreCredential>, _ action: String
    ) async throws(VaultError) -> Outcome<Receipt> {
        let place = KeyPlace(context, .connection(connection))
        let indexes = order.indexes.map { KeyPlace(context, .index($0.name)) }
        guard let plan = try await plan(place, renewing: worn, and: indexes) else { return .changed }
        // A permit of another project replaces nothing.
        if let set = plan.set, set.project != order.facts.project { throw VaultError(.cannotOpen, .missing) }
        var facts = order.facts
        for (index, key) in zip(order.indexes, plan.others) {
            facts.index[index.name] = try Self.entry(of: index, order.owner, content, key)
        }
        var row = CredentialRow(facts, generation: (plan.set?.row ?? 0) + 1, key: plan.key.commitment)
        if row.generation > plan.key.generation << OpenKey.generationBits { return .wornOut(plan.key.commitment) }
        do throws(CryptoError) {
            row.sealed = try Envelope.seal(content, with: plan.key, row.additionalData(context, connection))
        } catch {
            throw VaultError(error)
        }
        let receipt = Receipt(
            keysMade: plan.drafts.map(\.draft.id), sealedUnder: plan.key.id, generation: row.generation)
        var details = ["method": facts.method.rawValue, "key": receipt.sealedUnder]
        details["generation"] = String(row.generation)
        if !receipt.keysMade.isEmpty { details["keysMade"] = receipt.keysMade.joined(separator: ",") }
        let (sealed, told) = (row, details)
        // Nothing goes for good while the clocks disagree.
        let mayDrop = !clocksDisagree(by: plan.view.ledger)
        let isDone = try await store.transaction {
            (transaction: inout Transaction<VaultError>) throws(VaultError) -> Bool in
            guard try await tree.expect(plan.view, context, in: &transaction) else { return false }
            let ids = CredentialRow.ids(context.environment, connection)
            let rowKey = CredentialRow.table.key(place.partition, ids)
            // One that cannot be read is replaced all the same.
            let before = try await transaction.read(rowKey).flatMap {
                try? CredentialRow.table.value(of: $0, at: rowKey)
            }
            let known = try await ConnectionRecord.table.read(place.partition, ids, in: &transaction)
            guard known.map({ $0.project == order.facts.project }) ?? true else {
                throw VaultError(.cannotOpen, .missing)
            }
            if order.isFirst, before != nil { throw VaultError(.changedMeanwhile) }
            var details = told
            let isAnotherAccount = before?.facts.isOfAnotherAccount(than: facts) ?? false
            if isAnotherAccount { details["account"] = "another" }
            if order.isException || isAnotherAccount {
                guard let reason = order.reason, reason.isReason else { throw VaultError(.anotherAccount) }
                details["reason"] = reason
            }
            var own = plan.set
            let kept = try await keep(
                before, for: order.overlap, mayDrop, of: connection, context, &own, in: &transaction)
            details.merge(kept) { _, new in new }
            for (draft, known) in plan.drafts {
                let isOwn = draft.place == place
                try await tree.write(
                    draft, after: isOwn ? own : known, row: isOwn ? sealed.generation : nil,
                    project: isOwn ? facts.project : nil, in: &transaction)
            }
            if !plan.drafts.contains(where: { $0.draft.place == place }), var set = own {
                set.row = sealed.generation
                try await tree.sets.write(set, place.partition, place.ids, in: &transaction)
            }
            transaction.write(rowKey, sealed.recordBytes(schema: CredentialRow.table.schema))
            reindex(connection, context, from: before?.facts.index ?? [:], to: facts.index, in: &transaction)
            if known != nil { ConnectionRecord.table.delete(place.partition, ids, in: &transaction) }
            try transaction.record(entry(action, permit, on: connection, details), in: authority.trail)
            return true
        }
        guard isDone else { return .changed }
        for (draft, _) in plan.drafts { tree.cache.insert(draft) }
        return .done(receipt)
    }

    private static func entry(
        of index: CredentialIndex, _ owner: String?, _ content: borrowing SecretBytes, _ key: OpenKey
    ) throws(VaultError) -> IndexEntry {
        switch index {
        case .account:
            return try crypto { () throws(CryptoError) in
                try SecretBytes(copying: Array((owner ?? "").utf8)).withLiveBytes { (span) throws(CryptoError) in
                    try IndexEntry(of: span, under: key)
                }
            }
        case .field(let name):
            let entry = try crypto { () throws(CryptoError) in
                try content.withLiveBytes { (span) throws(CryptoError) -> IndexEntry? in
                    guard let range = Secret.range(of: name, in: span) else { return nil }
                    return try IndexEntry(of: span.extracting(range), under: key)
                }
            }
            guard let entry else { throw VaultError(.invalidName) }
            return entry
        }
    }

    /// Keeps the credential that is replaced for a while, and lets go of those whose time is over; says what it did.
    private func keep(
        _ before: CredentialRow?, for overlap: Duration, _ mayDrop: Bool, of connection: Identifier<Connection>,
        _ context: MainKeyContext, _ set: inout KeySet?, in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) -> [String: String] {
        guard var own = set else { return [:] }
        var details: [String: String] = [:]
        let now = authority.time.now
        let (partition, ids) = (Partition(context.workspace), CredentialRow.ids(context.environment, connection))
        if mayDrop {
            let gone = own.past.filter { $0.until <= now }
            own.past.removeAll { $0.until <= now }
            for past in gone {
                CredentialRow.past.delete(partition, ids + [KeyPlace.digits(past.generation)], in: &transaction)
            }
            if !gone.isEmpty { details["expired"] = gone.map { String($0.generation) }.joined(separator: ",") }
        }
        // One whose key is closed would never open.
        if overlap > .zero, let before, before.generation == own.row,
            own.version(of: before.key)?.state.opens == true
        {
            guard own.past.count < KeySet.maximumPast else { throw VaultError(.tooManyOverlaps) }
            let until = now.advanced(by: overlap)
            own.past.append(.init(generation: before.generation, until: until))
            try await CredentialRow.past.write(
                before, partition, ids + [KeyPlace.digits(before.generation)], in: &transaction)
            let place = KeyPlace(context, .connection(connection))
            transaction.write(DueKey.key(until, place), DueKey().recordBytes(schema: 1))
            details["earlier"] = "\(before.generation) until \(until)"
        }
        set = own
        return details
    }

    /// Writes by what a credential is found, in place of what it was found by.
    func reindex(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, from before: [String: IndexEntry],
        to after: [String: IndexEntry], in transaction: inout Transaction<VaultError>
    ) {
        for (index, entry) in before where after[index] != entry {
            transaction.delete(IndexRecord.key(context, index, entry, connection))
        }
        for (index, entry) in after where before[index] != entry {
            transaction.write(
                IndexRecord.key(context, index, entry, connection), IndexRecord().recordBytes(schema: 1))
        }
    }
}

extension CredentialFacts {
    /// Whether both say to which account they belong, and it is not the same one.
    func isOfAnotherAccount(than other: CredentialFacts) -> Bool {
        guard let mine = index[CredentialIndex.account.name], let theirs = other.index[CredentialIndex.account.name]
        else { return false }
        // Under another key it cannot be told.
        return mine.key == theirs.key && mine.tag != theirs.tag
    }
}

extension OpenKey {
    /// The first 8 bytes of the commitment in hexadecimal.
    var id: String { String(commitment.description.prefix(16)) }
}
