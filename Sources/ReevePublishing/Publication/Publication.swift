// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
public import ReeveStorage

/// A published recipe, as the library keeps it.
public struct Publication: Hashable, Sendable, Codable, RecordCodable {
    /// The publication's id.
    public let id: Identifier<PublicationRecord>
    /// When it was published.
    public let at: Timestamp
    /// Where.
    public let destination: Destination
    /// The digest of the published bytes.
    public let digest: Digest
    /// 1, or one more than that of the publication that it takes the place of.
    public let version: Int
    /// The publication that it takes the place of.
    public let replaces: Identifier<PublicationRecord>?
    /// The publication that took its place.
    public internal(set) var replacedBy: Identifier<PublicationRecord>?
    /// When it was withdrawn; its bytes are gone then.
    public internal(set) var withdrawn: Timestamp?
    let content: Blob
}

/// That a publication was withdrawn, and what that does not undo.
public struct Withdrawal: Hashable, Sendable {
    /// The publication.
    public let publication: Identifier<PublicationRecord>
    /// When it was withdrawn.
    public let at: Timestamp
    /// What may remain: never nothing, once it was public.
    public let residual: Set<ResidualCopy>

    init(_ publication: Identifier<PublicationRecord>, at: Timestamp) {
        self.publication = publication
        self.at = at
        residual = Set(ResidualCopy.allCases)
    }
}

extension Withdrawal: CustomStringConvertible {
    /// What to tell those whose data it is about.
    public var description: String {
        let copies = residual.map(\.rawValue).sorted().joined(separator: ", ")
        return "withdrawn at \(at); copies that nobody can take back may remain: \(copies)"
    }
}
