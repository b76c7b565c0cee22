// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import ReeveStorage

/// A commit as the server is asked for it: one transaction in one round trip.
struct CommitRequest {
    let request: Request
    /// One of the keys that it is about.
    let anyKey: Key
    /// Asks what is not as expected.
    let broken: Request

    init(_ changes: Changes) {
        anyKey = changes.expectations.keys.min() ?? changes.changes.keys.min() ?? Key(encoded: [])
        var (expected, revisions, written, values): ([[UInt8]], [[UInt8]], [[UInt8]], [[UInt8]]) = ([], [], [], [])
        // To be without a record afterwards; to be locked as they are; to be kept from changing.
        var (without, locked, shared): ([[UInt8]], [[UInt8]], [[UInt8]]) = ([], [], [])
        for (key, change) in changes.changes {
            locked.append(key.bytes)
            switch change {
            case .write(let value):
                written.append(key.bytes)
                values.append(value)
            case .delete: without.append(key.bytes)
            }
        }
        for (key, expectation) in changes.expectations {
            expected.append(key.bytes)
            let isChanged = changes.changes[key] != nil
            switch expectation {
            case .absent:
                revisions.append([])
                guard !isChanged else { break }
                locked.append(key.bytes)
                without.append(key.bytes)
            case .revision(let revision):
                revisions.append(revision.bytes)
                if !isChanged { shared.append(key.bytes) }
            }
        }
        let expectations = [Array(array: expected), Array(array: revisions)]
        broken = Request(steps: [Request.Step(.broken, expectations)])
        var steps = [Request.Step(.begin)]
        if !locked.isEmpty { steps.append(Request.Step(.lock, [Array(array: locked)])) }
        if !shared.isEmpty { steps.append(Request.Step(.share, [Array(array: shared)])) }
        if !expected.isEmpty { steps.append(Request.Step(.check, expectations)) }
        if !written.isEmpty {
            steps.append(
                Request.Step(.write, [Array(array: written), Array(array: values), changes.revision.bytes]))
        }
        if !without.isEmpty { steps.append(Request.Step(.remove, [Array(array: without)])) }
        request = Request(steps: steps + [Request.Step(.commit)])
    }
}
#endif
