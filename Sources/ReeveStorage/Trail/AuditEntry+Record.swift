// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

extension AuditEntry: JSONRecord {
    /// Writes the entry's fields; the same JSON as by `Codable`.
    public func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("action", action)
            writer.field("at", at)
            if let commitments { writer.field("commitments", commitments.mapValues(\.description)) }
            writer.name("context")
            writer.context(context)
            writer.field("decision", decision)
            writer.field("details", details)
            writer.field("id", id)
            writer.field("outcome", outcome.rawValue)
            writer.field("policy", policy)
            writer.field("refusal", refusal)
            writer.field("resource", resource)
        }
    }

    /// Reads the entry's fields.
    public init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let action = try reader.text("action")
            let at = try reader.text("at", as: Timestamp.self)
            var commitments: [String: Digest]?
            if reader.hasField("commitments") {
                commitments = try reader.dictionary { (reader) throws(JSONError) in try reader.text(as: Digest.self) }
            }
            try reader.name("context")
            let context = try reader.context()
            let decision = try reader.optionalText("decision", as: Identifier<DecisionRecord>.self)
            try reader.name("details")
            let details = try reader.dictionary { (reader) throws(JSONError) in try reader.text() }
            let id = try reader.text("id", as: Identifier<AuditRecord>.self)
            let outcome = try reader.choice("outcome", as: Outcome.self)
            let policy = try reader.optionalText("policy", as: Digest.self)
            let refusal = try reader.optionalText("refusal", as: String.self)
            let resource = try reader.text("resource")
            // An entry that waits has its seal behind it.
            if reader.hasField("seal") { _ = try reader.byteString() }
            return AuditEntry(
                id: id, at: at, context: context, action: action, resource: resource, outcome: outcome,
                refusal: refusal, decision: decision, policy: policy, details: details, commitments: commitments)
        }
    }
}

extension JSONWriter {
    /// Writes who acted, where and why; the same JSON as by `Codable`.
    package mutating func context(_ context: ActContext) {
        object { writer in
            writer.field("actor", context.actor)
            writer.field("correlation", context.correlation)
            writer.field("origin", context.origin.rawValue)
            writer.field("reason", context.reason)
            writer.name("scope")
            writer.scope(context.scope)
        }
    }

    /// Writes a scope; the same JSON as by `Codable`.
    package mutating func scope(_ scope: Scope) {
        object { writer in
            writer.field("environment", scope.environment?.rawValue)
            writer.field("project", scope.project)
            writer.field("workspace", scope.workspace)
        }
    }
}

extension JSONReader {
    /// Reads who acted, where and why.
    package mutating func context() throws(JSONError) -> ActContext {
        try object { (reader) throws(JSONError) in
            let actor = try reader.text("actor", as: ActContext.Actor.self)
            let correlation = try reader.optionalText("correlation", as: Identifier<Correlation>.self)
            let origin = try reader.choice("origin", as: ActContext.Origin.self)
            let reason = try reader.optionalText("reason", as: String.self)
            try reader.name("scope")
            return ActContext(
                actor: actor, scope: try reader.scope(), origin: origin, correlation: correlation, reason: reason)
        }
    }

    /// Reads a scope.
    package mutating func scope() throws(JSONError) -> Scope {
        try object { (reader) throws(JSONError) in
            let environment =
                reader.hasField("environment") ? try reader.choice(as: Environment.self) : nil
            let project = try reader.optionalText("project", as: Identifier<Project>.self)
            guard let workspace = try reader.optionalText("workspace", as: Identifier<Workspace>.self) else {
                guard environment == nil, project == nil else { throw reader.unexpected() }
                return .platform
            }
            return Scope(workspace, environment, project: project)
        }
    }
}
