// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// That a document was communicated: a policy, a price list, an agreement.
public struct Notice: Hashable, Sendable, Codable {
    /// How it was communicated.
    public enum Channel: String, Hashable, Sendable, Codable, CaseIterable {
        /// By e-mail.
        case email
        /// In the product.
        case inApp
        /// On a public page.
        case website
        /// By post.
        case post
    }

    /// The document's digest.
    public var document: Digest
    /// How it was communicated.
    public var channel: Channel
    /// When.
    public var communicated: Timestamp
    /// From when the document is to be in force.
    public var effective: Timestamp

    /// A notice of a document.
    public init(document: Digest, channel: Channel, communicated: Timestamp, effective: Timestamp) {
        self.document = document
        self.channel = channel
        self.communicated = communicated
        self.effective = effective
    }

    /// How the notice stands at an instant.
    public enum Standing: String, Hashable, Sendable, Codable, CaseIterable {
        /// Nobody has answered, and it is not in force yet.
        case awaiting
        /// It was accepted.
        case accepted
        /// It was declined.
        case declined
        /// It is in force, and nobody has answered. What silence means is for the document's own rule to say.
        case silent
    }

    /// How the notice stands at an instant, given the responses so far.
    ///
    /// The responses are those of one party; nobody is silent before the document was communicated. The latest response to
    /// this document counts; of two at one instant, the one that declines. Responses before the
    /// notice, after `instant` or to other documents do not count.
    public func standing(after responses: [Response], at instant: Timestamp) -> Standing {
        let latest = responses.filter { $0.document == document && $0.at >= communicated && $0.at <= instant }
            .max { left, right in
                left.at == right.at ? left.kind == .accepted && right.kind == .declined : left.at < right.at
            }
        switch latest?.kind {
        case .accepted: return .accepted
        case .declined: return .declined
        case nil: return instant < max(effective, communicated) ? .awaiting : .silent
        }
    }
}

/// An explicit answer to a notice. Silence is none.
public struct Response: Hashable, Sendable, Codable {
    /// What was answered.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Yes to this very document.
        case accepted
        /// No.
        case declined
    }

    /// The digest of the document that was answered to.
    public var document: Digest
    /// What was answered.
    public var kind: Kind
    /// When.
    public var at: Timestamp
    /// Who answered.
    public var actor: ActContext.Actor

    /// An answer.
    public init(document: Digest, kind: Kind, at: Timestamp, actor: ActContext.Actor) {
        self.document = document
        self.kind = kind
        self.at = at
        self.actor = actor
    }
}
