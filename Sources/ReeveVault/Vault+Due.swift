// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage

/// What is destroyed on a day: keys whose destruction was scheduled, and the keys of hours.
///
/// A list by due times, in the platform's part of the store, says when to look; what is destroyed then is what the
/// authenticated records of the workspace say.
struct DueKey: JSONRecord {
    static let table = "vault.due"

    /// The time that a key of the list names.
    static func due(_ key: Key) -> Timestamp? {
        guard let elements = key.elements, elements.count > 2, case .integer(let due) = elements[2] else { return nil }
        return Timestamp(microseconds: due)
    }

    static func key(_ due: Timestamp, _ place: KeyPlace) -> Key {
        Key(
            .platform,
            [.text(table), .integer(due.microseconds), .text(place.context.workspace.description)]
                + place.ids.map { .text($0) })
    }

    /// The place that a key of the list names.
    static func place(_ key: Key) -> KeyPlace? {
        guard let elements = key.elements, (6...7).contains(elements.count), case .text(let name) = elements[3],
            let workspace = Identifier<Workspace>(name), case .text(let environment) = elements[4],
            let environment = Environment(rawValue: environment), case .text(let level) = elements[5]
        else { return nil }
        let context = MainKeyContext(workspace: workspace, environment: environment)
        guard elements.count == 7 else { return level == "environment" ? KeyPlace(context) : nil }
        guard case .text(let leaf) = elements[6] else { return nil }
        if level == "connection", let id = Identifier<Connection>(leaf) { return KeyPlace(context, .connection(id)) }
        if level == "hour", let hour = Int64(leaf), KeyPlace.hours.contains(hour) {
            return KeyPlace(context, .hour(hour))
        }
        return nil
    }

    func write(to writer: inout JSONWriter, schema: Int) { writer.object { _ in } }
    init() {}
    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (_) throws(JSONError) in DueKey() }
    }
}

extension Vault {
    /// Destroys keys that are due; nothing while the clocks disagree, or another process is at it. Returns how many.
    func destroyDue() async throws(VaultError) -> Int {
        guard try await !clocksDisagree(by: tree.ledger.read()) else { return 0 }
        let now = authority.time.now
        let end = Key(.platform, [.text(DueKey.table), .integer(now.microseconds + 1)])
        var range = KeyRange(under: Key(.platform, [.text(DueKey.table)]))
        var count = 0
        do throws(StoreError) {
            guard let first = try await store.records(in: range, limit: 1).first, first.key < end else { return 0 }
            guard let lease = try await leases.acquire(Key(.platform, [.text("vault.due.lease")])) else { return 0 }
            while true {
                let page = try await store.records(in: range, limit: 100)
                let over = page.filter { $0.key < end }
                for entry in over {
                    guard let place = DueKey.place(entry.key) else { continue }
                    // One that cannot be destroyed now keeps no other from it: the next round tries again.
                    if (try? await destroy(place, dueBy: now, entry.key, among: over)) == true { count += 1 }
                }
                guard page.count == 100, let last = page.last, last.key < end else { break }
                range = range.after(last.key)
            }
            try await leases.release(lease)
        } catch {
            throw VaultError(error)
        }
        return count
    }

    /// Destroys the keys of a place that are due, and strikes it off the list; a pinned hour stays on it.
    private func destroy(
        _ place: KeyPlace, dueBy now: Timestamp, _ listed: Key, among page: [Entry]
    ) async throws(VaultError) -> Bool {
        let set = try await withView(place.context) { (view) throws(VaultError) in
            try await tree.set(of: place, view).map { $0 as KeySet? } ?? .some(nil)
        }
        let isDue = set?.versions.contains { version in
            version.due.map { $0 <= now } == true && (version.state == .destroyScheduled || place.level == .hour)
                && version.state != .destroyed
        }
        if isDue == true {
            if set?.pins.isEmpty == false { return false }
            if place.level == .hour, set?.wasPinned == false {
                let latest = page.last { DueKey.place($0.key)?.level == .hour }.flatMap { DueKey.due($0.key) }
                return try await endHour(place, dueBy: now, listed, through: latest ?? now)
            }
            try await close(place, to: .destroyed, dueBy: now) { expiry(of: place, $0) }
        }
        if case .connection(let connection) = place.leaf, set?.past.contains(where: { $0.until <= now }) == true {
            try await dropPast(of: connection, place, by: now)
        }
        var changes = Changes()
        changes.delete(listed)
        do throws(StoreError) {
            try await store.commit(changes)
        } catch {
            throw VaultError(error)
        }
        return isDue == true
    }

