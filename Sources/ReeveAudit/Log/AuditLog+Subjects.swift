// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveAccess
package import ReeveModel
import ReeveStorage

/// Personal values as places of personal data: those of a workspace's log, which are its customer's, and those about a subject in the platform's. Entries and proofs stay as they are.
extension AuditLog {
    /// The place that has the personal values of a workspace's log as one record.
    package static let logLocation = "audit"
    /// The place that has all personal values about a subject as one record.
    package static let subjectLocation = "audit.subjects"

    /// Whether there are values about a subject.
    package func hasValues(about subject: Identifier<DataSubject>) async throws(AuditError) -> Bool {
        let marks = KeyRange(under: PersonalValuePlace.marks(of: subject))
        return try await storing { () throws(StoreError) in try await !store.records(in: marks, limit: 1).isEmpty }
    }

    /// All values about a subject as one JSON list, each with its entry and its field; `nil` when there is none. That it is shown has to be recorded before. Complexity: O(values)
    /// reads.
    package func values(about subject: Identifier<DataSubject>) async throws(AuditError) -> [UInt8]? {
        var found: [(place: PersonalValuePlace, value: String)] = []
        try await storing { () throws(StoreError) in
            var range = KeyRange(under: PersonalValuePlace.marks(of: subject))
            while true {
                let page = try await store.records(in: range, limit: 200)
                for entry in page {
                    guard let place = PersonalValuePlace(markAt: entry.key),
                        let record = try await store.record(for: place.value)
                    else { continue }
                    let stored = try StoredPersonalValue.table.decode(record.bytes, place.value)
                    // A mark that somebody made points to nobody else's value.
                    if stored.subject == subject { found.append((place, stored.value)) }
                }
                guard page.count == 200, let last = page.last else { return }
                range = range.after(last.key)
            }
        }
        guard !found.isEmpty else { return nil }
        var writer = JSONWriter()
        writer.list(found) { writer, one in
            writer.object { writer in
                writer.field("entry", one.place.entry)
                writer.field("field", one.place.field)
                writer.field("value", one.value)
            }
        }
        return writer.bytes
    }

    /// Erases the personal values of a workspace's log, with their salts.
    package func eraseLog(_ erasure: borrowing Erasure) async throws(AuditError) -> ErasureOutcome {
        guard authority.accepts(erasure, at: Self.logLocation), let workspace = erasure.context.scope.workspace,
            erasure.context.scope == Scope(workspace), workspace.record(at: Self.logLocation) == erasure.record
        else { throw AuditError(AccessError(.wrongResource)) }
        var isThere = false
        try await storing { () throws(StoreError) in
            try await remove(KeyRange(under: StoredPersonalValue.values(of: Partition(workspace)))) {
                (entry) async throws(StoreError) in
                isThere = true
                return [entry.key]
            }
        }
        return isThere ? .erased : .nothingThere
    }

    /// Erases all personal values about a subject, with their salts.
    package func eraseSubject(_ erasure: borrowing Erasure) async throws(AuditError) -> ErasureOutcome {
        guard authority.accepts(erasure, at: Self.subjectLocation), erasure.context.scope == .platform else {
            throw AuditError(AccessError(.wrongResource))
        }
        let subject = Identifier<DataSubject>(of: erasure.record, at: Self.subjectLocation)
        var isThere = false
        try await storing { () throws(StoreError) in
            try await remove(KeyRange(under: PersonalValuePlace.marks(of: subject))) {
                (entry) async throws(StoreError) in
                guard let place = PersonalValuePlace(markAt: entry.key),
                    let record = try await store.record(for: place.value),
                    try StoredPersonalValue.table.decode(record.bytes, place.value).subject == subject
                else { return [entry.key] }
                isThere = true
                // The value first: while it is there, it is found.
                return [place.value, entry.key]
            }
        }
        return isThere ? .erased : .nothingThere
    }
}
