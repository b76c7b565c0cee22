// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import Synchronization

/// Values of a table as they were read last, by their bytes: a record whose bytes are the same is not decoded again.
final class KnownRecords<Value: RecordCodable>: Sendable {
    private let table: ControlTable<Value>
    private let isValid: @Sendable (Value) -> Bool
    private let known = Mutex<[Key: (bytes: [UInt8], value: Value)]>([:])
    private static var maximumCount: Int { 1000 }

    /// Records of a table; one that is not valid is malformed.
    init(_ table: ControlTable<Value>, isValid: @escaping @Sendable (Value) -> Bool = { _ in true }) {
        self.table = table
        self.isValid = isValid
    }

    func read(_ ids: [String], in transaction: inout Transaction<PlanError>) async throws(PlanError) -> Value? {
        let key = table.key(.platform, ids)
        guard let bytes = try await table.bytes(.platform, ids, in: &transaction) else { return nil }
        if let entry = known.withLock({ $0[key] }), entry.bytes == bytes { return entry.value }
        let value: Value
        do throws(StoreError) {
            value = try table.value(of: bytes, at: key)
        } catch {
            throw PlanError(error)
        }
        guard isValid(value) else { throw PlanError(.malformed(key)) }
        known.withLock { known in
            if known.count >= Self.maximumCount { known.removeAll(keepingCapacity: true) }
            known[key] = (bytes, value)
        }
        return value
    }
}
