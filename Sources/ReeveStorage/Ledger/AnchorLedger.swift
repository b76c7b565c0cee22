// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// What happened that must not be undone with the store.
public struct LedgerEvent: Hashable, Sendable {
    /// What happened, as a short name; the rooms that write one define what it means.
    public let kind: String
    /// What it happened to: a key's, a scope's or a log's name.
    public let subject: String
    /// A generation, size or position; `nil` where there is none.
    public let number: Int64?
    /// A root or other digest; `nil` where there is none.
    public let digest: Digest?

    /// An event.
    public init(kind: String, subject: String, number: Int64? = nil, digest: Digest? = nil) {
        self.kind = kind
        self.subject = subject
        self.number = number
        self.digest = digest
    }

    /// A key may not be used any more, whatever its record says; `state` says why not.
    public static func closed(_ key: String, state: String) -> LedgerEvent {
        LedgerEvent(kind: "closed.\(state)", subject: key)
    }

    /// A key that was closed in the first `lines` lines may be used again; what closed it later counts.
    public static func reopened(_ key: String, after lines: Int) -> LedgerEvent {
        LedgerEvent(kind: "reopened", subject: key, number: Int64(lines))
    }

    /// A scope has reached this generation: an earlier one was put back.
    public static func floor(_ scope: String, generation: Int64) -> LedgerEvent {
        LedgerEvent(kind: "floor", subject: scope, number: generation)
    }

    /// A log had this size and root.
    public static func checkpoint(_ log: String, size: Int64, root: Digest) -> LedgerEvent {
        LedgerEvent(kind: "checkpoint", subject: log, number: size, digest: root)
    }
}

/// A ledger whose lines are chained and vouched for: one that was changed, moved, removed from the middle or added by
/// somebody else is ``LedgerError/tampered(_:)``.
///
/// Lines that are missing at the end are seen by a process that has read them, and otherwise by who remembers
/// ``position()``. All calls may be made concurrently.
public final class AnchorLedger: Sendable {
    /// An event and when it was appended.
    public struct Line: Hashable, Sendable {
        /// The line's number, from 0.
        public let index: Int
        /// When it was appended, by the wall clock of who did.
        public let at: Timestamp
        /// What happened.
        public let event: LedgerEvent
    }

    private struct State {
        var lines: [Line] = []
        var last: [UInt8] = []
        /// The numbers of the lines, by what happened and to what.
        var index: [String: [String: [Int]]] = [:]

        mutating func append(_ line: Line) {
            index[line.event.kind, default: [:]][line.event.subject, default: []].append(line.index)
            lines.append(line)
        }
    }
    private let ledger: any Ledger
    private let authenticator: any MessageAuthenticator
    private let time: any TimeSource
    /// What was read and verified so far.
    private let state = Mutex(State())

    private static let trailerCount = 1 + 43

    /// A chain over a ledger, under a key that only Reeve's processes have.
    public init(_ ledger: any Ledger, authenticator: any MessageAuthenticator, time: any TimeSource = SystemTime()) {
        self.ledger = ledger
        self.authenticator = authenticator
        self.time = time
    }

    /// The number of lines, all of them verified.
    public func position() async throws(LedgerError) -> Int { try await catchUp() }

    /// Whether the ledger stays as it is when the store is put back.
    public var protectsAgainstRollback: Bool { ledger.protectsAgainstRollback }

    /// The lines from a number on, all unless it is given, verified. Those that were verified before are not read again, but
    /// the last of them is looked at. Complexity: O(lines that are new, and that are returned).
    public func lines(from first: Int = 0) async throws(LedgerError) -> [Line] {
        let count = try await catchUp()
        return state.withLock { Array($0.lines[min(max(0, first), count)..<count]) }
    }

    /// What happened to a subject, verified: the lines from a number on and at least the last `count` of them, and the number
    /// of all lines. Complexity: O(lines that are new, and that are returned, and log of the subject's).
    package func lines(
        _ kind: String, of subject: String, from first: Int, atLeast count: Int = 0
    ) async throws(LedgerError) -> (lines: [Line], position: Int) {
        let position = try await catchUp()
        return state.withLock { state in
            let own = state.index[kind]?[subject] ?? []
            func firstPosition(notBefore number: Int) -> Int {
                var (low, high) = (0, own.count)
                while low < high {
                    let middle = (low + high) / 2
                    if own[middle] < number { low = middle + 1 } else { high = middle }
                }
                return low
            }
            let end = firstPosition(notBefore: position)
            let start = max(0, min(firstPosition(notBefore: first), end - count))
            return (own[start..<end].map { state.lines[$0] }, position)
        }
    }

    /// To what a kind of event has happened, verified.
    package func subjects(of kind: String) async throws(LedgerError) -> [String] {
        _ = try await catchUp()
        return state.withLock { Array($0.index[kind, default: [:]].keys) }
    }

    /// The last line, verified.
    package func lastLine() async throws(LedgerError) -> Line? {
        let count = try await catchUp()
        return state.withLock { count > 0 ? $0.lines[count - 1] : nil }
    }

