// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A small list that only grows, kept outside the store and its backups: a file elsewhere, a second database, a locked
/// bucket.
///
/// What the store says can be put back to an earlier day together with its database. What the ledger says cannot be taken
/// back with it: that a key was closed, how far a log had come, what was erased. ``AnchorLedger`` chains the lines and
/// vouches for them; a ledger only keeps them. All calls may be made concurrently.
public protocol Ledger: Sendable {
    /// Appends a line as number `index`, counted from 0, and returns once it is durable.
    ///
    /// Throws ``LedgerError/taken(_:)`` unless there are exactly `index` lines. A line has no line feed and at most
    /// ``LedgerLimits/maximumLineBytes`` bytes.
    func append(_ line: [UInt8], at index: Int) async throws(LedgerError)
    /// At most `limit` lines from number `index` on, in order, and at least one; none when there are no more.
    func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]]
    /// Whether it stays as it is when the store is put back; `true` unless a ledger says otherwise.
    var protectsAgainstRollback: Bool { get }
}

extension Ledger {
    /// Most do.
    public var protectsAgainstRollback: Bool { true }
}

/// The limits that every ledger keeps.
public enum LedgerLimits: Sendable {
    /// At most this many bytes in one line.
    public static let maximumLineBytes = 4096

    static func check(_ line: [UInt8]) throws(LedgerError) {
        guard line.count <= maximumLineBytes, !line.isEmpty, !line.contains(0x0A) else { throw .invalidLine }
    }
}

/// Why a ledger did not do what it was asked.
public enum LedgerError: Error, Hashable, Sendable {
    /// The number does not follow the last line's: read what is there and try again.
    case taken(Int)
    /// The line is empty, too long or holds a line feed.
    case invalidLine
    /// The ledger cannot be reached or may not be used; nothing was changed. The text says what to check.
    case unavailable(String)
    /// The reply was lost: the line was appended or not.
    case outcomeUnknown
    /// The line of this number is not what was appended, or lines are gone.
    case tampered(Int)
    /// The line of this number was written by a newer version of Reeve.
    case newerFormat(Int)
}

extension LedgerError: CustomStringConvertible {
    /// What failed, on what, and what to do.
    public var description: String {
        switch self {
        case .taken(let index): "line \(index) of the ledger is taken; read it and append behind it"
        case .invalidLine: "a line of the ledger has 1 to \(LedgerLimits.maximumLineBytes) bytes and no line feed"
        case .unavailable(let reason): "the ledger is not available: \(reason)"
        case .outcomeUnknown: "the ledger's reply was lost; read it again to learn whether the line was appended"
        case .tampered(let index): "line \(index) of the ledger is not what was appended there; find out by whom"
        case .newerFormat(let index): "line \(index) of the ledger was written by a newer version; update this process"
        }
    }
}
