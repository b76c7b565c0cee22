// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Where a grant or a rule takes effect: in a scope and all that lies in it, or in every workspace.
///
/// Its text, also in JSON, is `platform`, `workspaces`, or the workspace, environment and project with slashes between,
/// `*` for all of them: `ws_…/production`, `ws_…/*/proj_…`.
public enum Reach: Hashable, Sendable, TextCodable {
    /// A scope, and all that lies in it. `Scope.platform` holds nothing but itself.
    case scope(Scope)
    /// Every workspace, those of the future too, but not the platform itself.
    case everyWorkspace

    /// Whether all of a scope lies in this reach.
    public func contains(_ scope: Scope) -> Bool {
        switch self {
        case .everyWorkspace: return scope.workspace != nil
        case .scope(let own):
            guard own.workspace == scope.workspace else { return false }
            return (own.environment == nil || own.environment == scope.environment)
                && (own.project == nil || own.project == scope.project)
        }
    }

    /// Whether some of a scope lies in this reach.
    public func overlaps(_ scope: Scope) -> Bool {
        switch self {
        case .everyWorkspace: return scope.workspace != nil
        case .scope(let own):
            guard own.workspace == scope.workspace else { return false }
            return (own.environment == nil || scope.environment == nil || own.environment == scope.environment)
                && (own.project == nil || scope.project == nil || own.project == scope.project)
        }
    }

    /// Whether all of another reach lies in this one.
    public func contains(_ other: Reach) -> Bool {
        switch other {
        case .scope(let scope): contains(scope)
        case .everyWorkspace: self == .everyWorkspace
        }
    }

    /// The scope that decides about this reach: the platform for every workspace.
    public var scope: Scope {
        switch self {
        case .scope(let scope): scope
        case .everyWorkspace: .platform
        }
    }

    /// The text.
    public var description: String {
        guard case .scope(let scope) = self else { return "workspaces" }
        guard let workspace = scope.workspace else { return "platform" }
        var parts = [workspace.description]
        if scope.environment != nil || scope.project != nil { parts.append(scope.environment?.rawValue ?? "*") }
        if let project = scope.project { parts.append(project.description) }
        return parts.joined(separator: "/")
    }

    /// Reads the text.
    public init?(_ text: String) {
        switch text {
        case "workspaces": self = .everyWorkspace
        case "platform": self = .scope(.platform)
        default:
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard (1...3).contains(parts.count), let workspace = Identifier<Workspace>(parts[0]) else { return nil }
            var environment: Environment?
            if parts.count > 1, parts[1] != "*" || parts.count == 2 {
                guard let named = Environment(rawValue: parts[1]) else { return nil }
                environment = named
            }
            var project: Identifier<Project>?
            if parts.count == 3 {
                guard let named = Identifier<Project>(parts[2]) else { return nil }
                project = named
            }
            self = .scope(Scope(workspace, environment, project: project))
        }
    }
}
