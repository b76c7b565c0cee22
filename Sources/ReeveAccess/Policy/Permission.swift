// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a decision is about, for example `credential.open`: a dotted path.
public struct Permission: Hashable, Sendable, Comparable, TextCodable {
    /// The dotted path.
    public let path: Path
    /// The dotted path's text.
    public let description: String

    /// Reads a dotted path.
    public init?(_ text: String) {
        guard let path = Path(text) else { return nil }
        self.path = path
        description = text
    }

    /// Whether both are the same path.
    public static func == (left: Self, right: Self) -> Bool { left.description == right.description }
    /// Hashes the path.
    public func hash(into hasher: inout Hasher) { hasher.combine(path) }
    /// Orders by the path.
    public static func < (left: Self, right: Self) -> Bool { left.path < right.path }
}

/// A permission that a policy knows, and what kind of thing it allows.
public struct PermissionDefinition: Hashable, Sendable, Codable {
    /// Which roles may hold a permission.
    public enum Level: String, Hashable, Sendable, Codable, CaseIterable {
        /// Roles of an environment: settings, members, keys, logs.
        case environment
        /// Roles of a project: recipes, connections, data. An environment role cannot hold it.
        case content
        /// Both.
        case shared
    }

    /// The permission.
    public var permission: Permission
    /// Which roles may hold it.
    public var level: Level
    /// Whether it changes nothing and opens no secret: only such permissions reach across workspaces.
    public var isReadOnly: Bool
    /// Whether it has to be given by name: cloning a role leaves it out.
    public var isSensitive: Bool

    /// A definition.
    public init(_ permission: Permission, _ level: Level, isReadOnly: Bool = false, isSensitive: Bool = false) {
        self.permission = permission
        self.level = level
        self.isReadOnly = isReadOnly
        self.isSensitive = isSensitive
    }
}
