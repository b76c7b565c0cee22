// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import ReeveStorage

/// A commit as the server is asked for it: one transaction in one round trip.
struct CommitRequest {
    let request: Request
    /// Which step says what was not as expected.
    let applied: Int

    init(_ changes: Changes) {
        func bytes(_ revision: Revision) -> [UInt8] {
            [revision.high, revision.low].flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
            }
        }
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
                revisions.append(bytes(revision))
                if !isChanged { shared.append(key.bytes) }
            }
        }
        var steps = [Request.Step(.begin)]
        if !locked.isEmpty { steps.append(Request.Step(.lock, [Array(array: locked)])) }
        if !shared.isEmpty { steps.append(Request.Step(.share, [Array(array: shared)])) }
        applied = steps.count
        let parameters = [
            Array(array: expected), Array(array: revisions), bytes(changes.revision), Array(array: written),
            Array(array: values), Array(array: without), Array(array: locked),
        ]
        steps += [Request.Step(.apply, parameters), Request.Step(.commit)]
        request = Request(steps: steps)
    }
}
#endif
