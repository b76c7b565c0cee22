// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What was done for a request, place by place: nothing of it is a subject's data.
///
/// It is complete, and its request fulfilled, only when every place that is registered was looked at, nothing failed and nothing was withheld, and where something public
/// was erased it says which copies may remain (clauses P4.2, P4.4).
public struct RequestReport: Hashable, Sendable {
    /// What became of a record at a place.
    public enum Outcome: Hashable, Sendable {
        /// It is in the export.
        case exported
        /// It was erased.
        case erased
        /// It had been erased before.
        case alreadyErased
        /// It was put right.
        case corrected
        /// Nothing was there.
        case nothingThere
        /// It is kept, for these reasons, up to a day, exclusive.
        case withheld(because: [Disposition.Reason], until: RetentionBound?)
        /// The place failed; it can be tried again.
        case failed
        /// It is there, and nobody registered it: nobody knows for whom it is held. Register it, and try again.
        case unregistered
    }

    /// What became of a record at a place.
    public struct Row: Hashable, Sendable {
        /// The record.
        public let record: Identifier<DataRecord>
        /// The place.
        public let location: String
        /// What became of it.
        public let outcome: Outcome

        /// A row.
        public init(_ record: Identifier<DataRecord>, at location: String, _ outcome: Outcome) {
            self.record = record
            self.location = location
            self.outcome = outcome
        }
    }

    /// What became of each record at each place, by place and record.
    public let rows: [Row]
    /// How many rows are not listed, by the names of their outcomes: a stored report lists what was not done, and counts the rest.
    public let omitted: [String: Int]
    /// The places that there are.
    public let registered: Set<String>
    /// Those that were looked at, and answered.
    public let consulted: Set<String>
    /// Copies of what was public that may remain; `nil` where nobody said.
    public let residual: Set<ResidualCopy>?
    /// Whether something public was erased.
    public let concernsPublic: Bool
    /// Those who decide about data of the subject's that the holder has for them: nothing of it is in the answer (clause P9.5).
    public let redirects: Set<Identifier<Company>>

    /// A report.
    public init(
        _ rows: [Row], registered: Set<String>, consulted: Set<String>, residual: Set<ResidualCopy>? = nil,
        concernsPublic: Bool = false, redirects: Set<Identifier<Company>> = []
    ) {
        self.init(
            rows, registered, consulted, residual, concernsPublic, redirects, omitted: [:], isWhole: true)
    }

    private init(
        _ rows: [Row], _ registered: Set<String>, _ consulted: Set<String>, _ residual: Set<ResidualCopy>?,
        _ concernsPublic: Bool, _ redirects: Set<Identifier<Company>>, omitted: [String: Int], isWhole: Bool
    ) {
        self.omitted = omitted
        self.rows = rows.sorted { ($0.location, $0.record.description) < ($1.location, $1.record.description) }
        self.registered = registered
        self.consulted = consulted
        self.residual = residual
        self.concernsPublic = concernsPublic
        self.redirects = redirects
        isComplete =
            isWhole && registered.isSubset(of: consulted) && (!concernsPublic || residual != nil)
            && rows.allSatisfy { $0.outcome.isDone && registered.contains($0.location) }
            && omitted.keys.allSatisfy { Outcome(done: $0) != nil }
    }

    /// The places that were not looked at, or did not answer, in order.
    public var unseen: [String] { registered.subtracting(consulted).sorted() }

    /// Whether all was done, everywhere.
    public let isComplete: Bool

    /// Whether something is left that another call could do: a place that did not answer or failed, what nobody registered, or what nobody said of copies. What is
    /// kept for a reason is not left to do.
    public var isUnfinished: Bool {
        let open = rows.contains { $0.outcome.isOpen || !registered.contains($0.location) }
        let names = [Outcome.failed.name, Outcome.unregistered.name]
        return !unseen.isEmpty || open || names.contains { omitted[$0] != nil } || concernsPublic && residual == nil
    }

    /// Whether nothing was there to do anything with: that nothing was touched is said, and is not called done.
    public var touchedNothing: Bool {
        let outcomes = Set(rows.map(\.outcome.name)).union(omitted.keys)
        return outcomes.isSubset(of: [Outcome.nothingThere.name, Outcome.alreadyErased.name])
    }

    /// How many rows there are, by the names of their outcomes.
    public var counts: [String: Int] {
        rows.reduce(into: omitted) { $0[$1.outcome.name, default: 0] += 1 }
    }

