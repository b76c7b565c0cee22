// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where people reach the holder: in every notice, redirect and refusal (clause P16.1).
public struct ContactDirectory: Hashable, Sendable, Codable {
    /// For privacy: cookies, opt-outs, access, removal (clauses P2e.6, P8.4, P9.6).
    public let privacy: String
    /// For help, and for mail that asks for account information, which the holder never sends (clause P2a.8).
    public let help: String
    /// The postal address; requests under Californian law go to the legal department there (clause P13.2).
    public let postal: String
    /// Where requests under Californian law go in writing: by e-mail, and by post to the legal department (clause P13.2).
    public var california: [String] { [privacy, "Attn: Legal, \(postal)"] }
    /// For reports of weaknesses (clause S1.2).
    public let vulnerability: String?
    /// Where it says how the service is doing (clause S1.7).
    public let status: String?

    /// A directory.
    public init(privacy: String, help: String, postal: String, vulnerability: String? = nil, status: String? = nil) {
        self.privacy = privacy
        self.help = help
        self.postal = postal
        self.vulnerability = vulnerability
        self.status = status
    }

    /// What somebody is told who asked for something that is not done: the answer, and where to turn (clause P16.1).
    public func notice(of decision: UseDecision) -> String {
        "This is \(decision.isAllowed ? "" : "not ")done: \(decision). Questions: \(privacy), or by post: \(postal)"
    }

    /// Where to forward mail that asks for account information.
    public var phishing: String { help }
}
