// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import Synchronization

/// The versions of the catalogue and when each came into force, as one look at the store found them.
struct Catalogues: Sendable {
    /// When versions come into force, in their order. A version is dated once and never changes.
    struct Dates: Hashable, Codable, RecordCodable {
        struct Entry: Hashable, Codable {
            let version: Int
            let from: Timestamp
        }
        var entries: [Entry] = []

        static let maximumEntries = 1000

        /// The newest version whose day has come.
        func inForce(at instant: Timestamp) -> Int? { entries.filter { $0.from <= instant }.map(\.version).max() }
    }

    let dates: Dates
    let versions: [Int: Catalogue]
    /// The one that the host configured.
    let configured: Catalogue

    /// The version in force at an instant: the newest whose day has come, or the host's own when it is newer.
    func inForce(at instant: Timestamp) -> Catalogue {
        let dated = dates.inForce(at: instant) ?? 0
        guard !dates.entries.contains(where: { $0.version == configured.version }) else {
            return versions[dated] ?? configured
        }
        return dated > configured.version ? versions[dated] ?? configured : configured
    }

    /// A plan of a version.
    func plan(_ name: String, of version: Int) throws(PlanError) -> Plan {
        guard let plan = versions[version]?.plan(name) else { throw PlanError(.unknownPlan) }
        return plan
    }
}

/// A public value as a record, without being one for everybody.
struct Stored<Value: Codable & Sendable>: Codable, RecordCodable {
    let value: Value

    init(_ value: Value) { self.value = value }
    init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(Value.self) }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// Reads catalogues from the store, each version once: they never change.
final class CatalogueShelf: Sendable {
    let configured: Catalogue
    private let known: Mutex<[Int: Catalogue]> = Mutex([:])
    private let tables: PlanTables
    private let dates: KnownRecords<Catalogues.Dates>
    private let isValid: Bool

    init(_ configured: Catalogue, _ tables: PlanTables) {
        self.configured = configured
        self.tables = tables
        dates = KnownRecords(tables.dates)
        isValid = configured.validate().isEmpty
    }

    /// The versions that facts name, the one in force, and one more.
    func read(
        naming facts: CompanyFacts?, _ version: Int? = nil, at now: Timestamp,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Catalogues {
        guard isValid else { throw PlanError(.invalidCatalogue) }
        let dates = try await dates.read([], in: &transaction) ?? .init()
        let dated = Set(dates.entries.map(\.version))
        var wanted = Set(facts?.plans.assertions.compactMap { $0.value?.catalogue } ?? [])
        wanted.insert(configured.version)
        if let version { wanted.insert(version) }
        if let newest = dates.inForce(at: now) { wanted.insert(newest) }
        let all = wanted
        var versions = known.withLock { known in known.filter { all.contains($0.key) } }
        var found: [Int: Catalogue] = [:]
        for version in wanted.subtracting(versions.keys).intersection(dated).sorted() {
            let ids = [String(version)]
            guard let catalogue = try await tables.catalogues.read(.platform, ids, in: &transaction)?.value,
                catalogue.version == version, catalogue.validate().isEmpty
            else { throw PlanError(.unknownPlan) }
            versions[version] = catalogue
            // What this transaction writes itself may never be there.
            if !transaction.changes(tables.catalogues.key(.platform, ids)) { found[version] = catalogue }
        }
        let read = found
        known.withLock { known in
            if known.count > 100 { known.removeAll() }
            known.merge(read) { old, _ in old }
        }
        // What the store has under the number counts: another text under it would be another catalogue.
        if let stored = versions[configured.version] {
            guard stored == configured else { throw PlanError(.catalogueDiffers) }
        } else {
            versions[configured.version] = configured
        }
        return Catalogues(dates: dates, versions: versions, configured: configured)
    }

    /// Dates versions, but for those that are dated already.
    func record(
        _ new: [(catalogue: Catalogue, from: Timestamp)], _ catalogues: Catalogues,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        var dates = catalogues.dates
        for (catalogue, from) in new where !dates.entries.contains(where: { $0.version == catalogue.version }) {
            guard dates.entries.count < Catalogues.Dates.maximumEntries else { throw PlanError(.tooManyChanges) }
            dates.entries.append(.init(version: catalogue.version, from: from))
            try await tables.catalogues.insert(
                Stored(catalogue), .platform, [String(catalogue.version)], in: &transaction)
        }
        guard dates != catalogues.dates else { return }
        dates.entries.sort { $0.version < $1.version }
        try await tables.dates.write(dates, .platform, [], in: &transaction)
    }
}
