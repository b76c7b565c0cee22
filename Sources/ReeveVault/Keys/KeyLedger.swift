// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// What the anchor ledger says about keys: which are closed whatever the store says, and below which generation none opens.
///
/// Its lines are read again when what is known is older than a bound. While the ledger cannot be read, what is known holds
/// for one lifetime of a key; then nothing opens.
final class KeyLedger: Sendable {
    /// What the ledger said at one time.
    struct View: Sendable {
        /// Another one for each change that concerns keys.
        fileprivate(set) var serial: UInt64 = 0
        /// The number of all its lines.
        fileprivate(set) var lines = 0
        /// What stands for the lines up to each, and for later ones.
        fileprivate let marks = Marks()
        /// When the last of them was written.
        fileprivate(set) var lastLine: Timestamp?
        /// The state of what is closed, by the name of a place or of one key.
        fileprivate(set) var closed: [String: KeyState] = [:]
        /// The line of the last closure, by name.
        fileprivate(set) var closedAt: [String: Int] = [:]
        /// The least generation that opens, by place.
        fileprivate(set) var floors: [String: Int64] = [:]
        /// The keys of hours that were over by then are closed, but for those that a hold kept.
        fileprivate(set) var hoursOver: Timestamp?
        /// Workspaces whose keys have a head.
        fileprivate(set) var opened: Set<String> = []
        fileprivate var readAt = Duration.zero

        /// What closes a key of a place, if anything does.
        func closure(of place: KeyPlace, _ version: KeySet.Version) -> KeyState? {
            if closed.isEmpty && floors.isEmpty { return nil }
            let name = place.name
            if let state = closed[KeyTree.workspaceName(place.context)] { return state }
            if let state = closed[name] ?? closed[Self.name(of: version, at: name)] { return state }
            return floors[name].map { version.generation < $0 } == true ? .compromised : nil
        }

        /// Whether a key of an hour is over that is due then, also when the clock was put back since.
        func isOver(_ due: Timestamp, _ now: Timestamp) -> Bool { due <= max(now, hoursOver ?? now) }

        /// Whether a place is closed by its name, or its workspace is: nothing new is made there.
        func isClosed(_ place: KeyPlace) -> Bool {
            closed[place.name] != nil || closed[KeyTree.workspaceName(place.context)] != nil
        }

        /// The generation of a place's next key: above all that were, and all that a floor closes.
        func generation(after set: KeySet?, of place: KeyPlace) -> Int64 {
            max(set?.nextGeneration ?? 1, floors[place.name] ?? 1)
        }

        /// Stands for the first so many lines: another ledger, or one that has lost lines and grown again, has another one.
        func mark(after count: Int) -> Digest? { count > 0 && count <= lines ? marks.mark(after: count) : nil }

        fileprivate static func mark(of line: AnchorLedger.Line) throws(CryptoError) -> Digest {
            var encoding = CanonicalBytes(label: "reeve/vault/ledger-mark/1")
            encoding.add(Int64(line.index))
            encoding.add(line.at.microseconds)
            encoding.add(line.event.kind)
            encoding.add(line.event.subject)
            encoding.add(line.event.number ?? -1)
            encoding.add(line.event.digest?.description)
            return try Digest(of: encoding)
        }

        static func name(of version: KeySet.Version, at place: String) -> String { "\(place)#\(version.generation)" }
    }

    /// What stands for the lines up to each. Views share it, however many lines there are: those that were read stay as they
    /// were, and the anchor ledger finds them tampered with otherwise.
    fileprivate final class Marks: Sendable {
        private let marks = Mutex<[Digest]>([])

        func append(_ new: [Digest]) { marks.withLock { $0 += new } }

        func mark(after count: Int) -> Digest? { marks.withLock { count <= $0.count ? $0[count - 1] : nil } }
    }

    private struct State {
        var view = View()
        var isReading = false
    }
    private let ledger: AnchorLedger
    private let time: any TimeSource
    private let freshness: Duration
    private let lifetime: Duration
    private let state = Mutex(State())

    init(_ ledger: AnchorLedger, time: any TimeSource, freshness: Duration, lifetime: Duration) {
        self.ledger = ledger
        self.time = time
        self.freshness = freshness
        self.lifetime = lifetime
        state.withLock { $0.view.readAt = .seconds(-1_000_000_000) }
    }

