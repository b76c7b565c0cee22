// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// The door to the outside: publishes exactly the bytes that its own scrubber proved.
///
/// All calls may be made concurrently.
public struct Publisher: Sendable {
    /// The scrubber whose proofs this publisher takes.
    public let scrubber: Scrubber
    let store: any Store
    let authority: AccessAuthority
    static let approvalTable = Table<FindingApproval>("publishing.approval")
    static let table = Table<Publication>("publishing.publication")

    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable, Codable {
        /// What may be published where, see ``Scrubber/policy(for:)``.
        public var policies: [Destination: PublishingPolicy]
        /// The host's own rules, and what it allows and denies.
        public var rules: CustomRules
        /// How large a recipe may be.
        public var limits: JSONTokens.Limits

        /// A configuration; by default ``PublishingPolicy/everyone`` for each destination and no rules.
        public init(
            policies: [Destination: PublishingPolicy] = [:], rules: CustomRules = .none,
            limits: JSONTokens.Limits = .init()
        ) {
            self.policies = policies
            self.rules = rules
            self.limits = limits
        }

        /// Reads a configuration; what is left out is as in ``init(policies:rules:limits:)``.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                policies: try values.decodeIfPresent([Destination: PublishingPolicy].self, forKey: .policies) ?? [:],
                rules: try values.decodeIfPresent(CustomRules.self, forKey: .rules) ?? .none,
                limits: try values.decodeIfPresent(JSONTokens.Limits.self, forKey: .limits) ?? .init())
        }

        /// All defects, each as a line; empty when there is none.
        public func validate() -> [String] {
            let library = Destination.publicLibrary
            guard let policy = policies[library], policy.audience != .everyone else { return [] }
            return ["policies: \(library) is for everyone, so its policy must be"]
        }
    }

    /// A publisher over the authority's store that takes its permits.
    public init(authority: AccessAuthority, configuration: Configuration = .init()) {
        store = authority.store
        self.authority = authority
        scrubber = Scrubber(
            policies: configuration.policies, rules: configuration.rules, limits: configuration.limits,
            time: authority.time)
    }

    /// Publishes a scrubbed recipe's bytes to its destination; leaves one audit entry.
    ///
    /// The permit must be for the recipe of exactly these bytes: `.recipe(scrubbed.digest)`. With `replacing` it is the next version of a
    /// publication to the same destination, which keeps its bytes until it is withdrawn.
    public func publish(
        _ recipe: ScrubbedRecipe, to destination: Destination, replacing earlier: Identifier<PublicationRecord>? = nil,
        _ permit: Permit<PublishRecipe>
    ) async throws(PublishingError) -> Publication {
        let (now, partition) = (authority.time.now, Partition(permit.context.scope))
        return try await acting("publishing.publish", permit, on: .recipe(recipe.digest)) {
            () throws(PublishingError) in
            if let code = scrubber.refusal(of: recipe, for: destination) { throw PublishingError(code) }
            let content: Blob
            do throws(StoreError) {
                content = try await Blob.write(recipe.bytes, in: partition, of: store, at: now)
            } catch {
                throw PublishingError(error)
            }
            do throws(PublishingError) {
                return try await store.transaction {
                    (transaction: inout Transaction<PublishingError>) throws(PublishingError) in
                    try await checkApprovals(of: recipe, partition, at: now, in: &transaction)
                    var replaced: Publication?
                    if let earlier {
                        replaced = try await Self.publication(earlier, partition, in: &transaction)
                        guard replaced?.destination == destination else { throw PublishingError(.wrongDestination) }
                        guard replaced?.replacedBy == nil else { throw PublishingError(.replaced) }
                    }
                    let publication = Publication(
                        id: Identifier(at: now), at: now, destination: destination, digest: recipe.digest,
                        version: (replaced?.version ?? 0) + 1, replaces: earlier, content: content)
                    try Self.table.insert(publication, partition, [publication.id.description], in: &transaction)
                    if var replaced {
                        replaced.replacedBy = publication.id
                        try await Self.table.write(replaced, partition, [replaced.id.description], in: &transaction)
                    }
                    var details = [
                        "publication": publication.id.description, "destination": destination.description,
                        "rules": String(recipe.rulesVersion), "input": recipe.inputDigest.description,
                        "version": String(publication.version), "audience": recipe.audience.rawValue,
                        "policy": recipe.policy.description,
                    ]
                    details["replaces"] = earlier?.description
                    if !recipe.approvals.isEmpty { details["approvals"] = String(recipe.approvals.count) }
                    let entry = authority.entry("publishing.publish", permit, details: details)
                    try transaction.record(entry, in: authority.trail)
                    return publication
                }
            } catch {
                if error.store != .outcomeUnknown { try? await content.delete(from: partition, of: store) }
                throw error
            }
        }
    }

    /// Takes a publication back: its bytes are removed, and what was public may remain elsewhere, as the answer says (clause P4.2).
    ///
    /// The permit must be for the recipe of its bytes: `.recipe(publication.digest)`. Leaves one audit entry. When the store fails
    /// after it, the publication is withdrawn and its bytes may be left: do it again, it removes them and answers the same. Throws
    /// ``PublishingError/Code/unknownPublication``.
    @discardableResult
    public func withdraw(
        _ publication: Publication, _ permit: Permit<PublishRecipe>
    ) async throws(PublishingError) -> Withdrawal {
        let (now, partition) = (authority.time.now, Partition(permit.context.scope))
        let withdrawn = try await acting("publishing.withdraw", permit, on: .recipe(publication.digest)) {
            () throws(PublishingError) in
            try await store.transaction {
                (transaction: inout Transaction<PublishingError>) throws(PublishingError) in
                var stored = try await Self.publication(publication.id, partition, in: &transaction)
                // The permit is for these bytes and for no others.
                guard stored.digest == publication.digest else { throw PublishingError(.unknownPublication) }
                stored.withdrawn = stored.withdrawn ?? now
                try await Self.table.write(stored, partition, [stored.id.description], in: &transaction)
                let entry = authority.entry(
                    "publishing.withdraw", permit,
                    details: ["publication": stored.id.description, "destination": stored.destination.description])
                try transaction.record(entry, in: authority.trail)
                return stored
            }
        }
        // It is withdrawn from here on, and recorded so, whether its bytes can be removed at once or not.
        do throws(StoreError) {
            try await withdrawn.content.delete(from: partition, of: store)
        } catch {
            throw PublishingError(error)
        }
        return Withdrawal(withdrawn.id, at: withdrawn.withdrawn ?? now)
    }

    /// A publication, as it is now. Throws ``PublishingError/Code/unknownPublication``.
    public func publication(
        _ id: Identifier<PublicationRecord>, in scope: Scope
    ) async throws(PublishingError) -> Publication {
        try await store.transaction { (transaction: inout Transaction<PublishingError>) throws(PublishingError) in
            try await Self.publication(id, Partition(scope), in: &transaction)
        }
    }

    /// The bytes of a publication, as they were published. Throws ``PublishingError/Code/withdrawn``.
    public func bytes(of publication: Publication, in scope: Scope) async throws(PublishingError) -> [UInt8] {
        let publication = try await self.publication(publication.id, in: scope)
        guard publication.withdrawn == nil else { throw PublishingError(.withdrawn) }
        do throws(StoreError) {
            return try await publication.content.read(from: Partition(scope), of: store)
        } catch {
            throw PublishingError(error)
        }
    }

    private static func publication(
        _ id: Identifier<PublicationRecord>, _ partition: Partition, in transaction: inout Transaction<PublishingError>
    ) async throws(PublishingError) -> Publication {
        guard let stored = try await table.read(partition, [id.description], in: &transaction) else {
            throw PublishingError(.unknownPublication)
        }
        return stored
    }

    /// Whether all that a recipe was let through by still counts.
    private func checkApprovals(
        of recipe: ScrubbedRecipe, _ partition: Partition, at now: Timestamp,
        in transaction: inout Transaction<PublishingError>
    ) async throws(PublishingError) {
        for fingerprint in recipe.approvals.sorted(by: { $0.description < $1.description }) {
            let ids = [recipe.destination.description, fingerprint.description]
            let approval = try await Self.approvalTable.read(partition, ids, in: &transaction)
            guard let approval, approval.expires > now else { throw PublishingError(.notApproved) }
        }
    }

    /// Checks the permit, does something, and records it as refused when it is.
    func acting<Act, Value>(
        _ action: String, _ permit: Permit<Act>, on resource: Resource,
        _ body: () async throws(PublishingError) -> Value
    ) async throws(PublishingError) -> Value {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: resource, in: permit.context.scope)
        } catch {
            throw PublishingError(error)
        }
        do throws(PublishingError) {
            return try await body()
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            do throws(StoreError) {
                try await authority.recordRefusal(of: action, permit, code: error.code.rawValue)
            } catch let failure {
                throw PublishingError(failure)
            }
            throw error
        }
    }
}
