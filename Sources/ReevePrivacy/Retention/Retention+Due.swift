// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// What is to go by now: a line of a plan, for somebody to look at before.
public struct PlannedErasure: Hashable, Sendable, Codable {
    /// The record.
    public let record: Identifier<DataRecord>
    /// What it is.
    public let category: DataCategory
    /// The places that have it, in order.
    public let locations: [String]
    /// Since when it is to go; `nil` for what is being erased.
    public let since: CivilDay?
    /// Why.
    public let reasons: [Disposition.Reason]
}

/// What a round of erasing came to.
public struct ErasureRound: Hashable, Sendable {
    /// How many records were looked at in this round, and whether the round has come to its end.
    public let sweep: Sweep.Report?
    /// Records that were erased everywhere.
    public internal(set) var erased = 0
    /// Records that a place failed to remove, or that something keeps by now: the next round tries again.
    public internal(set) var failed = 0
}

/// How what is due goes, without anybody asking for each record.
extension Retention {
    private static let batch = 20

    /// Calls with each record that is to go by now, in the order of their names, and changes nothing: write the lines to a file, look at them, and then let ``eraseDue(limit:as:)``
    /// do it. Complexity: O(records) reads, in pages; nothing is kept.
    public func plan(_ body: (PlannedErasure) async throws -> Void) async throws {
        var range = KeyRange(under: tables.records.key(.platform, []))
        while true {
            let page = try await authority.store.records(in: range, limit: 200)
            for entry in page {
                // One that cannot be read keeps no other from it; nothing erases it either.
                guard let row = await readable(at: entry.key) else { continue }
                let answer = try await glance(at: row)
                guard row.isBeingErased || answer.kind == .mustDelete else { continue }
                try await body(
                    PlannedErasure(
                        record: row.record.id, category: row.record.category, locations: row.open,
                        since: answer.since, reasons: answer.reasons))
            }
            guard page.count == 200, let last = page.last else { return }
            range = range.after(last.key)
        }
    }

    /// Looks at up to `limit` further records, marks those that are to go by now, and erases what is marked, each by the one path and as the scope that it belongs to.
    ///
    /// Work for a background task: one process looks at a time, a crash loses nothing, and the next call goes on where the last one ended. Nothing goes while the clocks
    /// disagree. Memory does not grow with the number of records, but for the workspaces whose keys go.
    public func eraseDue(limit: Int = .max, as context: ActContext) async throws(PrivacyError) -> ErasureRound {
        try await checkClocks()
        let sweep = Sweep(
            "privacy.due", over: KeyRange(under: tables.records.key(.platform, [])), in: .platform, batch: Self.batch)
        let report = try await sweep.run(with: leases, limit: limit) {
            (key: Key, _: [UInt8], transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            // One that cannot be read keeps no other from it.
            guard let row = await readable(at: key) else { return .failed }
            // A look is enough for a mark: what erases it decides again.
            if !row.isBeingErased {
                guard try await glance(at: row).kind == .mustDelete else { return .unchanged }
            }
            try await tables.due.write(Mark(), .platform, [row.record.id.description], in: &transaction)
            return .changed
        }
        var (round, last) = (ErasureRound(sweep: report), [Key]())
        do throws(StoreError) {
            var range = KeyRange(under: tables.due.key(.platform, []))
            while true {
                let page = try await authority.store.records(in: range, limit: 200)
                for entry in page { if try await !eraseMarked(entry.key, context, &round) { last.append(entry.key) } }
                guard page.count == 200, let end = page.last else { break }
                range = range.after(end.key)
            }
            for mark in last { _ = try await eraseMarked(mark, context, isLast: true, &round) }
            return round
        } catch {
            throw PrivacyError(error)
        }
    }

    /// The row of a key, as it is now; `nil` for one that cannot be read, or is not what was written there.
    private func readable(at key: Key) async -> Row? {
        guard case .text(let id)? = key.elements?.last else { return nil }
        return await readable(id)
    }

    private func readable(_ id: String) async -> Row? {
        guard let row = try? await tables.records.read(.platform, [id], in: authority.store),
            row.record.id.description == id
        else { return nil }
        return row
    }

    /// Erases what is marked; `false`, and nothing is done, for what goes after all others.
    private func eraseMarked(
        _ mark: Key, _ context: ActContext, isLast: Bool = false, _ round: inout ErasureRound
    ) async throws(StoreError) -> Bool {
        if case .text(let text)? = mark.elements?.last, let id = Identifier<DataRecord>(text),
            let row = await readable(text)
        {
            guard isLast || !row.record.locations.contains(where: { own[$0]?.goesLast == true }) else { return false }
            var context = context
            context.scope = row.scope
            do throws(PrivacyError) {
                try await erase(id, as: context)
                round.erased += 1
            } catch {
                // What is kept again needs no mark; what failed is found again by the next round.
                round.failed += 1
            }
        }
        // One that cannot be read needs no mark either: the next round finds it again.
        var changes = Changes()
        changes.delete(mark)
        try await authority.store.commit(changes)
        return true
    }
}
