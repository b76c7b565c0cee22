// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What an act is done to, exactly: a kind and an id.
public struct Resource: Hashable, Sendable, CustomStringConvertible {
    /// The id's text with its kind's prefix, or `kind:id` for what has no identifier.
    public let description: String

    /// Whether both are the same bytes.
    public static func == (left: Self, right: Self) -> Bool { left.description.isIdentical(to: right.description) }
    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) { description.utf8.forEach { hasher.combine($0) } }

    /// The resource with an identifier.
    public init(_ id: Identifier<some IdentifiedEntity>) {
        description = id.description
    }

    /// A resource named by kind and text, for what has no identifier, such as a digest.
    public init(kind: StaticString, _ id: String) {
        description = "\(kind):\(id)"
    }

    /// A connection's credential.
    public static func credential(of connection: Identifier<Connection>) -> Resource { Resource(connection) }
    /// A company's plan.
    public static func plan(of company: Identifier<Company>) -> Resource { Resource(company) }
    /// The platform's catalogue of plans.
    public static var catalogue: Resource { Resource(kind: "catalogue", "plans") }
    /// A recipe with exactly these bytes.
    public static func recipe(_ digest: Digest) -> Resource { Resource(kind: "recipe", digest.description) }
    /// A registered piece of personal data.
    public static func record(_ id: Identifier<DataRecord>) -> Resource { Resource(id) }
    /// A change of recipes that goes through the environments.
    public static func change(_ id: Identifier<ChangeRecord>) -> Resource { Resource(id) }
    /// A matter that several persons approve.
    public static func quorum(_ id: Identifier<Quorum>) -> Resource { Resource(id) }
    /// Who may do what in a scope.
    public static func access(in scope: Scope) -> Resource {
        Resource(kind: "access", Reach.scope(scope).description)
    }
    /// The audit log of a workspace, or of the platform.
    public static func log(of scope: Scope) -> Resource {
        Resource(kind: "log", scope.workspace.map(\.description) ?? "platform")
    }
}

/// Names one change of recipes that is written, approved and deployed. Prefix `chg`.
public enum ChangeRecord: IdentifiedEntity {
    /// `chg`
    public static var identifierPrefix: String { "chg" }
}
