// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// Which keys a place has had, and where each stands: the record that decides whether a key opens anything.
///
/// It is authenticated: a key that no set names, or that a set which was put back names, is closed.
struct KeySet: JSONRecord, Hashable {
    struct Version: Hashable, Sendable {
        let generation: Int64
        /// The key's full commitment; its id is the first 8 bytes.
        let commitment: Digest
        var state: KeyState
        /// Since when it is in this state.
        var since: Timestamp
        /// When a scheduled destruction, or an hour's expiry, falls due.
        var due: Timestamp?
        /// What a suspended or scheduled key was before.
        var before: KeyState?
    }

    /// A credential that another one took the place of, and that still opens for a while.
    struct Past: Hashable, Sendable {
        let generation: Int64
        let until: Timestamp
    }

    /// Keeps the keys of hours, both ends included, past their expiry; also of hours that are still to come.
    struct Hold: Hashable, Sendable {
        let name: String
        let first: Int64
        let last: Int64

        /// What is left of it without some hours.
        func without(_ hours: ClosedRange<Int64>) -> [Hold] {
            guard hours.overlaps(first...last) else { return [self] }
            var rest: [Hold] = []
            if first < hours.lowerBound { rest.append(Hold(name: name, first: first, last: hours.lowerBound - 1)) }
            if last > hours.upperBound { rest.append(Hold(name: name, first: hours.upperBound + 1, last: last)) }
            return rest
        }
    }
    /// A main key that wrapped keys of an environment, and that opens backups of that time.
    struct MainKeyUse: Hashable, Sendable {
        let reference: String
        let since: Timestamp
        /// When the last key was wrapped anew; `nil` while it is needed.
        var until: Timestamp?
    }

    /// The generation that seals.
    var current: Int64
    /// In the order of their generations.
    var versions: [Version]
    /// The project of a connection.
    var project: Identifier<Project>?
    /// The holds that keep an hour's key past its expiry, in order.
    var pins: [String] = []
    /// The holds of an environment.
    var holds: [Hold] = []
    /// Whether a hold has ever kept it: its end is not a matter of its date alone.
    var wasPinned = false
    /// The generation of the credential that a connection has now: an earlier one was put back.
    var row: Int64?
    /// The credentials before it that still open, in the order of their generations.
    var past: [Past] = []
    /// The main keys that an environment's keys have been under, the latest last.
    var mainKeys: [MainKeyUse] = []
    /// The length that the ledger had when a key of this workspace was last closed, in the set of an environment.
    var ledgerLines: Int64?
    /// What stands for those lines.
    var ledgerMark: Digest?
    /// The length that the ledger had when the keys were opened again here, while the ledger is still to be told.
    var reopening: Int64?

    /// As many credentials before the present one are kept.
    static let maximumPast = 8
    /// As many holds, and parts of holds, an environment has room for.
    static let maximumHolds = 100
    /// As many main keys are remembered.
    static let maximumMainKeys = 50

    /// Destroyed keys are forgotten once there are more: what no set names is closed as well.
    static let maximumVersions = 200

    subscript(generation: Int64) -> Version? { versions.first { $0.generation == generation } }
    var currentVersion: Version? { self[current] }
    var nextGeneration: Int64 { (versions.last?.generation ?? 0) + 1 }
    /// Whether nothing is sealed under the present key any more, and a new one may take its place.
    var needsNew: Bool { currentVersion?.state == .compromised }

    func version(of commitment: Digest) -> Version? { versions.first { $0.commitment == commitment } }

    mutating func append(_ version: Version) {
        versions.append(version)
        current = version.generation
        while versions.count > Self.maximumVersions, let gone = versions.firstIndex(where: { $0.state == .destroyed }) {
            versions.remove(at: gone)
        }
    }

    /// Notes which main key wraps from now on; those before it are needed until all is wrapped anew.
    mutating func wrap(under reference: String, at instant: Timestamp) {
        if let last = mainKeys.last, last.reference.isIdentical(to: reference), last.until == nil { return }
        mainKeys.append(MainKeyUse(reference: reference, since: instant))
        mainKeys.removeFirst(max(0, mainKeys.count - Self.maximumMainKeys))
    }

    /// Notes that nothing is under the main keys before the last one any more, but under those that are still needed.
    mutating func endMainKeys(notIn needed: [String], at instant: Timestamp) {
        for index in mainKeys.indices.dropLast()
        where mainKeys[index].until == nil && !needed.contains(where: { $0.isIdentical(to: mainKeys[index].reference) })
        {
            mainKeys[index].until = instant
        }
    }

