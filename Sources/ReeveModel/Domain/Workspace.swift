// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A company's place to build and run recipes: the unit of isolation for keys, records and logs.
public struct Workspace: Hashable, Sendable, Codable, Identifiable {
    /// The workspace's id.
    public let id: Identifier<Workspace>
    /// The company that it belongs to.
    public var company: Identifier<Company>
    /// The region that its data stays in.
    public var region: Region

    /// A workspace of a company in a region.
    public init(id: Identifier<Workspace>, company: Identifier<Company>, region: Region) {
        self.id = id
        self.company = company
        self.region = region
    }
}

/// A part of a workspace that groups recipes and connections.
public struct Project: Hashable, Sendable, Codable, Identifiable {
    /// The project's id.
    public let id: Identifier<Project>
    /// The workspace that it belongs to.
    public var workspace: Identifier<Workspace>

    /// A project in a workspace.
    public init(id: Identifier<Project>, workspace: Identifier<Workspace>) {
        self.id = id
        self.workspace = workspace
    }
}

/// The three separated environments of a workspace (clause S1.3), in the order of promotion.
public enum Environment: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// Where recipes are built.
    case development
    /// Where recipes are tried.
    case test
    /// Where recipes run for real.
    case production

    /// Development before test before production.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .development: 0
        case .test: 1
        case .production: 2
        }
    }
}

/// A data region, named by the host, for example `us` or `eu`.
public struct Region: Hashable, Sendable, TextCodable {
    /// The region's code: 1 to 32 lower-case letters, digits and hyphens.
    public let description: String

    /// A region by its code; `nil` for any other spelling.
    public init?(_ code: String) {
        let allowed = code.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard (1...32).contains(code.utf8.count), allowed else { return nil }
        description = code
    }
}
