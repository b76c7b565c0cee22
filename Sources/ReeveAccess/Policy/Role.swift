// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A role's name: 1 to 64 ASCII letters, digits, `_`, `-` and dots.
public struct RoleName: Hashable, Sendable, Comparable, TextCodable, ExpressibleByStringLiteral {
    /// The name.
    public let description: String

    /// Reads a name; `nil` for another spelling.
    public init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        description = text
    }

    /// A name from a literal. One of another spelling is a defect of the policy that uses it.
    public init(stringLiteral text: String) {
        description = text
    }

    var isValid: Bool { Self.isValid(description) }

    private static func isValid(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (97...122).contains($0) || (65...90).contains($0) || (45...46).contains($0) || (48...57).contains($0)
                    || $0 == 95
            }
    }

    /// Orders by the bytes.
    public static func < (left: Self, right: Self) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

/// A named set of permissions.
public struct Role: Hashable, Sendable, Codable {
    /// What a role is for.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Running an environment or a workspace: it gives nothing of a project's content.
        case environment
        /// Working in projects.
        case project
    }

    /// The role's name.
    public var name: RoleName
    /// What it is for.
    public var kind: Kind
    /// What it allows beside what it inherits.
    public var permissions: Set<Permission>
    /// The roles whose permissions it also has.
    public var inherits: Set<RoleName>

    /// A role.
    public init(_ name: RoleName, _ kind: Kind, _ permissions: Set<Permission>, inherits: Set<RoleName> = []) {
        self.name = name
        self.kind = kind
        self.permissions = permissions
        self.inherits = inherits
    }

    private enum CodingKeys: String, CodingKey { case name, kind, permissions, inherits }

    /// Writes sets in order, so that equal roles have equal bytes.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
        try container.encode(permissions.sorted(), forKey: .permissions)
        try container.encode(inherits.sorted(), forKey: .inherits)
    }
}
