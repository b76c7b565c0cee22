// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension Decoder {
    /// Refuses an object that has a member which none of the keys names: where it would narrow something it must not be passed over.
    package func refuseMembers<Key: CodingKey & CaseIterable>(otherThan keys: Key.Type) throws {
        let known = Set(Key.allCases.map(\.stringValue))
        if let other = try container(keyedBy: AnyMember.self).allKeys.first(where: { !known.contains($0.stringValue) })
        {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath + [other], debugDescription: "there is no such member"))
        }
    }
}

private struct AnyMember: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
