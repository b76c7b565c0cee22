// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans
import ReeveStorage

/// What one who can write to a store does: copies the platform's records, and puts them back later.
extension Store {
    func platformRecords(_ wanted: (Key) -> Bool) async throws -> [Key: [UInt8]] {
        var found: [Key: [UInt8]] = [:]
        for entry in try await records(in: KeyRange(under: Key(.platform, [])), limit: 10_000) where wanted(entry.key) {
            found[entry.key] = entry.record.bytes
        }
        return found
    }

    /// Those that are wanted are afterwards as they were, and no others are there.
    func putBack(_ old: [Key: [UInt8]], _ wanted: (Key) -> Bool) async throws {
        let now = try await platformRecords(wanted)
        var changes = Changes()
        for (key, bytes) in old where now[key] != bytes { changes.write(key, bytes) }
        for key in now.keys where old[key] == nil { changes.delete(key) }
        try await commit(changes)
    }
}

extension Key {
    /// Whether it is of a record that decides about plans, or of a tree that vouches for such.
    static func decides(_ key: Key) -> Bool {
        guard case .text(let table)? = key.elements?.dropFirst().first else { return false }
        return [
            "control", "control.tree", "plans.company", "plans.account", "plans.proposal", "plans.catalogue",
            "plans.catalogues", "plans.programme", "plans.allocation", "plans.finding",
        ].contains(table)
    }

    /// Whether it is of the platform's own tree, or of what names the others.
    static func isOfOwnTree(_ key: Key) -> Bool {
        guard let elements = key.elements, elements.count >= 2 else { return false }
        return elements[1] == .text("control.tree") || elements[1] == .text("control") && elements.count == 3
    }

    /// Whether it is of a company's records that decide, or of their tree.
    static func isOf(_ company: Identifier<Company>) -> @Sendable (Key) -> Bool {
        { key in Key.decides(key) && key.elements?.dropFirst(2).first == .text(company.description) }
    }
}
