// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Who can be given a role: a person, a rule, the host's own code, or the jobs that run in a scope.
///
/// Its text, also in JSON, is that of the actor, or `jobs`.
public enum Principal: Hashable, Sendable, TextCodable, Comparable {
    /// A person, by the host's id.
    case person(Identifier<User>)
    /// All runs of recipes.
    case jobs
    /// A rule that the host configured, by name.
    case rule(String)
    /// The host's own code, by a name that the host chose.
    case host(String)

    /// The principal that an actor acts as: every job is one of ``jobs``.
    public init(_ actor: ActContext.Actor) {
        switch actor {
        case .person(let id): self = .person(id)
        case .job: self = .jobs
        case .rule(let name): self = .rule(name)
        case .host(let name): self = .host(name)
        }
    }

    /// The text.
    public var description: String {
        switch self {
        case .person(let id): "person:\(id)"
        case .jobs: "jobs"
        case .rule(let name): "rule:\(name)"
        case .host(let name): "host:\(name)"
        }
    }

    /// Reads the text.
    public init?(_ text: String) {
        if text == "jobs" {
            self = .jobs
        } else if let actor = ActContext.Actor(text) {
            if case .job = actor { return nil }
            self.init(actor)
        } else {
            return nil
        }
    }

    /// Whether both are the same, names by their bytes.
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.person(let left), .person(let right)): left == right
        case (.jobs, .jobs): true
        case (.rule(let left), .rule(let right)), (.host(let left), .host(let right)): left.isIdentical(to: right)
        default: false
        }
    }

    /// Hashes the kind and the id or the name's bytes.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .person(let id):
            hasher.combine(id.high)
            hasher.combine(id.low)
        case .jobs: hasher.combine(1)
        case .rule(let name):
            hasher.combine(2)
            name.utf8.forEach { hasher.combine($0) }
        case .host(let name):
            hasher.combine(3)
            name.utf8.forEach { hasher.combine($0) }
        }
    }

    /// Orders by the text.
    public static func < (left: Self, right: Self) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}
