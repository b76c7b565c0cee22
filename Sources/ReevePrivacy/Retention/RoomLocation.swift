// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
package import ReeveStorage

/// A place of a room's own. What a room has of a subject is one record there, which is registered when the subject asks for it to go, or with the end of a customer's subscription.
package protocol RoomLocation: DataLocation {
    /// What is there.
    var category: DataCategory { get }
    /// Whether what is there was registered by the host, through the room.
    var isOfHosts: Bool { get }
    /// Whether what is there opens what other places have, and so goes after all others.
    var goesLast: Bool { get }
    /// Whether what was removed of it in part is gone as a whole, as with a key.
    var goesWhole: Bool { get }
    /// Whether what is there is handed over with a business.
    var travels: Bool { get }
    /// Whether something in the rooms keeps what is there of a record, whatever the rules of retention say.
    func keeps(_ record: RetainedRecord, in scope: Scope) async throws -> Bool
}

/// Most rooms have nothing that is a subject's.
extension RoomLocation {
    package var isOfHosts: Bool { false }
    package var goesLast: Bool { false }
    package var goesWhole: Bool { false }
    package var travels: Bool { false }
    package func keeps(_ record: RetainedRecord, in scope: Scope) async throws -> Bool { false }
    package func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> { [] }
    package func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { nil }
    /// What a room wrote down is as it happened.
    package func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { false }
}

extension Retention {
    /// The names of the rooms' places at which nobody but the room registers anything.
    var reserved: Set<String> { Set(own.values.filter { !$0.isOfHosts }.map(\.name)) }

    /// Whether a record is registered, in whatever scope.
    package func isRegistered(_ id: Identifier<DataRecord>) async throws(PrivacyError) -> Bool {
        try await rowIfThere(id) != nil
    }

    /// Throws when a record is being erased, or was; nothing of that may change until the transaction commits.
    package func checkNotErased(
        _ id: Identifier<DataRecord>, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) {
        let row = try await tables.records.read(.platform, [id.description], in: &transaction)
        let gone = try await tables.gone.read(.platform, [id.description], in: &transaction)
        guard row?.isBeingErased != true, row != nil || gone == nil else { throw PrivacyError(.beingErased) }
    }

    /// Whether a record was erased everywhere, in a scope.
    package func wasErased(_ id: Identifier<DataRecord>, in scope: Scope) async throws(PrivacyError) -> Bool {
        try await goneAnywhere(id)?.scope == scope
    }

    /// Registers what the rooms have of a subject now, so that a legal hold can be placed on it before anybody asks for it to go. Returns what is registered of that; nothing where the rooms have
    /// nothing.
    @discardableResult
    public func registerRooms(
        about subject: Identifier<DataSubject>, as context: ActContext
    ) async throws(PrivacyError) -> [RetainedRecord] {
        var platform = context
        platform.scope = .platform
        var registered: [RetainedRecord] = []
        for name in own.keys.sorted() {
            let found: Set<Identifier<DataRecord>>
            do {
                found = try await own[name]?.records(about: subject) ?? []
            } catch {
                throw PrivacyError(.unknownLocation)
            }
            for id in found.sorted() {
                guard let record = record(id, of: subject, at: name) else { continue }
                do throws(PrivacyError) {
                    try await registerAnywhere(record, as: platform)
                } catch {
                    guard error.code == .alreadyRegistered else { throw error }
                }
                registered.append(record)
            }
        }
        return registered
    }

    /// A row as it is handed over with a business: at the places that the host has, and at those whose content travels; `nil` when nothing of it does.
    func travelling(_ row: Row) -> Row? {
        guard !row.isBeingErased else { return nil }
        let places = row.record.locations.filter { own[$0]?.travels ?? true }
        guard !places.isEmpty else { return nil }
        var row = row
        row.record = row.record.kept(only: places)
        row.done = row.done.filter { places.contains($0.key) }
        return row
    }

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
