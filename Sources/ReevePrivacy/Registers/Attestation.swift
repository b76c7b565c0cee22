// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That somebody independent found a standard kept, for a time (clauses S1.1, S2.7).
public struct Attestation: Hashable, Sendable, Codable {
    /// The standard, such as `pci`, `soc2` or `iso27001`: rules ask for `attested.<standard>`.
    public let standard: Path
    /// What it is about, as auditors wrote it.
    public let scope: String
    /// Its first day.
    public let from: CivilDay
    /// Its last day.
    public let through: CivilDay
    /// The host's reference to the report.
    public let evidence: String
    /// The systems that it is about, by the host's names for them; `nil` for all (clause S1.1c).
    public let systems: Set<String>?
    /// The regions that it is good for; `nil` for all (clause S1.1e).
    public let regions: Set<Region>?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case standard, scope, from, through, evidence, systems, regions
    }

    /// Reads an attestation; a member that is not known is an error, since it may limit it.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Path.self, forKey: .standard),
            scope: try container.decode(String.self, forKey: .scope),
            from: try container.decode(CivilDay.self, forKey: .from),
            through: try container.decode(CivilDay.self, forKey: .through),
            evidence: try container.decode(String.self, forKey: .evidence),
            systems: try container.decodeIfPresent(Set<String>.self, forKey: .systems),
            regions: try container.decodeIfPresent(Set<Region>.self, forKey: .regions))
    }

    /// An attestation.
    public init(
        _ standard: Path, scope: String, from: CivilDay, through: CivilDay, evidence: String,
        systems: Set<String>? = nil, regions: Set<Region>? = nil
    ) {
        self.systems = systems
        self.regions = regions
        self.standard = standard
        self.scope = scope
        self.from = from
        self.through = through
        self.evidence = evidence
    }
}

/// All attestations there are and were.
public struct AttestationRegister: Hashable, Sendable, Codable {
    /// All of them.
    public var attestations: [Attestation]

    /// A register.
    public init(_ attestations: [Attestation] = []) {
        self.attestations = attestations
    }

    /// Whether a standard is attested on a day for all systems and places.
    public func isAttested(_ standard: Path, on day: CivilDay) -> Bool {
        truth(of: standard, on: day, in: nil, at: []) == .yes
    }

    /// Whether a standard is attested on a day for what is done in a system and in places; unknown where an attestation is about some alone, and nobody says which
    /// those are.
    func truth(of standard: Path, on day: CivilDay, in system: String?, at places: Set<Region>) -> Truth {
        attestations.filter { $0.standard == standard && $0.from <= day && day <= $0.through }.reduce(.no) {
            known, one in
            let isIts: Truth = one.systems.map { systems in Truth(system.map(systems.contains)) } ?? .yes
            let isThere: Truth =
                one.regions.map { regions in places.isEmpty ? .unknown : Truth(places.allSatisfy { $0.isIn(regions) }) }
                ?? .yes
            return known.or(isIts.and(isThere))
        }
    }

    /// A line for each standard that was attested before a day, for all or for some systems and places, and is not on it.
    public func findings(on day: CivilDay) -> [String] {
        var ended: [Path: CivilDay] = [:]
        for one in attestations where one.through < day {
            let goesOn = attestations.contains { other in
                other.standard == one.standard && other.from <= day && day <= other.through
                    && (other.systems == nil || other.systems == one.systems)
                    && (other.regions == nil || other.regions == one.regions)
            }
            if !goesOn { ended[one.standard] = max(ended[one.standard] ?? one.through, one.through) }
        }
        return ended.sorted { $0.key < $1.key }.map { "the attestation of `\($0.key)` ended on \($0.value)" }
    }
}
