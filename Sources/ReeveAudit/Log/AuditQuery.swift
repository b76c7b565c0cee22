// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
public import ReeveStorage

/// Which entries of a log are wanted: all filters that are set must match. The newest come first, page by page.
public struct AuditQuery: Hashable, Sendable {
    /// The first instant.
    public var from: Timestamp?
    /// The first instant that is too late.
    public var until: Timestamp?
    /// Who acted.
    public var actor: ActContext.Actor?
    /// What was done: this action and all under it, so that `vault` takes `vault.credential.open`.
    public var action: String?
    /// What it was done to.
    public var resource: String?
    /// Where: entries of scopes that lie in it.
    public var environment: Environment?
    /// In which project.
    public var project: Identifier<Project>?
    /// How it ended.
    public var outcome: AuditEntry.Outcome?
    /// What ties several acts together.
    public var correlation: Identifier<Correlation>?
    /// Only entries before this index: where the page before ended.
    public var before: Int?
    /// At most so many entries; 1 to 10,000.
    public var limit = 1000
    /// Whether each entry comes with a proof that it is in the newest checkpoint's log.
    public var withProofs = false

    /// All entries.
    public init() {}

    /// A query of filters by name, as a user interface or an HTTP query has them: `from`, `until`, `actor`, `action`,
    /// `resource`, `environment`, `project`, `outcome`, `correlation`, `before`, `limit`. A name that is unknown and a value
    /// that is malformed are errors, so that no filter is passed over.
    public init(filters: [String: String]) throws(AuditError) {
        func read<Value: LosslessStringConvertible>(_ name: String, _ text: String) throws(AuditError) -> Value {
            guard let value = Value(text) else { throw AuditError(.unknownFilter, name) }
            return value
        }
        for (name, text) in filters {
            switch name {
            case "from": from = try read(name, text) as Timestamp
            case "until": until = try read(name, text) as Timestamp
            case "actor": actor = try read(name, text) as ActContext.Actor
            case "action": action = text
            case "resource": resource = text
            case "environment":
                guard let value = Environment(rawValue: text) else { throw AuditError(.unknownFilter, name) }
                environment = value
            case "project": project = try read(name, text) as Identifier<Project>
            case "outcome":
                guard let value = AuditEntry.Outcome(rawValue: text) else { throw AuditError(.unknownFilter, name) }
                outcome = value
            case "correlation": correlation = try read(name, text) as Identifier<Correlation>
            case "before": before = try read(name, text) as Int
            case "limit": limit = try read(name, text) as Int
            default: throw AuditError(.unknownFilter, String(name.prefix(40)))
            }
        }
    }

    func matches(_ entry: AuditEntry) -> Bool {
        if let from, entry.at < from { return false }
        if let until, entry.at >= until { return false }
        if let actor, !entry.context.actor.description.isIdentical(to: actor.description) { return false }
        if let action {
            let rest = entry.action.utf8.dropFirst(action.utf8.count)
            guard entry.action.utf8.starts(with: action.utf8), rest.isEmpty || rest.first == UInt8(ascii: ".") else {
                return false
            }
        }
        if let resource, !entry.resource.isIdentical(to: resource) { return false }
        if let environment, entry.context.scope.environment != environment { return false }
        if let project, entry.context.scope.project != project { return false }
        if let outcome, entry.outcome != outcome { return false }
        if let correlation, entry.context.correlation != correlation { return false }
        return true
    }

    /// Whether a gap can be among what is wanted: one says of no filter whether it matches.
    var takesGaps: Bool { self == AuditQuery().with(before: before, limit: limit, proofs: withProofs) }

    private func with(before: Int?, limit: Int, proofs: Bool) -> AuditQuery {
        var copy = self
        (copy.before, copy.limit, copy.withProofs) = (before, limit, proofs)
        return copy
    }
}

/// A page of a log.
public struct AuditPage: Sendable {
    /// Entries and gaps by index, the oldest of the page first.
    public internal(set) var entries: [SequencedEntry] = []
    /// Entries that match and are not sequenced yet, by time; on a first page only.
    public internal(set) var pending: [AuditEntry] = []
    /// The index to go on before; `nil` at the log's beginning.
    public internal(set) var next: Int?
    /// The newest signed checkpoint; `nil` before the first.
    public internal(set) var checkpoint: SignedNote?
    /// A proof for each entry that the checkpoint covers, by index; empty unless asked for.
    public internal(set) var proofs: [Int: InclusionProof] = [:]
}
