// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import ReeveStorage

/// The records that are only ever added: the leaves of audit logs, and the lines of a ledger. They have a table of their own, in which a program's role may insert and select.
enum AppendOnly {
    /// The tables of the rooms that have them.
    static let tables = ["audit.leaves", "ledger"]
    private static let names = Set(tables.map { Array($0.utf8)[...] })

    /// Whether the record of a key is one.
    static func holds(_ key: Key) -> Bool { table(of: key.bytes).map { names.contains($0.name) } ?? false }

    /// Whether all keys of a range are such, or none is; `nil` when it may have both.
    static func holds(_ range: KeyRange) -> Bool? {
        guard let (name, end) = table(of: range.lowerBound), range.upperBound.starts(with: range.lowerBound[..<end])
        else { return nil }
        return names.contains(name)
    }

    /// The same of the column `key`, as a condition.
    static let condition: String = {
        let alternatives = tables.map { name in
            let hex = name.utf8.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
            let length = name.utf8.count + 3
            return
                "substring(key FROM position(pg_catalog.decode('00', 'hex') IN key) FOR \(length)) = pg_catalog.decode('0020\(hex)00', 'hex')"
        }
        return "(\(alternatives.joined(separator: " OR ")))"
    }()

    /// The table that a key names after its partition, and where the name has ended.
    private static func table(of key: [UInt8]) -> (name: ArraySlice<UInt8>, end: Int)? {
        guard let partition = key.firstIndex(of: 0), key[partition...].starts(with: [0x00, 0x20]),
            let end = key[(partition + 1)...].firstIndex(of: 0)
        else { return nil }
        return (key[(partition + 2)..<end], end + 1)
    }
}
#endif
