// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Makes and reads the tokens of unsubscribe links, by which a subject opts out of messages without signing in (clause P8.4; RFC 8058).
///
///     let tokens = UnsubscribeTokens(key: key)
///     let link = "https://…/unsubscribe?t=" + (try tokens.token(for: subject, purpose: marketing, expires: inAYear))
///     …
///     try log.append(try tokens.event(from: text, by: subject, at: now, under: policy.version.name))
///
/// A token names the subject by its id, and holds nothing else about them. Who has it can opt that subject out, once, and do nothing else.
public struct UnsubscribeTokens: Sendable {
    /// Why a token is not taken; none says what would have been right.
    public enum Refusal: Error, Hashable, Sendable {
        /// It is none of ours, or was changed.
        case notOurs
        /// It is too old; a new message has a new one.
        case expired
        /// It is another subject's.
        case otherSubject
        /// The key failed.
        case keyFailed
    }

    private let key: any MessageAuthenticator

    /// Tokens under a key that the host keeps for this alone, such as an `HMACKey`.
    public init(key: any MessageAuthenticator) {
        self.key = key
    }

    /// A token for a subject to opt out of all messages for a purpose, with all below it, until it expires: towards the holder, or towards the customer
    /// whose messages have it. It needs no escapes in a URL.
    public func token(
        for subject: Identifier<DataSubject>, purpose: Purpose, expires: Timestamp, towards role: DataRole = .controller
    ) throws(Refusal) -> String {
        // Each has an id of its own, so that one that was used can be told.
        let id = Identifier<UnsubscribeToken>(at: expires)
        let text = "\(subject)~\(purpose)~\(expires.microseconds)~\(id)~\(role.text)"
        do {
            return text + "~" + Base64URL.encode(try key.authenticate(Self.message(text)))
        } catch {
            throw .keyFailed
        }
    }

    /// The opt-out that a token stands for, made by the subject who is signed in, or by whoever has the link when `subject` is `nil`.
    ///
    /// A ``ChoiceLog`` takes the event of one token once. Towards whom it is, a ``Privacy`` sees to: ``Privacy/unsubscribe(by:of:signedIn:as:)``.
    public func event(
        from token: String, by subject: Identifier<DataSubject>? = nil, at now: Timestamp, under policy: String
    ) throws(Refusal) -> ChoiceEvent {
        try open(token, by: subject, at: now, under: policy).event
    }

    /// The opt-out that a token stands for, and towards whom it is.
    func open(
        _ token: String, by subject: Identifier<DataSubject>?, at now: Timestamp, under policy: String
    ) throws(Refusal) -> (event: ChoiceEvent, role: DataRole) {
        let parts = token.utf8.count <= 2048 ? token.split(separator: "~", omittingEmptySubsequences: false) : []
        guard parts.count == 6, let tag = Base64URL.decode(String(parts[5])) else { throw .notOurs }
        let isOurs: Bool
        do {
            isOurs = try key.isValid(tag, for: Self.message(parts[..<5].joined(separator: "~")))
        } catch {
            throw .keyFailed
        }
        guard isOurs, let owner = Identifier<DataSubject>(String(parts[0])), let purpose = Purpose(String(parts[1])),
            let expires = Int64(parts[2]), let role = DataRole(text: String(parts[4]))
        else { throw .notOurs }
        guard now < Timestamp(microseconds: expires) else { throw .expired }
        guard subject ?? owner == owner else { throw .otherSubject }
        let event = ChoiceEvent(
            .optedOut, ChoiceScope(UseOperation.contact, for: [purpose]), by: owner, at: now, under: policy,
            evidence: .init(.unsubscribeLink, reference: String(parts[3])))
        return (event, role)
    }

    private static func message(_ text: String) -> [UInt8] { Array("reeve/privacy/unsubscribe/1\0\(text)".utf8) }
}

/// Names one unsubscribe token. Prefix `uns`.
enum UnsubscribeToken: IdentifiedEntity {
    static var identifierPrefix: String { "uns" }
}
