// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Something by which the service knows a visitor or a device again, or sees what they do: a cookie, a log, a beacon or a device's identifier (clauses P2d.1
/// to P2g.4).
public struct Tracker: Hashable, Sendable, Codable {
    /// The kinds.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// A cookie, which is written to the visitor's own device.
        case cookie
        /// A log of the service's own.
        case log
        /// A picture or a link that tells when it is loaded.
        case beacon
        /// An identifier of a phone or another device.
        case deviceIdentifier

        /// The category of data that it is.
        var category: DataCategory {
            switch self {
            case .cookie: DataCategory(literal: "device.cookie")
            case .log: DataCategory(literal: "log")
            case .beacon: DataCategory(literal: "beacon")
            case .deviceIdentifier: DataCategory(literal: "device.identifier")
            }
        }

        /// What it may hold: what begins with these words.
        var mayHold: Set<String> {
            switch self {
            case .cookie, .deviceIdentifier: ["device", "telemetry"]
            case .log: ["log", "telemetry"]
            case .beacon: ["beacon", "telemetry"]
            }
        }
    }

    /// How long it lasts.
    public enum Lifetime: Hashable, Sendable, Codable {
        /// Until the browser is closed, or the user signs out.
        case session
        /// So many days, 1 to 400.
        case persistent(days: Int)
    }

    /// Its name; a cookie's as it is sent: a token (RFC 6265 §4.1.1) of 1 to 128 characters.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// What it is for, as visitors read it.
    public let description: String
    /// What it is for.
    public let purpose: Purpose
    /// How long it lasts.
    public let lifetime: Lifetime
    /// Whether the service that a visitor asked for does not work without it.
    public let isEssential: Bool
    /// What it holds besides being what it is.
    public let categories: Set<DataCategory>

    /// A tracker; by default a cookie.
    public init(
        _ name: String, kind: Kind = .cookie, description: String, for purpose: Purpose, lifetime: Lifetime,
        isEssential: Bool, holding categories: Set<DataCategory> = []
    ) {
        self.name = name
        self.kind = kind
        self.description = description
        self.purpose = purpose
        self.lifetime = lifetime
        self.isEssential = isEssential
        self.categories = categories
    }

    fileprivate var hasName: Bool {
        let isToken = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
        let isLine = name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        return (1...128).contains(name.utf8.count) && isLine && (kind != .cookie || isToken)
    }

    /// All defects, each as a line: nothing personal stands in a cookie (clause P2e.2), and in the others what they are for alone.
    public var defects: [String] {
        var lines: [String] = []
        if !hasName { lines.append("the name of a \(kind) has 1 to 128 bytes in one line, and a cookie's is a token") }
        // A name that is none is not repeated.
        let tracker = hasName ? "\(kind) `\(name)`" : "that \(kind)"
        if case .persistent(let days) = lifetime, !(1...400).contains(days) {
            lines.append("\(tracker) must last 1 to 400 days")
        }
        if isEssential, purpose.path.elements[0] == "marketing" {
            lines.append("\(tracker) is for marketing, which is not essential")
        }
        for category in categories.sorted(by: { $0.path < $1.path })
        where !kind.mayHold.contains(category.path.elements[0]) {
            lines.append("\(tracker) would hold `\(category)`, which is not for it")
        }
        return lines
    }

    /// What becomes of one that was set on a day: of a session it goes on the day that the session ended, and stays while it has not; a persistent one stays across
    /// sessions, and goes after its days (clauses P2e.3, P2e.4, P2g.4).
    public func claims(setOn day: CivilDay, sessionEnded: CivilDay?) -> [RetentionClaim] {
        let end: RetentionBound =
            switch lifetime {
            case .session: sessionEnded.map { .day($0) } ?? .open
            case .persistent(let days): .day(day.advanced(byDays: days))
            }
        let reason = Disposition.Reason.tracker(name)
        return [.keep(until: end, .permitted, reason), .drop(from: end, .record, reason)]
    }

    /// The request to set it for a visitor, or to collect what it tells.
    public func request(for subject: SubjectFacts, on day: CivilDay) -> UseRequest {
        let isCookie = kind == .cookie
        let held = categories.contains(where: kind.category.contains) ? categories : categories.union([kind.category])
        return UseRequest(
            isCookie ? .storeOnDevice : .collect,
            .pseudonymous(held, from: [kind == .cookie || kind == .deviceIdentifier ? .deviceAssigned : .observed]),
            for: purpose, as: .controller, about: subject, on: day,
            facts: isCookie ? [Path(literal: "cookie.isEssential"): Truth(isEssential)] : [:])
    }
}

/// All trackers of the service, for who sets them: one that is not on it has no request that could be allowed.
public struct TrackerRegister: Hashable, Sendable, Codable {
    /// The trackers, by name.
    public let trackers: [Tracker]

    /// A register; throws all defects of all trackers at once, and names that are there twice.
    public init(_ trackers: [Tracker]) throws(PrivacyDefects) {
        var lines = trackers.flatMap(\.defects)
        let counts = Dictionary(trackers.filter(\.hasName).map { ($0.name, 1) }, uniquingKeysWith: +)
        for name in counts.filter({ $0.value > 1 }).keys.sorted() {
            lines.append("tracker `\(name)` is there twice")
        }
        guard lines.isEmpty else { throw PrivacyDefects(lines: lines) }
        self.trackers = trackers.sorted { $0.name < $1.name }
    }

    /// Reads trackers without a defect.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let trackers = try container.decode([Tracker].self)
        do throws(PrivacyDefects) {
            try self.init(trackers)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    /// Writes the trackers.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(trackers)
    }

    /// A tracker by its name.
    public subscript(name: String) -> Tracker? { trackers.first { $0.name == name } }

    /// What whoever asks about cookies, or about trackers of some kinds, is given: one line each, tab-separated: name, kind, how long it lasts, purpose, whether it is
    /// essential, description (clause P2e.6).
    public func export(_ kinds: Set<Tracker.Kind> = [.cookie]) -> String {
        let lines = trackers.filter { kinds.contains($0.kind) }.map { tracker in
            let lifetime =
                switch tracker.lifetime {
                case .session: "session"
                case .persistent(let days): "\(days) days"
                }
            let description = String(tracker.description.map { $0.isNewline || $0 == "\t" ? " " : $0 })
            return [
                tracker.name, tracker.kind.rawValue, lifetime, tracker.purpose.description,
                tracker.isEssential ? "essential" : "optional", description,
            ]
            .joined(separator: "\t")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
