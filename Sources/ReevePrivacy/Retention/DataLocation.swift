// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel

/// A place where the host keeps personal data: a database, a bucket, a mailbox, a partner's system.
///
/// Every place is registered with `Retention`, so that an answer can say whether it is about all of them. Calls may be made concurrently and again: after a failure, a
/// timeout or a crash the same is asked once more.
public protocol DataLocation: Sendable {
    /// Its name, by which records say that they are there; 1 to 200 bytes.
    var name: String { get }
    /// The records about a subject that are here, whether they are registered or not.
    func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>>
    /// What is here of a record, as a JSON document for its subject; `nil` where nothing is.
    func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]?
    /// Puts a record right: `content` is as its subject says it is. Returns whether it was here.
    func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool
    /// Removes what is here of a record, and says whether anything was. Nothing else removes personal data. Who throws has removed nothing that matters by itself: the record may be kept again
    /// then, as when its customer comes back.
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome
}

/// What came of erasing again what had been erased.
public struct ErasureReplay: Sendable {
    /// What was there again, and is gone; of a registration that came back also what was not there.
    public internal(set) var receipts: [ErasureReceipt] = []
    /// What could not be erased, and why: it still is to go, and is tried again by another call.
    public internal(set) var failures: [Identifier<DataRecord>: PrivacyError] = [:]
    /// Customers of whom this store had forgotten that they left, or that they are back.
    public internal(set) var ended: [Identifier<Company>] = []
    /// Customers who left, and of whom the rooms could not be told: call again.
    public private(set) var untold: [Identifier<Company>] = []
    /// Customers whose last word is that they left with all that the rooms have, by which sequence, and with which workspaces.
    package internal(set) var left:
        [(customer: Identifier<Company>, sequence: Int64, workspaces: [Identifier<Workspace>])] = []
    /// What this store knows nothing about: places may have it.
    public internal(set) var unknown: [Identifier<DataRecord>] = []

    /// Notes that the rooms could not be told of a customer.
    package mutating func noteUntold(_ customer: Identifier<Company>) { untold.append(customer) }
}

/// That a record was erased at a place, or was not there.
public struct ErasureReceipt: Hashable, Sendable, Codable {
    /// The record.
    public let record: Identifier<DataRecord>
    /// The place.
    public let location: String
    /// What it came to.
    public let outcome: ErasureOutcome
    /// When.
    public let at: Timestamp
}
