// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel
public import ReeveStorage

/// A matter that needs the consent of several distinct persons: one digest, k of them, until a deadline, once.
///
/// Rooms use it for what one person must not do alone: break-glass access, destroying keys, recovering from escrow,
/// changing roles and rules.
public struct Quorum: Hashable, Sendable, Codable, Identifiable, RecordCodable {
    /// What is to be approved.
    public enum Matter: Hashable, Sendable, Codable {
        /// A change of the policy.
        case change(PolicyChange)
        /// A grant for an emergency, which ends by itself and raises an alarm.
        case breakGlass(Grant)
        /// Another room's act, by its name and the digest of exactly what it would do.
        case act(String, Digest)
    }

    /// The quorum's id.
    public let id: Identifier<Quorum>
    /// What is to be approved.
    public let matter: Matter
    /// The digest of the matter: what each approval is about.
    public let digest: Digest
    /// Where it takes effect.
    public let scope: Scope
    /// Who proposed it.
    public let proposer: ActContext.Actor
    /// Why.
    public let reason: String
    /// How many persons must approve.
    public let needed: Int
    /// The first instant at which it is too late.
    public let expires: Timestamp
    /// Who approved, and when.
    public internal(set) var approvals: [Approval]
    /// When it was used; `nil` while it was not.
    public internal(set) var used: Timestamp?

    /// One person's consent to the digest.
    public struct Approval: Hashable, Sendable, Codable {
        /// Who.
        public let person: ActContext.Actor
        /// When.
        public let at: Timestamp
    }

    /// Whether enough persons approved.
    public var isApproved: Bool { approvals.count >= needed }

    /// Who gains by the matter, and so cannot approve it.
    var beneficiary: Principal? {
        switch matter {
        case .breakGlass(let grant), .change(.grant(let grant)): grant.principal
        default: nil
        }
    }

    static func digest(of matter: Matter, in scope: Scope) throws(AccessError) -> Digest {
        var encoding = CanonicalBytes(label: "reeve/access/matter/1")
        encoding.add(Reach.scope(scope).description)
        do {
            switch matter {
            case .change(let change):
                encoding.add("change")
                encoding.add(try change.recordBytes(schema: 1))
            case .breakGlass(let grant):
                encoding.add("breakGlass")
                encoding.add(grant.recordBytes(schema: 1))
            case .act(let name, let digest):
                encoding.add("act")
                encoding.add(name)
                encoding.add(digest)
            }
            return try Digest(of: encoding)
        } catch {
            throw AccessError(.cryptoFailed)
        }
    }
}

extension Quorum: IdentifiedEntity {
    /// `quo`
    public static var identifierPrefix: String { "quo" }
}