    /// Whether it stays as it is when the store is put back.
    var protectsAgainstRollback: Bool { ledger.protectsAgainstRollback }

    /// What the ledger says, no older than the bound; while somebody else is reading it anew, what is known.
    func view(at now: Duration) async throws(VaultError) -> View {
        let (view, mustRead) = state.withLock { state -> (View, Bool) in
            let age = now - state.view.readAt
            guard age >= freshness else { return (state.view, false) }
            // One reads; the others go on with what is known, as long as that is not too old.
            if state.isReading, age < lifetime { return (state.view, false) }
            state.isReading = true
            return (state.view, true)
        }
        guard mustRead else { return view }
        do throws(VaultError) {
            return try await read(from: now)
        } catch {
            // The answer may have been long in coming.
            guard error.code == .ledgerUnavailable, max(now, time.uptime) - view.readAt < lifetime else { throw error }
            return view
        }
    }

    /// Appends an event and returns what the ledger says with it.
    @discardableResult func append(_ event: LedgerEvent) async throws(VaultError) -> View {
        do throws(LedgerError) {
            try await ledger.append(event)
        } catch {
            throw VaultError(error)
        }
        return try await read(from: time.uptime)
    }

    func read() async throws(VaultError) -> View { try await read(from: time.uptime) }

    private func read(from start: Duration) async throws(VaultError) -> View {
        defer { state.withLock { $0.isReading = false } }
        let known = state.withLock { $0.view.lines }
        let read: [AnchorLedger.Line]
        do throws(LedgerError) {
            read = try await ledger.lines(from: known)
        } catch {
            throw VaultError(error)
        }
        let marks = try crypto { () throws(CryptoError) in
            var marks: [Digest] = []
            for line in read { marks.append(try View.mark(of: line)) }
            return marks
        }
        return state.withLock { state in
            // Another call may have taken some of them meanwhile, or more.
            let taken = state.view.lines - known
            guard taken <= read.count else { return state.view }
            let new = read[taken...]
            state.view.marks.append(Array(marks[taken...]))
            var changed = false
            for line in new where line.event.subject.hasPrefix("vault/") {
                state.view.take(line.event, line.index)
                changed = true
            }
            state.view.lines += new.count
            state.view.lastLine = new.last?.at ?? state.view.lastLine
            if changed { state.view.serial += 1 }
            state.view.readAt = max(state.view.readAt, start)
            return state.view
        }
    }
}

extension KeyLedger.View {
    fileprivate mutating func take(_ event: LedgerEvent, _ line: Int) {
        switch event.kind {
        case "reopened":
            // What is destroyed stays so, and what somebody closed since who reopened it had looked.
            let isLater = event.number.map { Int64(closedAt[event.subject] ?? -1) >= $0 } ?? false
            if closed[event.subject] != .destroyed, !isLater { closed[event.subject] = nil }
        case "floor": floors[event.subject] = max(floors[event.subject] ?? 0, event.number ?? 0)
        case "opened": opened.insert(event.subject)
        case "over":
            guard event.subject == LedgerEvent.hours, let number = event.number else { return }
            hoursOver = max(hoursOver ?? .init(microseconds: 0), Timestamp(microseconds: number))
        default:
            guard event.kind.hasPrefix("closed.") else { return }
            // A state that this release does not know closes as well.
            let state = KeyState(rawValue: String(event.kind.dropFirst("closed.".count))) ?? .destroyed
            if closed[event.subject] != .destroyed { closed[event.subject] = state.opens ? .destroyed : state }
            closedAt[event.subject] = line
        }
    }
}

extension LedgerEvent {
    /// The keys of a workspace have a head from now on: one that is missing later was removed.
    static func opened(_ workspace: String) -> LedgerEvent { LedgerEvent(kind: "opened", subject: workspace) }

    fileprivate static let hours = "vault/hours"

    /// Keys of hours that are due by an instant are closed from now on, in every workspace, but for those that a hold keeps:
    /// one line for many, since hours never end.
    static func hoursOver(by instant: Timestamp) -> LedgerEvent {
        LedgerEvent(kind: "over", subject: hours, number: instant.microseconds)
    }
}
