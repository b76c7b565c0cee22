// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Something that protects data (clause P6.1).
public struct SecurityMeasure: Hashable, Sendable, Codable {
    /// The kinds.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Encryption, access control and the like.
        case technological
        /// Doors, guards, cameras.
        case physical
        /// Training, procedures, contracts.
        case administrative
    }

    /// Its name, such as `encryption.atRest`: contracts ask for measures by name.
    public let name: Path
    /// What it is.
    public let kind: Kind
    /// Since when.
    public let since: CivilDay
    /// Until when, inclusive; `nil` while it goes on.
    public let through: CivilDay?
    /// The host's reference to what shows it.
    public let evidence: String

    /// A measure.
    public init(_ name: Path, _ kind: Kind, since: CivilDay, through: CivilDay? = nil, evidence: String) {
        self.name = name
        self.kind = kind
        self.since = since
        self.through = through
        self.evidence = evidence
    }
}

/// The measures there are, and whether they are all that a contract asks for (clause S2.4).
public struct MeasureRegister: Hashable, Sendable, Codable {
    /// All measures.
    public var measures: [SecurityMeasure]

    /// A register.
    public init(_ measures: [SecurityMeasure] = []) {
        self.measures = measures
    }

    /// The measures of a kind on a day.
    public func measures(_ kind: SecurityMeasure.Kind, on day: CivilDay) -> [SecurityMeasure] {
        measures.filter { $0.kind == kind && isInPlace($0, day) }
    }

    /// What a contract asks for and is not in place on a day, in order: a name stands for itself and all below it.
    public func missing(_ required: Set<Path>, on day: CivilDay) -> [Path] {
        required.filter { name in !measures.contains { name.contains($0.name) && isInPlace($0, day) } }.sorted()
    }

    private func isInPlace(_ measure: SecurityMeasure, _ day: CivilDay) -> Bool {
        measure.since <= day && measure.through.map { day <= $0 } ?? true
    }
}
