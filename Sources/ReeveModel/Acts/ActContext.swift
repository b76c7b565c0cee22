// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Who does something, where and why: what an audit entry says about an act beside the act itself.
public struct ActContext: Hashable, Sendable, Codable {
    /// Who acts. Its text, also in JSON, is `person:`, `job:`, `rule:` or `host:` and then the id or name.
    public enum Actor: Hashable, Sendable, TextCodable {
        /// A person, by the host's id.
        case person(Identifier<User>)
        /// A run of a recipe.
        case job(Identifier<Job>)
        /// A rule that the host configured, by the rule's name: nobody in person (clause S4.2).
        case rule(String)
        /// The host's own code, by a name that the host chose.
        case host(String)
    }

    /// Where the call came from.
    public enum Origin: String, Hashable, Sendable, Codable {
        /// A person at a user interface.
        case userInterface
        /// A call of an interface for programs.
        case api
        /// A run of a recipe.
        case job
        /// Background work of the host or of Reeve.
        case background
    }

    /// Who acts.
    public var actor: Actor
    /// Where the act takes effect.
    public var scope: Scope
    /// Where the call came from.
    public var origin: Origin
    /// What ties several acts together; `nil` when the act stands alone.
    public var correlation: Identifier<Correlation>?
    /// The reason that the actor gave; it is kept in the audit trail, so it must hold no personal data.
    public var reason: String?

    /// An act's context.
    public init(
        actor: Actor, scope: Scope, origin: Origin = .api, correlation: Identifier<Correlation>? = nil,
        reason: String? = nil
    ) {
        self.actor = actor
        self.scope = scope
        self.origin = origin
        self.correlation = correlation
        self.reason = reason
    }
}

extension ActContext.Actor {
    /// The kind and the id or name.
    public var description: String {
        switch self {
        case .person(let id): "person:\(id)"
        case .job(let id): "job:\(id)"
        case .rule(let name): "rule:\(name)"
        case .host(let name): "host:\(name)"
        }
    }

    /// Reads what `description` writes.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let rest = text[bytes.index(after: colon)...]
        switch text[..<colon] {
        case "person":
            guard let id = Identifier<User>(utf8: Array(rest.utf8)[...]) else { return nil }
            self = .person(id)
        case "job":
            guard let id = Identifier<Job>(utf8: Array(rest.utf8)[...]) else { return nil }
            self = .job(id)
        case "rule": self = .rule(String(rest))
        case "host": self = .host(String(rest))
        default: return nil
        }
    }
}
