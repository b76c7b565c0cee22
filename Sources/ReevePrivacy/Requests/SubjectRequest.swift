// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Names one request. Prefix `req`.
public enum SubjectRequestRecord: IdentifiedEntity {
    /// `req`
    public static var identifierPrefix: String { "req" }
}

/// What somebody asked for about personal data, and all that happened to it since. A value: events are added to it, and its status follows from them.
///
/// It has no text that somebody wrote, and no data of a subject's: a host keeps the letter.
public struct SubjectRequest: Hashable, Sendable {
    /// Its name.
    public let id: Identifier<SubjectRequestRecord>
    /// What is asked for.
    public let kind: RequestKind
    /// Whose data it is about; of a report of a child's data, the child.
    public let subject: Identifier<DataSubject>
    /// How it came.
    public let channel: RequestChannel
    /// Where who asks lives, as far as that is known.
    public let residence: Region?
    /// The year that it asks about; of ``RequestKind/shineTheLight`` alone.
    public let year: Int?
    /// What is to end, of ``RequestKind/optOut`` and ``RequestKind/restrict``: everything unless it says what.
    public let scope: ChoiceScope?
    /// When it came.
    public let received: Timestamp
    /// What happened since, in order.
    public private(set) var events: [RequestEvent] = []
    /// How it stands.
    public private(set) var status: RequestStatus = .received

    /// A request that has just come. Who asks by ``RequestChannel/account`` is known; of others that need it, identity has to be asked for.
    public init(
        id: Identifier<SubjectRequestRecord>, _ kind: RequestKind, about subject: Identifier<DataSubject>,
        through channel: RequestChannel, residence: Region? = nil, year: Int? = nil, scope: ChoiceScope? = nil,
        received: Timestamp
    ) {
        self.scope = scope
        self.id = id
        self.kind = kind
        self.subject = subject
        self.channel = channel
        self.residence = residence
        self.year = year
        self.received = received
    }

    /// Adds what happened. Throws ``IllegalTransition``, and changes nothing, where that cannot happen to a request that stands so, or happened before the last event.
    public mutating func apply(_ act: RequestEvent.Act, at instant: Timestamp) throws(IllegalTransition) {
        guard let next = next(act), instant >= events.last?.at ?? received else {
            throw IllegalTransition(status: status, act: act.name)
        }
        // Of answers in part the last one tells all; the audit trail has each.
        if status == .partly, next == .partly || next == .fulfilled, case .answered? = events.last?.act {
            events.removeLast()
        }
        status = next
        events.append(RequestEvent(at: instant, act: act))
    }

    /// How it would stand after an act; `nil` where that cannot happen. Total over all statuses and acts.
    private func next(_ act: RequestEvent.Act) -> RequestStatus? {
        guard status.isOpen || status == .partly else { return nil }
        switch act {
        case .confirmed: return status == .partly ? nil : status
        case .askedForIdentity: return status == .received && asksForIdentity ? .verifying : nil
        case .identityProven: return status == .verifying ? .inProgress : nil
        case .begun: return status == .received && !asksForIdentity ? .inProgress : nil
        case .extended: return status == .inProgress ? .extended : nil
        case .answered(let report):
            guard [.inProgress, .extended, .partly].contains(status) else { return nil }
            return report.isComplete ? .fulfilled : .partly
        case .refused: return status == .partly ? nil : .refused
        case .redirected: return status == .partly ? nil : .redirected
        case .duplicate(let other): return other != id && status != .partly ? .duplicate : nil
        case .withdrawn: return .withdrawn
        }
    }

    /// Whether who asks has to prove who they are.
    public var asksForIdentity: Bool { kind.needsIdentity && channel != .account }

    /// When who asks was told that it takes longer; `nil` for who was not.
    public var extended: Timestamp? { events.first { if case .extended = $0.act { true } else { false } }?.at }

    /// Whether who asks still waits for something that could be done: for an answer, or for the rest of one that was given in part.
    public var isUnfinished: Bool { status.isOpen || status == .partly && report?.isUnfinished != false }

    /// Whether who asks was told that it came; whatever ends it tells that too.
    public var isConfirmed: Bool {
        !status.isOpen || events.contains { if case .confirmed = $0.act { true } else { false } }
    }

    /// The last report; `nil` before there is one.
    public var report: RequestReport? {
        events.lazy.reversed().compactMap { if case .answered(let report) = $0.act { report } else { nil } }.first
    }

    /// The day from which time counts in a zone; `nil` while it has not begun to. To ask for identity after `last`, the day on which the time was over, stops nothing.
    func start(of start: ClockRule.Start, in zone: ZoneRules, before last: CivilDay) -> CivilDay? {
        let day = zone.day(at: received)
        var (asked, proven): (Timestamp?, Timestamp?) = (nil, nil)
        for event in events {
            switch event.act {
            case .askedForIdentity: asked = event.at
            case .identityProven: proven = event.at
            default: break
            }
        }
        guard let asked, start != .receipt, zone.day(at: asked) <= last else { return day }
        guard let proven else { return nil }
        let end = zone.day(at: proven)
        guard start == .receiptPaused else { return end }
        return day.advanced(byDays: Int(end.daysSince1970) - Int(zone.day(at: asked).daysSince1970))
    }
}

extension SubjectRequest: CustomStringConvertible, CustomReflectable {
    /// What is asked for, and how that stands; not by whom.
    public var description: String { "\(id): \(kind), \(status)" }
    /// What is asked for, and how that stands.
    public var customMirror: Mirror { Mirror(self, children: ["id": id, "kind": kind, "status": status]) }
}

/// That something cannot happen to a request that stands as it does.
public struct IllegalTransition: Error, Hashable, Sendable, CustomStringConvertible {
    /// How it stands.
    public let status: RequestStatus
    /// What cannot happen.
    public let act: String
    /// Both.
    public var description: String {
        "a request that is `\(status)` cannot be `\(act)` now, or that was before the last event"
    }
}

/// How a request stands.
public enum RequestStatus: String, Hashable, Sendable, Codable, CaseIterable {
    /// It came.
    case received
    /// Who asks was asked to prove who they are.
    case verifying
    /// It is worked on.
    case inProgress
    /// It is worked on, and takes longer, as who asks was told.
    case extended
    /// All was done, everywhere.
    case fulfilled
    /// Something was not done, or could not be; the report says what and why.
    case partly
    /// It was not done, for a reason that who asks was told.
    case refused
    /// Somebody else decides about the data: who asks was told who.
    case redirected
    /// It asks for what another request asks for.
    case duplicate
    /// Who asked no longer wants it.
    case withdrawn

    /// Whether who asks still waits for an answer.
    public var isOpen: Bool { [.received, .verifying, .inProgress, .extended].contains(self) }
}
