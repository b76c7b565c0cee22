// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A cookie that the service sets: what it is for and how long it lasts (clauses P2e.1 to P2e.6).
public struct CookieSpec: Hashable, Sendable, Codable {
    /// How long it lasts.
    public enum Lifetime: Hashable, Sendable, Codable {
        /// Until the browser is closed.
        case session
        /// So many days, 1 to 400.
        case persistent(days: Int)
    }

    /// Its name, as it is sent: a token (RFC 6265 §4.1.1) of 1 to 128 characters.
    public let name: String
    /// What it is for, as visitors read it.
    public let description: String
    /// What it is for.
    public let purpose: Purpose
    /// How long it lasts.
    public let lifetime: Lifetime
    /// Whether the service that a visitor asked for does not work without it.
    public let isEssential: Bool
    /// What its value holds besides being a cookie.
    public let categories: Set<DataCategory>

    /// A cookie.
    public init(
        _ name: String, description: String, for purpose: Purpose, lifetime: Lifetime, isEssential: Bool,
        holding categories: Set<DataCategory> = []
    ) {
        self.name = name
        self.description = description
        self.purpose = purpose
        self.lifetime = lifetime
        self.isEssential = isEssential
        self.categories = categories
    }

    /// All defects, each as a line: nothing personal stands in a cookie (clause P2e.2).
    public var defects: [String] {
        var lines: [String] = []
        let isToken = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
        if !(1...128).contains(name.utf8.count) || !isToken {
            lines.append("the name of a cookie is a token of 1 to 128 characters")
        }
        if case .persistent(let days) = lifetime, !(1...400).contains(days) {
            lines.append("cookie `\(name)` must last 1 to 400 days")
        }
        if isEssential, purpose.path.elements[0] == "marketing" {
            lines.append("cookie `\(name)` is for marketing, which is not essential")
        }
        for category in categories.sorted(by: { $0.path < $1.path })
        where !["device", "telemetry"].contains(category.path.elements[0]) {
            lines.append("cookie `\(name)` would hold `\(category)`, which is personal")
        }
        return lines
    }

    /// The request to set it for a visitor.
    public func request(for subject: SubjectFacts, on day: CivilDay) -> UseRequest {
        UseRequest(
            .storeOnDevice,
            .pseudonymous(categories.union([DataCategory(literal: "device.cookie")]), from: [.deviceAssigned]),
            for: purpose, as: .controller, about: subject, on: day,
            facts: [Path(literal: "cookie.isEssential"): Truth(isEssential)])
    }
}

/// All cookies that the service sets. What is not on it is not set.
public struct CookieRegister: Hashable, Sendable, Codable {
    /// The cookies, by name.
    public private(set) var cookies: [CookieSpec]

    /// A register; throws all defects of all cookies at once, and names that are there twice.
    public init(_ cookies: [CookieSpec]) throws(PrivacyDefects) {
        var lines = cookies.flatMap(\.defects)
        let counts = Dictionary(cookies.map { ($0.name, 1) }, uniquingKeysWith: +)
        for name in counts.filter({ $0.value > 1 }).keys.sorted() {
            lines.append("cookie `\(name)` is there twice")
        }
        guard lines.isEmpty else { throw PrivacyDefects(lines: lines) }
        self.cookies = cookies.sorted { $0.name < $1.name }
    }

    /// Reads cookies without a defect.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let cookies = try container.decode([CookieSpec].self)
        do throws(PrivacyDefects) {
            try self.init(cookies)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    /// Writes the cookies.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(cookies)
    }

    /// A cookie by its name.
    public subscript(name: String) -> CookieSpec? { cookies.first { $0.name == name } }

    /// What whoever asks about cookies is given: one line each, tab-separated: name, how long it lasts, purpose, whether it is essential, description
    /// (clause P2e.6).
    public func export() -> String {
        let lines = cookies.map { cookie in
            let lifetime =
                switch cookie.lifetime {
                case .session: "session"
                case .persistent(let days): "\(days) days"
                }
            let description = String(cookie.description.map { $0.isNewline || $0 == "\t" ? " " : $0 })
            return [
                cookie.name, lifetime, cookie.purpose.description, cookie.isEssential ? "essential" : "optional",
                description,
            ]
            .joined(separator: "\t")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