    /// The report as it is stored: at most ``maximumRows`` rows, those that were not done first; the rest is counted.
    var stored: RequestReport {
        let sorted = (rows.filter { !$0.outcome.isDone } + rows.filter(\.outcome.isDone)).map(\.short)
        var (kept, bytes): ([Row], Int) = ([], 0)
        for row in sorted.prefix(Self.maximumRows) {
            bytes += row.bytes
            guard bytes <= Self.maximumBytes else { break }
            kept.append(row)
        }
        let rest = sorted.dropFirst(kept.count).reduce(into: omitted) { $0[$1.outcome.name, default: 0] += 1 }
        let named = redirects.sorted { $0.description < $1.description }.prefix(Self.maximumRows)
        return RequestReport(
            kept, registered, consulted, residual, concernsPublic, Set(named), omitted: rest, isWhole: isComplete)
    }

    /// How many bytes the rows of a stored report have, written down.
    private static let maximumBytes = 40_000

    /// The most rows of a stored report.
    public static let maximumRows = 200

    /// What failed, to be tried again.
    public var failures: [Row] { rows.filter { $0.outcome == .failed } }

    /// What was kept.
    public var withheld: [Row] { rows.filter { if case .withheld = $0.outcome { true } else { false } } }
}

extension RequestReport.Row {
    /// The row with few reasons.
    fileprivate var short: Self {
        guard case .withheld(let reasons, let until) = outcome, reasons.count > 3 else { return self }
        return Self(record, at: location, .withheld(because: Array(reasons.prefix(3)), until: until))
    }

    /// About how many bytes it has, written down: a byte can become six.
    fileprivate var bytes: Int {
        var count = 120 + 6 * location.utf8.count
        if case .withheld(let reasons, _) = outcome {
            for reason in reasons { count += 4 + 6 * reason.description.utf8.count }
        }
        return count
    }
}

extension RequestReport.Outcome {
    /// Whether another call could do it.
    fileprivate var isOpen: Bool { self == .failed || self == .unregistered }

    /// Whether nothing is left to do.
    var isDone: Bool {
        switch self {
        case .exported, .erased, .alreadyErased, .corrected, .nothingThere: true
        case .withheld, .failed, .unregistered: false
        }
    }

    /// An outcome after which nothing is left to do, by its name.
    init?(done name: String) {
        let all: [Self] = [.exported, .erased, .alreadyErased, .corrected, .nothingThere]
        guard let found = all.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

extension RequestReport.Row: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case record, location, outcome, reasons, until
    }

    /// Reads a row; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let outcome: RequestReport.Outcome
        switch try container.decode(String.self, forKey: .outcome) {
        case "failed": outcome = .failed
        case "unregistered": outcome = .unregistered
        case "withheld":
            outcome = .withheld(
                because: try container.decode([Disposition.Reason].self, forKey: .reasons),
                until: try container.decodeIfPresent(RetentionBound.self, forKey: .until))
        case let name:
            guard let done = RequestReport.Outcome(done: name) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .outcome, in: container, debugDescription: "no such outcome")
            }
            outcome = done
        }
        self.init(
            try container.decode(Identifier<DataRecord>.self, forKey: .record),
            at: try container.decode(String.self, forKey: .location), outcome)
    }

    /// Writes the row.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(record, forKey: .record)
        try container.encode(location, forKey: .location)
        try container.encode(outcome.name, forKey: .outcome)
        if case .withheld(let reasons, let until) = outcome {
            try container.encode(reasons, forKey: .reasons)
            try container.encodeIfPresent(until, forKey: .until)
        }
    }
}

extension RequestReport.Outcome {
    /// Its name.
    public var name: String {
        switch self {
        case .exported: "exported"
        case .erased: "erased"
        case .alreadyErased: "alreadyErased"
        case .corrected: "corrected"
        case .nothingThere: "nothingThere"
        case .withheld: "withheld"
        case .failed: "failed"
        case .unregistered: "unregistered"
        }
    }
}

extension RequestReport: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case rows, registered, consulted, residual, concernsPublic, redirects, omitted, isComplete
    }

    /// Reads a report; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode([Row].self, forKey: .rows),
            try container.decode(Set<String>.self, forKey: .registered),
            try container.decode(Set<String>.self, forKey: .consulted),
            try container.decodeIfPresent(Set<ResidualCopy>.self, forKey: .residual),
            try container.decode(Bool.self, forKey: .concernsPublic),
            try container.decode(Set<Identifier<Company>>.self, forKey: .redirects),
            omitted: try container.decode([String: Int].self, forKey: .omitted),
            isWhole: try container.decode(Bool.self, forKey: .isComplete))
        guard omitted.values.allSatisfy({ (1...1 << 40).contains($0) }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .omitted, in: container, debugDescription: "no number of rows")
        }
    }

    /// Writes the report, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rows, forKey: .rows)
        try container.encode(registered.sorted(), forKey: .registered)
        try container.encode(consulted.sorted(), forKey: .consulted)
        try container.encode(sorted: residual, forKey: .residual)
        try container.encode(concernsPublic, forKey: .concernsPublic)
        try container.encode(sorted: redirects, forKey: .redirects)
        try container.encode(omitted, forKey: .omitted)
        try container.encode(isComplete, forKey: .isComplete)
    }
}
