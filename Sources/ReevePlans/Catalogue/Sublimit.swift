// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A limit within the company's, for the jobs of an environment, of a workspace, or of an environment of a workspace.
///
/// A job that several are for must fit in each of them, and in the company's own limit, which all of its workspaces share. A sublimit
/// sets nothing aside: what it leaves is for everybody.
public struct Sublimit: Hashable, Sendable, Codable {
    /// Tasks in one period; 0 to 10^12.
    public var tasksPerPeriod: Int
    /// For jobs in this environment; `nil` for all of them.
    public var environment: Environment?
    /// For jobs of this workspace; `nil` for all of the company's.
    public var workspace: Identifier<Workspace>?

    /// A limit for the jobs of an environment, and of a workspace if one is given.
    public init(_ environment: Environment, of workspace: Identifier<Workspace>? = nil, tasksPerPeriod: Int) {
        self.tasksPerPeriod = tasksPerPeriod
        self.environment = environment
        self.workspace = workspace
    }

    /// A limit for all jobs of a workspace.
    public init(_ workspace: Identifier<Workspace>, tasksPerPeriod: Int) {
        self.tasksPerPeriod = tasksPerPeriod
        self.workspace = workspace
    }

    var jobs: SublimitJobs { SublimitJobs(environment: environment, workspace: workspace) }
}

/// Which jobs a sublimit is for. Its text is the environment, the workspace, or `workspace/environment`.
package struct SublimitJobs: Hashable, Sendable, TextCodable {
    let environment: Environment?
    let workspace: Identifier<Workspace>?

    package init(environment: Environment?, workspace: Identifier<Workspace>? = nil) {
        self.environment = environment
        self.workspace = workspace
    }

    package var description: String {
        [workspace?.description, environment?.rawValue].compactMap(\.self).joined(separator: "/")
    }

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let last = parts.last else { return nil }
        environment = Environment(rawValue: String(last))
        workspace = parts.count == 2 || environment == nil ? Identifier(String(parts[0])) : nil
        guard parts.count == 2 ? environment != nil && workspace != nil : environment != nil || workspace != nil else {
            return nil
        }
    }
}

/// The sublimits of a company, and which of them a job must fit in.
struct Sublimits: Hashable {
    let all: [Sublimit]
    /// Environments whose jobs are told from others.
    let environments: EnvironmentSet
    /// Whether jobs of some workspaces are told from others.
    let tellsWorkspaces: Bool

    static let none = Sublimits([])
    /// At most so many in a plan or package.
    static let maximumCount = 32

    init(_ all: [Sublimit]) {
        self.all = all
        environments = EnvironmentSet(Set(all.compactMap(\.environment)))
        tellsWorkspaces = all.contains { $0.workspace != nil }
    }

    /// The tasks of each.
    var limits: [SublimitJobs: Int64] {
        Dictionary(all.map { ($0.jobs, Int64($0.tasksPerPeriod)) }) { min($0, $1) }
    }

    /// How many kinds of jobs they tell apart at most.
    var kinds: Int {
        (1 + Set(all.compactMap(\.environment)).count) * (1 + Set(all.compactMap(\.workspace)).count)
    }

    /// Those that jobs in a scope must fit in.
    func lane(of scope: Scope) -> Lane {
        Lane(
            sublimits: all.map(\.jobs).filter { jobs in
                (jobs.environment == nil || jobs.environment == scope.environment)
                    && (jobs.workspace == nil || jobs.workspace == scope.workspace)
            })
    }

    static func defects(_ sublimits: [Sublimit]) -> [String] {
        var defects: [String] = []
        if sublimits.count > maximumCount { defects.append("there may be \(maximumCount) sublimits") }
        if !sublimits.allSatisfy({ PlanRoom.isCount($0.tasksPerPeriod) }) {
            defects.append("counts of tasks must be 0 to 10^12")
        }
        if !sublimits.allSatisfy({ $0.environment != nil || $0.workspace != nil }) {
            defects.append("a sublimit is for an environment, a workspace, or both")
        }
        if Set(sublimits.map(\.jobs)).count < sublimits.count {
            defects.append("there may be one sublimit for the same jobs")
        }
        return defects
    }
}

/// Jobs that must fit in the same sublimits: their tasks are held together, and apart from those of others.
struct Lane: Hashable {
    let sublimits: [SublimitJobs]

    init(sublimits: [SublimitJobs]) { self.sublimits = sublimits }

    /// Of jobs that must fit in no sublimit.
    static let common = Lane(sublimits: [])
}
