// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import ReeveStorage

/// A commit as the server is asked for it: one transaction in one round trip.
///
/// Where it is one statement, that returns a row when it took effect; where it has several, an expectation that does not hold ends it by an error.
struct CommitRequest {
    let request: Request
    /// One of the keys that it is about.
    let anyKey: Key
    /// Asks what is not as expected.
    let broken: Request

    /// The write of one record that depends on no other.
    private static func single(_ changes: Changes) -> Request.Step? {
        guard changes.changes.count == 1, let (key, change) = changes.changes.first, case .write(let value) = change,
            changes.expectations.count <= 1, changes.expectations.keys.allSatisfy({ $0 == key }), !AppendOnly.holds(key)
        else { return nil }
        let parameters = [key.bytes, value, changes.revision.bytes]
        return switch changes.expectations[key] {
        case nil: Request.Step(.put, parameters)
        case .absent: Request.Step(.putNew, parameters)
        case .revision(let revision): Request.Step(.putExpected, parameters + [revision.bytes])
        }
    }

    init(_ changes: Changes) {
        if let step = Self.single(changes), let key = changes.changes.keys.first {
            (request, broken, anyKey) = (Request(steps: [step]), Request(steps: []), key)
            return
        }
        anyKey = changes.expectations.keys.min() ?? changes.changes.keys.min() ?? Key(encoded: [])
        // What may change, and what is only added.
        var (records, added) = (Sorted(), Sorted())
        // To be without a record that may change afterwards; to be locked as they are; to be kept from changing.
        var (without, locked, shared): ([[UInt8]], [[UInt8]], [[UInt8]]) = ([], [], [])
        var expectations = changes.expectations
        for (key, change) in changes.changes {
            let isAdded = AppendOnly.holds(key)
            locked.append(key.bytes)
            switch change {
            case .write(let value) where isAdded:
                added.write(key, value)
                without.append(key.bytes)
                // What is there stays.
                expectations[key] = .absent
            case .write(let value): records.write(key, value)
            case .delete:
                if isAdded { added.removed.append(key.bytes) }
                without.append(key.bytes)
            }
        }
        for (key, expectation) in expectations {
            let (isAdded, isChanged) = (AppendOnly.holds(key), changes.changes[key] != nil)
            if isAdded { added.expect(key, expectation) } else { records.expect(key, expectation) }
            switch expectation {
            case _ where isChanged: break
            case .revision where !isAdded: shared.append(key.bytes)
            case .absent, .revision:
                // Rows that may not be locked where they are have one beside them for as long as it takes.
                locked.append(key.bytes)
                without.append(key.bytes)
            }
        }
        var steps = [Request.Step(.begin)]
        if !locked.isEmpty { steps.append(Request.Step(.lock, [Array(array: locked)])) }
        if !shared.isEmpty { steps.append(Request.Step(.share, [Array(array: shared)])) }
        steps += records.expectations(.check) + added.expectations(.checkAdded)
        steps += records.writes(.write, changes.revision) + added.writes(.add, changes.revision)
        if !without.isEmpty { steps.append(Request.Step(.remove, [Array(array: without)])) }
        if !added.removed.isEmpty { steps.append(Request.Step(.prune, [Array(array: added.removed)])) }
        request = Request(steps: steps + [Request.Step(.commit)])
        broken = Request(steps: records.expectations(.broken) + added.expectations(.brokenAdded))
    }

    /// What is asked of one table.
    private struct Sorted {
        private var (expected, revisions): ([[UInt8]], [[UInt8]]) = ([], [])
        private var (written, values): ([[UInt8]], [[UInt8]]) = ([], [])
        var removed: [[UInt8]] = []

        mutating func write(_ key: Key, _ value: [UInt8]) {
            written.append(key.bytes)
            values.append(value)
        }

        mutating func expect(_ key: Key, _ expectation: Changes.Expectation) {
            expected.append(key.bytes)
            switch expectation {
            case .absent: revisions.append([])
            case .revision(let revision): revisions.append(revision.bytes)
            }
        }

        func expectations(_ statement: Statement) -> [Request.Step] {
            expected.isEmpty ? [] : [Request.Step(statement, [Array(array: expected), Array(array: revisions)])]
        }

        func writes(_ statement: Statement, _ revision: Revision) -> [Request.Step] {
            written.isEmpty
                ? [] : [Request.Step(statement, [Array(array: written), Array(array: values), revision.bytes])]
        }
    }
}
#endif
