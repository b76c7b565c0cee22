// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveStorage

/// A store of one's own, in 40 lines: an actor around a dictionary.
package actor DictionaryStore: Store {
    private var records: [Key: Record] = [:]

    package init() {}

    package func record(for key: Key) async throws(StoreError) -> Record? {
        records[key]
    }

    package func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        records.keys.filter(range.contains).sorted().prefix(limit).compactMap { key in
            records[key].map { Entry(key: key, record: $0) }
        }
    }

    package func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        for (key, expectation) in changes.expectations {
            switch expectation {
            case .absent where records[key] != nil: throw .conflict(key)
            case .revision(let revision) where records[key]?.revision != revision: throw .conflict(key)
            default: continue
            }
        }
        for (key, change) in changes.changes {
            switch change {
            case .write(let bytes): records[key] = Record(bytes: bytes, revision: changes.revision)
            case .delete: records[key] = nil
            }
        }
    }
}
