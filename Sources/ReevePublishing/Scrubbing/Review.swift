// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// What a finding is known by without its value: the tag of its class and value under a key of the workspace.
///
/// The same value has the same fingerprint wherever it stands, and nobody without the key can tell which value it is.
public struct Fingerprint: Hashable, Sendable, TextCodable {
    /// The tag, 32 bytes.
    public let digest: Digest
    /// 64 lower-case hexadecimal digits.
    public var description: String { digest.description }

    init(_ digest: Digest) { self.digest = digest }

    /// Reads 64 lower-case hexadecimal digits; `nil` for anything else.
    public init?(_ text: String) {
        guard let digest = Digest(text) else { return nil }
        self.digest = digest
    }
}

extension Resource {
    /// Something that a scrubber was not sure of, by its fingerprint.
    public static func finding(_ fingerprint: Fingerprint) -> Resource {
        Resource(kind: "finding", fingerprint.description)
    }
}

/// A person's decision that something a scrubber was not sure of may be published at one destination, until it expires.
///
/// Only a ``Publisher`` makes one, and looks again when it publishes what was let through by it.
public struct FindingApproval: Hashable, Sendable, Codable, RecordCodable {
    /// What may be published.
    public let fingerprint: Fingerprint
    /// Where.
    public let destination: Destination
    /// Who decided.
    public let actor: ActContext.Actor
    /// When.
    public let at: Timestamp
    /// From when on it counts no more.
    public let expires: Timestamp

    init(
        _ fingerprint: Fingerprint, for destination: Destination, by actor: ActContext.Actor, at: Timestamp,
        expires: Timestamp
    ) {
        self.fingerprint = fingerprint
        self.destination = destination
        self.actor = actor
        self.at = at
        self.expires = expires
    }
}

/// What a scrubber needs to know for a review by persons: the workspace's key, and what they have decided.
///
///     let review = Review(key: key, approvals: try await publisher.approvals(for: .publicLibrary, in: scope))
///     let report = publisher.scrubber.scrub(bytes, as: .workato, for: .publicLibrary, review: review)
public struct Review: Sendable {
    private let key: any MessageAuthenticator
    private let approvals: [FindingApproval]

    /// A review with the key that the host keeps for the workspace, for example an `HMACKey`, and the decisions so far.
    public init(key: any MessageAuthenticator, approvals: [FindingApproval] = []) {
        self.key = key
        self.approvals = approvals
    }

    /// What a value of a class is known by; `nil` when the key fails.
    func fingerprint(of kind: DataClass, _ value: [UInt8]) -> Fingerprint? {
        let message = "reeve finding\0\(kind.rawValue)\0\(Surrogates.normalized(kind, value))"
        return (try? key.authenticate(Array(message.utf8))).flatMap { Digest(bytes: $0) }.map { Fingerprint($0) }
    }

    /// What may be published at a destination at an instant.
    func approved(for destination: Destination, at now: Timestamp) -> Set<Fingerprint> {
        Set(approvals.filter { $0.destination == destination && $0.expires > now }.map(\.fingerprint))
    }
}

/// A review of one scrub, with what counts as approved in it.
struct ReviewedScrub {
    let review: Review
    let approved: Set<Fingerprint>
}
