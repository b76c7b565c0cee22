// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A person who uses the platform. Reeve stores no users: the host passes ids and facts in.
public struct User: Hashable, Sendable, Codable, Identifiable {
    /// The user's id.
    public let id: Identifier<User>

    /// A user by id.
    public init(id: Identifier<User>) {
        self.id = id
    }
}

/// That a user belongs to a workspace.
public struct Membership: Hashable, Sendable, Codable {
    /// The member.
    public let user: Identifier<User>
    /// The workspace.
    public let workspace: Identifier<Workspace>

    /// The membership of a user in a workspace.
    public init(user: Identifier<User>, workspace: Identifier<Workspace>) {
        self.user = user
        self.workspace = workspace
    }
}
