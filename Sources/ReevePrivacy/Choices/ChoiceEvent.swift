// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a subject did about a use of their data. Nothing but an explicit act is one: neither silence nor a closed banner.
public struct ChoiceEvent: Hashable, Sendable, Codable {
    /// The acts.
    public enum Act: String, Hashable, Sendable, Codable, CaseIterable {
        /// Consent was given.
        case given
        /// Consent was asked for and refused, or data was not submitted (clause P8.2). It ends consent, and is no opt-out.
        case refused
        /// Consent that was given was taken back.
        case withdrawn
        /// The subject objected.
        case objected
        /// The subject opted out (clauses P8.4, P8.5).
        case optedOut
        /// The subject opted in again: it ends an opt-out or an objection, and gives no consent.
        case optedIn
        /// Consent ran out.
        case expired
        /// Consent turned out not to be valid.
        case invalidated

        /// Whether it allows; the others end what was allowed.
        public var allows: Bool { self == .given || self == .optedIn }
        /// Whether it is about leaving something that goes on without consent.
        var isOptOut: Bool { self == .optedOut || self == .objected }
    }

    /// How it is known that the subject did it.
    public struct Evidence: Hashable, Sendable, Codable {
        /// Where it was done.
        public enum Channel: String, Hashable, Sendable, Codable, CaseIterable {
            /// By e-mail to the privacy contact.
            case email
            /// By the link in a message.
            case unsubscribeLink
            /// In the account's settings.
            case settings
            /// By a form.
            case form
            /// By letter.
            case written
            /// By telephone.
            case phone
            /// By the browser's Global Privacy Control, which can only end something.
            case globalPrivacyControl
            /// By the clock, or by the holder: for what ran out or was not valid. It can only end something.
            case holder

            /// Whether something can be allowed there.
            var allows: Bool { self != .globalPrivacyControl && self != .holder }
        }

        /// Where it was done.
        public var channel: Channel
        /// The host's reference to what shows it; no personal data.
        public var reference: String?
        /// `nil` when it was done for the subject alone; when it was done for agents as well, whether whoever did it said to have the
        /// authority (clause P7.2). Without it nothing is allowed.
        public var representsAuthority: Bool?

        /// Evidence.
        public init(_ channel: Channel, reference: String? = nil, representsAuthority: Bool? = nil) {
            self.channel = channel
            self.reference = reference
            self.representsAuthority = representsAuthority
        }

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case channel, reference, representsAuthority
        }

        /// Reads evidence; a member that is not known is an error, since it may take away what the act allows.
        public init(from decoder: any Decoder) throws {
            try decoder.refuseMembers(otherThan: CodingKeys.self)
            let container = try decoder.container(keyedBy: CodingKeys.self)
            channel = try container.decode(Channel.self, forKey: .channel)
            reference = try container.decodeIfPresent(String.self, forKey: .reference)
            representsAuthority = try container.decodeIfPresent(Bool.self, forKey: .representsAuthority)
        }
    }

    /// Who chose.
    public var subject: Identifier<DataSubject>
    /// What was done.
    public var act: Act
    /// What about.
    public var scope: ChoiceScope
    /// When.
    public var at: Timestamp
    /// The policy version that the subject was shown.
    public var policy: String
    /// How it is known.
    public var evidence: Evidence
    /// What the subject was shown before, by ``ImpactPreview/id``; a ``ChoiceLog`` notes it.
    public internal(set) var preview: Identifier<ImpactRecord>?

    /// An event.
    public init(
        _ act: Act, _ scope: ChoiceScope, by subject: Identifier<DataSubject>, at: Timestamp, under policy: String,
        evidence: Evidence
    ) {
        self.act = act
        self.scope = scope
        self.subject = subject
        self.at = at
        self.policy = policy
        self.evidence = evidence
    }
}

extension ChoiceEvent: CustomStringConvertible, CustomReflectable {
    /// What was done and when; not by whom, nor what about.
    public var description: String { "\(act) at \(at)" }
    /// What was done and when.
    public var customMirror: Mirror { Mirror(self, children: ["act": act, "at": at]) }
}