    mutating func update(_ generation: Int64, _ change: (inout Version) -> Void) {
        guard let index = versions.firstIndex(where: { $0.generation == generation }) else { return }
        change(&versions[index])
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("current", current)
            if !holds.isEmpty {
                writer.name("holds")
                writer.list(holds) { writer, hold in
                    writer.object { writer in
                        writer.field("first", hold.first)
                        writer.field("last", hold.last)
                        writer.field("name", hold.name)
                    }
                }
            }
            writer.field("ledgerLines", ledgerLines)
            writer.field("ledgerMark", ledgerMark)
            if !mainKeys.isEmpty {
                writer.name("mainKeys")
                writer.list(mainKeys) { writer, use in
                    writer.object { writer in
                        writer.field("reference", use.reference)
                        writer.field("since", use.since)
                        writer.field("until", use.until)
                    }
                }
            }
            if !past.isEmpty {
                writer.name("past")
                writer.list(past) { writer, past in
                    writer.object { writer in
                        writer.field("generation", past.generation)
                        writer.field("until", past.until)
                    }
                }
            }
            if !pins.isEmpty {
                writer.name("pins")
                writer.list(pins) { $0.text($1) }
            }
            writer.field("project", project)
            writer.field("reopening", reopening)
            writer.field("row", row)
            writer.name("versions")
            writer.list(versions) { writer, version in
                writer.object { writer in
                    writer.field("before", version.before?.rawValue)
                    writer.field("commitment", version.commitment)
                    writer.field("due", version.due)
                    writer.field("generation", version.generation)
                    writer.field("since", version.since)
                    writer.field("state", version.state.rawValue)
                }
            }
            writer.field("wasPinned", wasPinned ? true : nil)
        }
    }

    init(current: Int64, versions: [Version]) {
        self.current = current
        self.versions = versions
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let current = try reader.count("current")
            let holds: [Hold] =
                reader.hasField("holds")
                ? try reader.list { (reader) throws(JSONError) in
                    try reader.object { (reader) throws(JSONError) in
                        let (first, last) = (try reader.integer("first"), try reader.integer("last"))
                        guard first <= last else { throw reader.unexpected() }
                        return Hold(name: try reader.text("name"), first: first, last: last)
                    }
                } : []
            let lines = reader.hasField("ledgerLines") ? try reader.integer() : nil
            let mark = reader.hasField("ledgerMark") ? try reader.text(as: Digest.self) : nil
            let mainKeys =
                reader.hasField("mainKeys")
                ? try reader.list { (reader) throws(JSONError) in
                    try reader.object { (reader) throws(JSONError) in
                        MainKeyUse(
                            reference: try reader.text("reference"),
                            since: try reader.text("since", as: Timestamp.self),
                            until: reader.hasField("until") ? try reader.text(as: Timestamp.self) : nil)
                    }
                } : []
            let past =
                reader.hasField("past")
                ? try reader.list { (reader) throws(JSONError) in
                    try reader.object { (reader) throws(JSONError) in
                        Past(
                            generation: try reader.count("generation"),
                            until: try reader.text("until", as: Timestamp.self))
                    }
                } : []
            let pins =
                reader.hasField("pins")
                ? try reader.list { (reader) throws(JSONError) in try reader.text() } : []
            let project = try reader.optionalText("project", as: Identifier<Project>.self)
            let reopening = reader.hasField("reopening") ? try reader.integer() : nil
            let row = reader.hasField("row") ? try reader.integer() : nil
            try reader.name("versions")
            let versions = try reader.list { (reader) throws(JSONError) in
                try reader.object { (reader) throws(JSONError) in
                    let before = reader.hasField("before") ? try reader.choice(as: KeyState.self) : nil
                    let commitment = try reader.text("commitment", as: Digest.self)
                    let due = reader.hasField("due") ? try reader.text(as: Timestamp.self) : nil
                    let generation = try reader.count("generation")
                    let since = try reader.text("since", as: Timestamp.self)
                    let state = try reader.choice("state", as: KeyState.self)
                    return Version(
                        generation: generation, commitment: commitment, state: state, since: since, due: due,
                        before: before)
                }
            }
            let wasPinned = reader.hasField("wasPinned") ? try reader.bool() : false
            var set = KeySet(current: current, versions: versions)
            set.ledgerLines = lines
            set.reopening = reopening
            set.ledgerMark = mark
            set.row = row
            set.mainKeys = mainKeys
            set.past = past
            set.pins = pins
            set.project = project
            set.holds = holds
            set.wasPinned = wasPinned
            return set
        }
    }
}

extension KeySet.Version {
    /// The first 8 bytes of the commitment in hexadecimal.
    var id: String { String(commitment.description.prefix(16)) }
}
