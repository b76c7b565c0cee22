// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where something happens: in a workspace, one of its environments, or one of its projects in an environment.
///
/// A scope without a workspace is the platform itself.
public struct Scope: Hashable, Sendable, Codable {
    /// The workspace; `nil` for the platform.
    public let workspace: Identifier<Workspace>?
    /// The environment; `nil` for all of the workspace's.
    public let environment: Environment?
    /// The project; `nil` for all of the environment's.
    public let project: Identifier<Project>?

    /// The platform itself, above all workspaces.
    public static let platform = Scope(workspace: nil, environment: nil, project: nil)

    /// A workspace, or a part of it.
    public init(
        _ workspace: Identifier<Workspace>, _ environment: Environment? = nil, project: Identifier<Project>? = nil
    ) {
        self.init(workspace: workspace, environment: environment, project: project)
    }

    private init(workspace: Identifier<Workspace>?, environment: Environment?, project: Identifier<Project>?) {
        self.workspace = workspace
        self.environment = environment
        self.project = project
    }
}
