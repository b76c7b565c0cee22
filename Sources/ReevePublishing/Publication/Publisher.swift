// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// A published recipe, as the library keeps it.
public struct Publication: Hashable, Sendable, Codable, RecordCodable {
    /// The publication's id.
    public let id: Identifier<PublicationRecord>
    /// When it was published.
    public let at: Timestamp
    /// Where.
    public let destination: Destination
    /// The digest of the published bytes.
    public let digest: Digest
    let content: Blob
}

/// The door to the outside: publishes exactly the bytes that its own scrubber proved.
///
/// All calls may be made concurrently.
public struct Publisher: Sendable {
    /// The scrubber whose proofs this publisher takes.
    public let scrubber: Scrubber
    private let store: any Store
    private let authority: AccessAuthority
    private static let table = Table<Publication>("publishing.publication")

    /// A publisher over the authority's store that takes its permits.
    public init(authority: AccessAuthority, limits: JSONTokens.Limits = .init()) {
        store = authority.store
        self.authority = authority
        scrubber = Scrubber(limits: limits, time: authority.time)
    }

    /// Publishes a scrubbed recipe's bytes to its destination; leaves one audit entry.
    ///
    /// The permit must be for the recipe of exactly these bytes: `.recipe(scrubbed.digest)`.
    public func publish(
        _ recipe: ScrubbedRecipe, to destination: Destination, _ permit: Permit<PublishRecipe>
    ) async throws(PublishingError) -> Publication {
        let action = "publishing.publish"
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: .recipe(recipe.digest), in: permit.context.scope)
        } catch {
            throw PublishingError(error)
        }
        let (now, partition) = (authority.time.now, Partition(permit.context.scope))
        do throws(PublishingError) {
            if let code = scrubber.refusal(of: recipe, for: destination) { throw PublishingError(code) }
            let content: Blob
            do throws(StoreError) {
                content = try await Blob.write(recipe.bytes, in: partition, of: store, at: now)
            } catch {
                throw PublishingError(error)
            }
            let publication = Publication(
                id: Identifier(at: now), at: now, destination: destination, digest: recipe.digest, content: content)
            do throws(PublishingError) {
                try await store.transaction {
                    (transaction: inout Transaction<PublishingError>) throws(PublishingError) in
                    try Self.table.insert(publication, partition, [publication.id.description], in: &transaction)
                    let details = [
                        "publication": publication.id.description, "destination": destination.description,
                        "rules": String(recipe.rulesVersion), "input": recipe.inputDigest.description,
                    ]
                    let entry = authority.entry(action, permit, details: details)
                    try transaction.record(entry, in: authority.trail)
                }
            } catch {
                if error.store != .outcomeUnknown { try? await content.delete(from: partition, of: store) }
                throw error
            }
            return publication
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

    /// The bytes of a publication, as they were published.
    public func bytes(of publication: Publication, in scope: Scope) async throws(PublishingError) -> [UInt8] {
        do throws(StoreError) {
            return try await publication.content.read(from: Partition(scope), of: store)
        } catch {
            throw PublishingError(error)
        }
    }
}
