// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Sets are written in order: the same value is always the same bytes.
extension KeyedEncodingContainer {
    /// Writes a set of values that are texts, in the texts' order; nothing for `nil`.
    mutating func encode<Value: LosslessStringConvertible>(sorted values: Set<Value>?, forKey key: Key) throws {
        try encodeIfPresent(values?.map(\.description).sorted(), forKey: key)
    }

    /// Writes a set of values by their names, in order; nothing for `nil`.
    mutating func encode<Value: RawRepresentable<String>>(sorted values: Set<Value>?, forKey key: Key) throws {
        try encodeIfPresent(values?.map(\.rawValue).sorted(), forKey: key)
    }
}