    /// Appends an event and returns its line once it is durable. After a lost reply the ledger itself tells.
    @discardableResult public func append(_ event: LedgerEvent) async throws(LedgerError) -> Line {
        // A line that was sent and whose reply was lost: it is sent again as it is until somebody stands in its place.
        var sent: (line: Line, bytes: [UInt8])?
        for _ in 0..<1000 {
            if let pending = sent {
                let present = try? await ledger.lines(from: pending.line.index, limit: 1)
                guard let present else { throw .outcomeUnknown }
                if present.first == pending.bytes { return pending.line }
                if !present.isEmpty { sent = nil }
            }
            let next: (line: Line, bytes: [UInt8])
            if let sent {
                next = sent
            } else {
                let index = try await catchUp()
                let previous = state.withLock { $0.lines.count == index ? $0.last : nil }
                guard let previous else { continue }
                let line = Line(index: index, at: time.now, event: event)
                next = (line, try encode(line, after: previous))
            }
            do throws(LedgerError) {
                try await ledger.append(next.bytes, at: next.line.index)
                return next.line
            } catch {
                switch error {
                case .taken: continue
                case .outcomeUnknown: sent = next
                default:
                    if sent != nil { throw .outcomeUnknown }
                    throw error
                }
            }
        }
        throw sent == nil ? .unavailable("too many others append at the same time; try again") : .outcomeUnknown
    }

    /// Reads and verifies what is new; returns the number of lines.
    private func catchUp() async throws(LedgerError) -> Int {
        while true {
            let (count, last) = state.withLock { ($0.lines.count, $0.last) }
            // The last line that was verified is read again: a ledger that was shortened or exchanged does not have it.
            var page = try await ledger.lines(from: max(0, count - 1), limit: 1000)
            if count > 0 {
                guard page.first == last else { throw .tampered(count - 1) }
                page.removeFirst()
                // It may be all that a ledger gives in one answer.
                if page.isEmpty { page = try await ledger.lines(from: count, limit: 1000) }
            }
            if page.isEmpty { return count }
            var (new, before): ([Line], [UInt8]) = ([], last)
            for bytes in page {
                new.append(try decode(bytes, at: count + new.count, after: before))
                before = bytes
            }
            try take(new, page, after: count)
        }
    }

    /// Keeps lines that were verified, those that another call has not taken meanwhile.
    private func take(_ new: [Line], _ bytes: [[UInt8]], after count: Int) throws(LedgerError) {
        try state.withLock { (state) throws(LedgerError) in
            let taken = state.lines.count - count
            guard taken < new.count else { return }
            if taken > 0, bytes[taken - 1] != state.last { throw .tampered(state.lines.count - 1) }
            for line in new[taken...] { state.append(line) }
            state.last = bytes[bytes.count - 1]
        }
    }

    private func encode(_ line: Line, after previous: [UInt8]) throws(LedgerError) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("at", line.at)
            writer.field("digest", line.event.digest)
            writer.field("index", line.index)
            writer.field("kind", line.event.kind)
            writer.field("number", line.event.number)
            writer.field("schema", 1)
            writer.field("subject", line.event.subject)
        }
        var bytes = writer.bytes
        do {
            let tag = try authenticator.authenticate(Self.message(bytes, line.index, previous))
            bytes.append(UInt8(ascii: " "))
            Base64URL.append(tag, to: &bytes)
        } catch {
            throw .unavailable("the ledger's key cannot be used")
        }
        return bytes
    }

    private func decode(_ bytes: [UInt8], at index: Int, after previous: [UInt8]) throws(LedgerError) -> Line {
        let end = bytes.count - Self.trailerCount
        guard end > 0, bytes[end] == UInt8(ascii: " "), let tag = Base64URL.decode(bytes[(end + 1)...]),
            (try? authenticator.isValid(tag, for: Self.message(Array(bytes[..<end]), index, previous))) == true
        else { throw .tampered(index) }
        var reader = JSONReader(bytes, in: 0..<end)
        do throws(JSONError) {
            return try reader.object { (reader) throws(JSONError) in
                let at = try reader.text("at", as: Timestamp.self)
                let digest = try reader.optionalText("digest", as: Digest.self)
                guard try reader.integer("index") == index else { throw reader.unexpected() }
                let kind = try reader.text("kind")
                let number = reader.hasField("number") ? try reader.integer() : nil
                guard try reader.integer("schema") == 1 else { throw reader.unexpected() }
                let subject = try reader.text("subject")
                return Line(
                    index: index, at: at,
                    event: LedgerEvent(kind: kind, subject: subject, number: number, digest: digest))
            }
        } catch {
            // It is vouched for, so it is not damaged: it says what this release does not know.
            throw .newerFormat(index)
        }
    }

    /// Each line's tag covers the whole line before it, tag and all.
    private static func message(_ bytes: [UInt8], _ index: Int, _ previous: [UInt8]) -> [UInt8] {
        var message = CanonicalBytes(label: "reeve/storage/ledger/1")
        message.add(Int64(index))
        message.add(previous)
        message.add(bytes)
        return message.bytes
    }
}
