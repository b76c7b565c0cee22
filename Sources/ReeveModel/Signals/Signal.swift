// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What happened inside a room, for operators: a name, how long it took, how it ended, and ids. No free text, so no
/// secret and no personal value can enter one.
public struct Signal: Hashable, Sendable {
    /// What a signal is about. Names are literals of the program, lower-case and dotted, such as `vault.open`.
    public struct Name: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
        /// The name.
        public let description: String

        /// A name from a literal.
        public init(_ name: StaticString) {
            description = name.description
        }

        /// A name from a literal.
        public init(stringLiteral name: StaticString) {
            description = name.description
        }
    }

    /// How it ended.
    public enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// It was done.
        case success
        /// A rule said no.
        case refused
        /// Something broke.
        case failed
    }

    /// What it is about.
    public var name: Name
    /// How it ended.
    public var outcome: Outcome
    /// How long it took; `nil` for what takes no time.
    public var duration: Duration?
    /// How many things it was about, such as records of a sweep; 0 or more.
    public var count: Int
    /// The code of the error or refusal, a literal of the program.
    public var code: Name?
    /// The workspace; `nil` for the platform.
    public var workspace: Identifier<Workspace>?
    /// What ties it to other signals and audit entries.
    public var correlation: Identifier<Correlation>?

    /// A signal.
    public init(
        _ name: Name, _ outcome: Outcome = .success, duration: Duration? = nil, count: Int = 1, code: Name? = nil,
        workspace: Identifier<Workspace>? = nil, correlation: Identifier<Correlation>? = nil
    ) {
        self.name = name
        self.outcome = outcome
        self.duration = duration
        self.count = count
        self.code = code
        self.workspace = workspace
        self.correlation = correlation
    }
}

/// Takes signals to where operators look: logs, metrics, traces. Called on the path of the work, so it returns at once
/// and never throws. Calls may come concurrently.
public protocol SignalHandler: Sendable {
    /// Takes a signal.
    func handle(_ signal: Signal)
}

/// A handler that drops every signal: the default.
public struct NoSignals: SignalHandler {
    /// A handler that does nothing.
    public init() {}
    /// Drops the signal.
    public func handle(_ signal: Signal) {}
}
