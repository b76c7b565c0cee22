// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveCrypto
public import ReeveModel
public import ReevePrivacy
import ReeveStorage
public import ReeveVault

/// Keeps pieces of personal data in the store, each sealed under a key of its own: who erases one destroys its key, and with it every copy in whatever backup (NIST SP 800-88 Rev. 1,
/// cryptographic erase).
///
///     try await trust.sealed.keep(content, as: record, permit)
///     try await trust.sealed.withContent(of: record.id, openPermit) { bytes in … }
///
/// What is kept is registered with `Retention` in the same commit, and shown, put right and erased with everything else that is registered. Permits are on ``resource(of:)``, in the scope of the
/// record, which has a workspace and an environment. All calls may be made concurrently.
public struct SealedRecords: Sendable {
    /// The most bytes of one piece: 60,000.
    public static let maximumBytes = 60_000
    /// The name of the place, as reports and exports have it.
    public static let locationName = Vault.recordLocation

    let vault: Vault
    let retention: Retention
    let access: AccessAuthority

    /// A piece as it is stored.
    struct Row: Codable, RecordCodable {
        let scope: Scope
        /// In base64url.
        var sealed: String

        init(scope: Scope, _ sealed: SealedCredential) {
            self.scope = scope
            self.sealed = Base64URL.encode(sealed.bytes)
        }

        /// `nil` for what is no base64url.
        var credential: SealedCredential? { Base64URL.decode(sealed).map(SealedCredential.init(bytes:)) }
    }
    static let table = Table<Row>("sealed.record")
    static let name = "record"

    /// What a permit for a record is on; fails only when libcrypto does.
    public static func resource(of record: Identifier<DataRecord>) throws(VaultError) -> Resource {
        .credential(of: try Vault.connection(of: record))
    }

    /// Under it is a mark of each piece that is sealed under a workspace's keys.
    static func marks(in workspace: Identifier<Workspace>) -> Key {
        Key(Partition(workspace), [.text("sealed.mark")])
    }
    /// The mark of one.
    static func mark(of record: Identifier<DataRecord>, in scope: Scope) -> Key? {
        scope.workspace.map { marks(in: $0).appending([.text(record.description)]) }
    }

    /// Seals a piece of personal data and registers it, at ``locationName`` and whatever places of the host's the facts name.
    ///
    /// `VaultError.Code.tooLarge` beyond ``maximumBytes``; `PrivacyError.Code.alreadyRegistered` for a record that is, `PrivacyError.Code.unknownLocation` for a place of another room, `PrivacyError.Code.beingErased` in a workspace whose keys go. To put one right is `SubjectRequests.correct(_:_:_:)`.
    public func keep(
        _ content: borrowing SecretBytes, as record: RetainedRecord, _ permit: Permit<StoreCredential>
    ) async throws {
        let scope = permit.context.scope
        guard content.count <= Self.maximumBytes else {
            let error = VaultError(.tooLarge)
            do throws(StoreError) {
                try await access.recordRefusal(of: "vault.seal", permit, code: error.code.rawValue)
            } catch let failure {
                throw VaultError(failure)
            }
            throw error
        }
        let kept = record.kept(at: Self.locationName)
        let isTaken = try await retention.isRegistered(record.id)
        let isElsewhere = !record.locations.isDisjoint(with: TrustLayer.roomLocations.subtracting([Self.locationName]))
        guard !isTaken, !isElsewhere else {
            // Before there is a key that nothing is under; it is refused, and recorded so.
            if isElsewhere { return try await retention.register(record, as: permit.context) }
            return try await retention.registerAnywhere(kept, as: permit.context) { _ throws(PrivacyError) in
                throw PrivacyError(.alreadyRegistered)
            }
        }
        let connection = Connection(
            id: try Vault.connection(of: record.id), connector: Identifier(high: 0, low: 0), scope: scope)
        let sealed = try await vault.seal(content, named: Self.name, for: connection, permit)
        let workspace = scope.workspace
        try await retention.registerAnywhere(kept, as: permit.context) { transaction throws(PrivacyError) in
            // Under keys that go nothing is kept.
            if let workspace {
                try await retention.checkNotErased(Vault.record(of: workspace), in: &transaction)
            }
            let row = Row(scope: scope, sealed)
            try await Self.table.write(row, .platform, [record.id.description], in: &transaction)
            if let mark = Self.mark(of: record.id, in: scope) { transaction.write(mark, Array("{}".utf8)) }
        }
    }

    /// Opens a piece and lends it to `body`; the entry is committed before. `VaultError.Code.cannotOpen` for one that was erased, or is another scope's.
    public func withContent<R, E: Error>(
        of record: Identifier<DataRecord>, _ permit: Permit<OpenCredential>, _ body: (RawSpan) throws(E) -> R
    ) async throws(OpenFailure<E>) -> R {
        var sealed = SealedCredential(bytes: [])
        do throws(StoreError) {
            let row = try await Self.table.read(.platform, [record.description], in: access.store)
            if let row, row.scope == permit.context.scope, let known = row.credential { sealed = known }
        } catch {
            throw .vault(VaultError(error))
        }
        // Of what is not there the vault refuses to open nothing, and records that.
        let connection: Identifier<Connection>
        do throws(VaultError) {
            connection = try Vault.connection(of: record)
        } catch {
            throw .vault(error)
        }
        return try await vault.withSealed(sealed, named: Self.name, of: connection, permit, body)
    }
}

/// Pieces of personal data under keys of their own. What is there is registered: both are of one commit.
struct SealedLocation: RoomLocation {
    let vault: Vault
    let access: AccessAuthority
    var name: String { SealedRecords.locationName }
    var category: DataCategory { DataCategory(trusted: "content") }
    var isOfHosts: Bool { true }
    var goesWhole: Bool { true }

    func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? {
        guard let row = try await row(record), let sealed = row.credential else { return nil }
        let content = try await vault.open(sealed, named: SealedRecords.name, of: record, in: row.scope)
        return content?.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
    }

    func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool {
        guard content.count <= SealedRecords.maximumBytes else { throw VaultError(.tooLarge) }
        guard let row = try await row(record), let known = row.credential else { return false }
        let sealed = try await vault.reseal(
            SecretBytes(copying: content), as: known, named: SealedRecords.name, of: record, in: row.scope)
        guard let sealed else { return false }
        return try await access.store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            // Gone meanwhile, it does not come back.
            let ids = [record.description]
            guard try await SealedRecords.table.read(.platform, ids, in: &transaction) != nil else { return false }
            try await SealedRecords.table.write(
                SealedRecords.Row(scope: row.scope, sealed), .platform, ids, in: &transaction)
            return true
        }
    }

    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
        let (record, scope) = (erasure.record, erasure.context.scope)
        // The key first: from then on it opens nowhere.
        let hadKey = try await vault.destroyKey(erasure)
        let key = SealedRecords.table.key(.platform, [record.description])
        let isThere = try await access.store.record(for: key) != nil
        if isThere {
            var changes = Changes()
            changes.delete(key)
            if let mark = SealedRecords.mark(of: record, in: scope) { changes.delete(mark) }
            try await access.store.commit(changes)
        }
        return hadKey || isThere ? .erased : .nothingThere
    }

    private func row(_ record: Identifier<DataRecord>) async throws -> SealedRecords.Row? {
        try await SealedRecords.table.read(.platform, [record.description], in: access.store)
    }
}