    private func expiry(of place: KeyPlace, _ details: [String: String]) -> AuditEntry {
        let scope = Scope(place.context.workspace, place.context.environment)
        let context = ActContext(actor: .host("reeve.vault"), scope: scope, origin: .background)
        return authority.entry("vault.key.expire", context, Resource(kind: "keys", place.name), nil, nil, nil, details)
    }

    /// Deletes the keys of an hour that is over and that no hold has ever kept, and all that is known of them: its date closes
    /// what is put back, and the ledger what is put back while the clock is. `latest` is the last of many that end together.
    private func endHour(
        _ place: KeyPlace, dueBy now: Timestamp, _ listed: Key, through latest: Timestamp
    ) async throws(VaultError) -> Bool {
        try await withView(place.context) { (view) throws(VaultError) in
            guard try await tree.environmentSet(place.context, view) != nil,
                let set = try await tree.set(of: place, view), !set.wasPinned,
                let due = set.versions.compactMap(\.due).max(), due <= now
            else { return false }
            if !view.ledger.isOver(due, Timestamp(microseconds: 0)) {
                try await tree.ledger.append(.hoursOver(by: max(due, min(latest, now))))
            }
            evict(place)
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, place.context, in: &transaction) else { return nil as Bool? }
                try await tree.sets.delete(place.partition, place.ids, in: &transaction)
                for version in set.versions.suffix(50) {
                    KeyRecord.table.delete(
                        place.partition, KeyRecord.ids(place, version.generation), in: &transaction)
                }
                transaction.delete(listed)
                let keys = set.versions.suffix(20).map(\.id).joined(separator: ",")
                let details = ["keys": keys, "state": KeyState.destroyed.rawValue]
                try transaction.record(expiry(of: place, details), in: authority.trail)
                return true
            }
        }
    }

    /// Deletes credentials that another one took the place of and whose time is over.
    private func dropPast(
        of connection: Identifier<Connection>, _ place: KeyPlace, by now: Timestamp
    ) async throws(VaultError) {
        let context = place.context
        let _: Bool = try await withView(context) { (view) throws(VaultError) in
            guard var set = try await tree.set(of: place, view) else { return true }
            let gone = set.past.filter { $0.until <= now }
            set.past.removeAll { $0.until <= now }
            guard !gone.isEmpty else { return true }
            let (next, scope) = (set, Scope(context.workspace, context.environment))
            let act = ActContext(actor: .host("reeve.vault"), scope: scope, origin: .background)
            let generations = gone.map { String($0.generation) }.joined(separator: ",")
            let entry = authority.entry(
                "vault.credential.expire", act, .credential(of: connection), nil, nil, nil,
                ["generations": generations])
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, context, in: &transaction) else { return nil as Bool? }
                try await tree.sets.write(next, place.partition, place.ids, in: &transaction)
                let ids = CredentialRow.ids(context.environment, connection)
                for past in gone {
                    CredentialRow.past.delete(
                        place.partition, ids + [KeyPlace.digits(past.generation)], in: &transaction)
                }
                try transaction.record(entry, in: authority.trail)
                return true
            }
        }
    }

    /// Whether the wall clock is more than five minutes off what the monotonic clock, or the ledger's last line, lets expect:
    /// nothing is destroyed for good then.
    func clocksDisagree(by ledger: KeyLedger.View) -> Bool { clocks.disagrees(with: ledger.lastLine) }
}
