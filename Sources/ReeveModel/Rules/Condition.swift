// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// When a rule speaks: an expression over named facts, evaluated with three truth values.
///
/// In JSON a condition is an object of one member: `{"fact":"user.mfa"}`, `{"known":"user.mfa"}`, `{"not":…}`,
/// `{"all":[…]}`, `{"any":[…]}` or `{"constant":"yes"}`. It has at most 32 levels and 1,000 parts.
public indirect enum Condition: Hashable, Sendable {
    /// Always this.
    case constant(Truth)
    /// The fact of this name; unknown when it is missing.
    case fact(Path)
    /// `yes` only when the fact of this name was stated as `yes`; else `no`.
    case known(Path)
    /// The opposite.
    case not(Condition)
    /// All of them; `yes` when there are none.
    case all([Condition])
    /// Any of them; `no` when there are none.
    case any([Condition])

    /// The most levels of a condition that is read.
    public static let maximumDepth = 32
    /// The most parts of a condition that is read.
    public static let maximumParts = 1000

    /// How the condition comes out under these facts. Total for every condition within the limits above: no facts throw.
    /// Complexity: O(parts).
    public func truth(under facts: [Path: Truth]) -> Truth {
        switch self {
        case .constant(let truth): truth
        case .fact(let name): facts[name] ?? .unknown
        case .known(let name): facts[name] == .yes ? .yes : .no
        case .not(let condition): condition.truth(under: facts).negated
        case .all(let conditions): conditions.reduce(.yes) { $0.and($1.truth(under: facts)) }
        case .any(let conditions): conditions.reduce(.no) { $0.or($1.truth(under: facts)) }
        }
    }

    /// The names of all facts that the condition looks at.
    public var facts: Set<Path> {
        switch self {
        case .constant: []
        case .fact(let name), .known(let name): [name]
        case .not(let condition): condition.facts
        case .all(let conditions), .any(let conditions): conditions.reduce(into: []) { $0.formUnion($1.facts) }
        }
    }

    /// Levels of nesting, from 1.
    public var depth: Int {
        switch self {
        case .constant, .fact, .known: 1
        case .not(let condition): condition.depth + 1
        case .all(let conditions), .any(let conditions): (conditions.map(\.depth).max() ?? 0) + 1
        }
    }

    private var parts: Int {
        switch self {
        case .constant, .fact, .known: 1
        case .not(let condition): condition.parts + 1
        case .all(let conditions), .any(let conditions): conditions.reduce(1) { $0 + $1.parts }
        }
    }
}

extension Condition: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case constant, fact, known, not, all, any
    }

    /// Reads an object of exactly one member, which is known.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func corrupted(_ why: String) -> DecodingError {
            DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: why))
        }
        // One that is not known must not be passed over, since it may narrow the condition.
        try decoder.refuseMembers(otherThan: Key.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            throw corrupted("a condition has exactly one member")
        }
        switch key {
        case .constant: self = .constant(try container.decode(Truth.self, forKey: key))
        case .fact: self = .fact(try container.decode(Path.self, forKey: key))
        case .known: self = .known(try container.decode(Path.self, forKey: key))
        case .not: self = .not(try container.decode(Condition.self, forKey: key))
        case .all: self = .all(try container.decode([Condition].self, forKey: key))
        case .any: self = .any(try container.decode([Condition].self, forKey: key))
        }
        guard depth <= Self.maximumDepth, parts <= Self.maximumParts else { throw corrupted("too large") }
    }

    /// Writes an object of one member; throws for a condition that is too large to be read back.
    public func encode(to encoder: any Encoder) throws {
        guard depth <= Self.maximumDepth, parts <= Self.maximumParts else {
            throw EncodingError.invalidValue(
                self,
                .init(codingPath: encoder.codingPath, debugDescription: "a condition of this size cannot be read back"))
        }
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .constant(let truth): try container.encode(truth, forKey: .constant)
        case .fact(let name): try container.encode(name, forKey: .fact)
        case .known(let name): try container.encode(name, forKey: .known)
        case .not(let condition): try container.encode(condition, forKey: .not)
        case .all(let conditions): try container.encode(conditions, forKey: .all)
        case .any(let conditions): try container.encode(conditions, forKey: .any)
        }
    }
}
