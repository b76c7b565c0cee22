// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
package import ReeveModel

/// A place of a room's own. What a room has of a subject is one record there, which is registered when the subject asks for it to go, or with the end of a customer's subscription.
package protocol RoomLocation: DataLocation {
    /// What is there.
    var category: DataCategory { get }
}

/// Most rooms have nothing that is a subject's.
extension RoomLocation {
    package func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> { [] }
    package func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { nil }
    /// What a room wrote down is as it happened.
    package func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { false }
}

extension Retention {
    /// The facts of what a room's place has of a subject, from today on; `nil` for another place.
    func record(
        _ id: Identifier<DataRecord>, of subject: Identifier<DataSubject>?, at name: String
    ) -> RetainedRecord? {
        own[name].map {
            RetainedRecord(
                id: id, category: $0.category, created: authority.time.now.day, as: .controller, about: subject,
                at: [name])
        }
    }
}
