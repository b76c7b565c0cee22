// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// An ordered map from keys to records that commits several changes atomically or not at all.
///
/// An adapter implements these three requirements; everything else in Reeve is built on them. All calls may be made
/// concurrently. `ReeveTesting.StoreContract` checks each promise below.
public protocol Store: Sendable {
    /// The record of a key as of the last acknowledged commit; `nil` when there is none.
    func record(for key: Key) async throws(StoreError) -> Record?

    /// At most `limit` entries of a range in the order of their keys; the state of one instant.
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry]

    /// Applies all changes, or none.
    ///
    /// Throws ``StoreError/conflict(_:)`` when an expectation does not hold, ``StoreError/outcomeUnknown`` when the
    /// reply was lost, ``StoreError/unavailable(_:)`` when nothing was tried, and ``StoreError/limitExceeded(_:)`` for
    /// changes that ``Changes/validate()`` refuses. After a conflict, a refusal or unavailability nothing has changed.
    func commit(_ changes: Changes) async throws(StoreError)
}

/// Why a store did not do what it was asked.
public enum StoreError: Error, Hashable, Sendable {
    /// A record was not as expected: read again and decide again.
    case conflict(Key)
    /// The reply was lost: the commit took effect or not. The revision of what was written tells.
    case outcomeUnknown
    /// The store cannot be reached; nothing was changed. The text says what to check.
    case unavailable(String)
    /// A limit of ``Changes`` is exceeded; the text names it.
    case limitExceeded(String)
    /// The record of this key is not what its table wrote.
    case malformed(Key)
    /// The record of this key was written by a newer version of Reeve.
    case newerSchema(Key)
    /// The record of this key is not what was written under it: changed, moved, removed or an earlier version.
    case tampered(Key)
    /// Another worker has taken over the lease of this key; nothing was changed.
    case leaseLost(Key)
    /// The key does not belong to the partition that the store was scoped to; nothing was done.
    case outsideScope(Key)
}

extension StoreError: CustomStringConvertible {
    /// What failed, on what, and what to do.
    public var description: String {
        switch self {
        case .conflict(let key): "record `\(key)` changed meanwhile; read it again and repeat the change"
        case .outcomeUnknown:
            "the store's reply was lost; read the records again to learn whether the commit took effect"
        case .unavailable(let reason): "the store is not available: \(reason)"
        case .limitExceeded(let limit): "the commit exceeds a limit: \(limit)"
        case .malformed(let key):
            "record `\(key)` is not what its table wrote, or was written with control keys and is read without; "
                + "give the keys, or restore it from a backup"
        case .tampered(let key) where ControlNode.isHead(key):
            "head record `\(key)` is missing, was changed or put back, or is under other control keys; make it for a new workspace "
                + "with ControlHead.create, else give the keys under which it was written, or find out by whom and restore it"
        case .tampered(let key):
            "record `\(key)` was changed, moved, removed or put back outside of Reeve, or written without control keys; "
                + "find out by whom, then restore it"
        case .leaseLost(let key): "another worker holds the lease `\(key)` now; stop, and take it again before going on"
        case .outsideScope(let key): "key `\(key)` lies outside the partition of this store"
        case .newerSchema(let key): "record `\(key)` was written by a newer version; update this process first"
        }
    }

    /// Whether the same call may succeed later.
    public var isRetryable: Bool {
        switch self {
        case .conflict, .outcomeUnknown, .unavailable: true
        case .limitExceeded, .malformed, .newerSchema, .tampered, .leaseLost, .outsideScope:
            false
        }
    }
}

/// An error that can carry a store's error: what the body of a transaction throws.
public protocol StoreFailure: Error {
    /// The error for a store that failed.
    init(_ error: StoreError)
}

extension StoreError: StoreFailure {
    /// The error itself.
    public init(_ error: StoreError) { self = error }
}
