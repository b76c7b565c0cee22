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

    /// Whether a standard is attested on a day.
    public func isAttested(_ standard: Path, on day: CivilDay) -> Bool {
        attestations.contains { $0.standard == standard && ($0.from <= day && day <= $0.through) }
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

    /// A line for each standard that was attested before a day and is not on it.
    public func findings(on day: CivilDay) -> [String] {
        let lapsed = Set(attestations.filter { $0.through < day }.map(\.standard)).filter { !isAttested($0, on: day) }
        return lapsed.sorted().map { standard in
            let last = attestations.filter { $0.standard == standard && $0.through < day }.map(\.through).max() ?? day
            return "the attestation of `\(standard)` ended on \(last)"
        }
    }
}
