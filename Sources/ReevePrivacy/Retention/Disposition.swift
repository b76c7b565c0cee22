// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What must happen to a record, and why.
public struct Disposition: Hashable, Sendable {
    /// The answers.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A hold, a lock or a duty keeps it: it must not be deleted.
        case mustKeep
        /// Its time is not over: it may be kept.
        case mayKeep
        /// Its time is over: it must be deleted.
        case mustDelete
        /// No rule covers it: it is kept and reported.
        case noRule
    }

    /// What an answer rests on. Its text is the kind, a colon and what it is about.
    public enum Reason: Hashable, Sendable, TextCodable {
        /// A legal hold of this case.
        case hold(Identifier<LegalCase>)
        /// A rule of this clause.
        case rule(ClauseReference)
        /// How long a tracker of this name lasts.
        case tracker(String)
        /// A request of the subject's.
        case request(Identifier<SubjectRequestRecord>)
        /// A day that was set for this very record.
        case record
    }

    /// The answer.
    public let kind: Kind
    /// What it rests on.
    public let reasons: [Reason]
    /// Up to when it is kept, exclusive; `nil` for what must be deleted, or has no rule.
    public let until: RetentionBound?
    /// Since when it must be deleted; `nil` for what need not be.
    public let since: CivilDay?
    /// What keeps it, where it is there for that alone and would have gone otherwise; `nil` where nothing limits what it is used for (clause P11.4).
    public let limitedTo: [Reason]?
    /// What it may be used for, where ``limitedTo`` limits it, with everything below; `nil` where nothing does. A ``RetentionSchedule`` says so.
    public internal(set) var purposes: Set<Purpose>?
    /// What it was made of, for the day on which it changes next.
    var basis: (claims: [RetentionClaim], day: CivilDay) = ([], CivilDay(daysSince1970: 0))

    init(
        kind: Kind, reasons: [Reason], until: RetentionBound? = nil, since: CivilDay? = nil, limitedTo: [Reason]? = nil
    ) {
        self.kind = kind
        self.reasons = reasons
        self.until = until
        self.since = since
        self.limitedTo = limitedTo
    }
}

extension Disposition {
    /// Whether both say the same, now and until the answer changes next, and change then.
    public static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind && left.reasons == right.reasons && left.until == right.until
            && left.since == right.since && left.limitedTo == right.limitedTo && left.purposes == right.purposes
            && left.nextChange == right.nextChange
    }

    /// Hashes the answer and what it rests on.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(reasons)
        hasher.combine(until)
        hasher.combine(since)
    }
}

extension Disposition: CustomStringConvertible, CustomReflectable {
    /// The answer and what it rests on.
    public var customMirror: Mirror { Mirror(self, children: ["answer": description]) }

    /// The answer, what it rests on, and up to or since when.
    public var description: String {
        let why = reasons.isEmpty ? "" : " (" + reasons.map(\.description).joined(separator: ", ") + ")"
        let end =
            switch until {
            case .day(let day)?: ", until \(day)"
            case .open?: ", until that ends"
            case nil: since.map { ", since \($0)" } ?? ""
            }
        return kind.rawValue + why + end
    }
}

extension Disposition.Reason {
    /// `hold:`, `rule:`, `tracker:` or `request:` and what it is about; `record`.
    public var description: String {
        switch self {
        case .hold(let id): "hold:\(id)"
        case .rule(let clause): "rule:\(clause)"
        case .tracker(let name): "tracker:\(name)"
        case .request(let id): "request:\(id)"
        case .record: "record"
        }
    }

    /// Reads what `description` writes.
    public init?(_ text: String) {
        if text == "record" {
            self = .record
            return
        }
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = String(text[text.index(after: colon)...])
        let found: Disposition.Reason? =
            switch text[..<colon] {
            case "hold": Identifier<LegalCase>(rest).map { .hold($0) }
            case "rule": ClauseReference(rest).map { .rule($0) }
            case "tracker": .tracker(rest)
            case "request": Identifier<SubjectRequestRecord>(rest).map { .request($0) }
            default: nil
            }
        guard let found else { return nil }
        self = found
    }
}
