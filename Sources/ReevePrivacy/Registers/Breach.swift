// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Data that somebody got at, lost or changed who should not have: whom to tell by when (clause S2.5; GDPR articles 33 and 34).
public struct Breach: Hashable, Sendable, Codable {
    /// How it was noticed.
    public enum Source: String, Hashable, Sendable, Codable, CaseIterable {
        /// By the holder's own watch.
        case monitoring
        /// By a report of somebody who looks for weaknesses (clause S1.2).
        case bounty
        /// By a customer.
        case customer
        /// By a sub-processor.
        case subprocessor
    }

    /// What the holder is to the data.
    public enum Position: String, Hashable, Sendable, Codable, CaseIterable {
        /// It decides what the data is for.
        case controller
        /// It works for who does.
        case processor
        /// It works for a processor.
        case subprocessor
    }

    /// What it may do to the subjects.
    public enum Risk: String, Hashable, Sendable, Codable, CaseIterable {
        /// Unlikely to do anything.
        case unlikely
        /// May do something.
        case possible
        /// Likely to do much.
        case high
    }

    /// Who is told.
    public enum Party: String, Hashable, Sendable, Codable, CaseIterable {
        /// The processor that a sub-processor works for.
        case processor
        /// The controller.
        case controller
        /// The supervisory authority.
        case authority
        /// The subjects.
        case subjects
    }

    /// That somebody has to be told.
    public struct Obligation: Hashable, Sendable {
        /// Who.
        public let party: Party
        /// By when; `nil` for without undue delay.
        public let due: Timestamp?
    }

    /// That somebody was told, with all that was known or a part of it.
    public struct Notification: Hashable, Sendable, Codable {
        /// Who.
        public let party: Party
        /// When.
        public let at: Timestamp
        /// Why it was late.
        public let reasons: String?
    }

    /// Why a notification is not noted.
    public enum Refusal: Error, Hashable, Sendable {
        /// It is late, and says no reasons.
        case needsReasons
        /// It is from before the holder knew of it.
        case beforeAware
    }

    /// How it was noticed.
    public let source: Source
    /// What the holder is to the data.
    public let position: Position
    /// Since when the holder knows of it.
    public let aware: Timestamp
    /// What it may do; `nil` while nobody knows: then it is told as if it were high.
    public var risk: Risk?
    /// The hours that the contract gives a processor or a sub-processor to tell, 0 to 8,760; `nil` for without undue delay.
    public let contractHours: Int?
    /// Who was told when, in the order in which it was noted; one party can be told in several parts.
    public private(set) var notifications: [Notification] = []

    /// A breach.
    public init(
        _ source: Source, position: Position, aware: Timestamp, risk: Risk? = nil, contractHours: Int? = nil
    ) {
        self.source = source
        self.position = position
        self.aware = aware
        self.risk = risk
        self.contractHours = contractHours
    }

    private static let mostHours = 8760

    /// Who has to be told, in order. Hours are those that pass, whatever clocks and calendars do.
    public var obligations: [Obligation] {
        let contract = contractHours.map { aware.advanced(by: .seconds(3600 * min(max($0, 0), Self.mostHours))) }
        switch position {
        case .subprocessor: return [Obligation(party: .processor, due: contract)]
        case .processor: return [Obligation(party: .controller, due: contract)]
        case .controller:
            var found: [Obligation] = []
            if risk != .unlikely {
                found.append(Obligation(party: .authority, due: aware.advanced(by: .seconds(72 * 3600))))
            }
            if risk == .high || risk == nil { found.append(Obligation(party: .subjects, due: nil)) }
            return found
        }
    }

    /// Notes that a party was told. A first notification after its time needs reasons.
    public mutating func note(_ party: Party, at instant: Timestamp, reasons: String? = nil) throws(Refusal) {
        guard instant >= aware else { throw .beforeAware }
        let isFirst = !notifications.contains { $0.party == party && $0.at <= instant }
        let due = obligations.first { $0.party == party }?.due
        if isFirst, let due, instant > due, reasons?.isEmpty ?? true { throw .needsReasons }
        notifications.append(Notification(party: party, at: instant, reasons: reasons))
    }

    /// Who has still to be told at an instant, and whether it is late.
    public func open(at now: Timestamp) -> [(obligation: Obligation, isLate: Bool)] {
        obligations.filter { one in !notifications.contains { $0.party == one.party && $0.at <= now } }
            .map { ($0, $0.due.map { now > $0 } ?? false) }
    }
}
