// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization

/// Unwrapped keys, each until its deadline; one unwrapping at a time for all who wait for it.
final class KeyCache: Sendable {
    /// Until when a key may be used.
    struct Deadline: Sendable {
        /// By the clock that runs on while the machine sleeps.
        let uptime: Duration
        /// By the wall clock, and since when.
        let start: Timestamp
        let end: Timestamp

        init(from uptime: Duration, _ now: Timestamp, for lifetime: Duration) {
            self.uptime = uptime + lifetime
            start = now
            end = now.advanced(by: lifetime)
        }

        private init(uptime: Duration, start: Timestamp, end: Timestamp) {
            self.uptime = uptime
            self.start = start
            self.end = end
        }

        /// The earlier of both.
        func limited(by other: Deadline) -> Deadline {
            Deadline(uptime: min(uptime, other.uptime), start: max(start, other.start), end: min(end, other.end))
        }

        /// Past by either clock, or the wall clock went back.
        func isOver(_ uptime: Duration, _ now: Timestamp) -> Bool {
            uptime >= self.uptime || now >= end || now < start
        }
    }

    /// An unwrapped key.
    struct Entry: Sendable {
        let key: OpenKey
        /// The commitment of the environment key that it was unwrapped under; `nil` under a main key.
        let parent: Digest?
        let deadline: Deadline
        /// From when on it is asked for again before it is over.
        let refresh: Duration
        /// From when on a new generation takes its place.
        let retires: Timestamp

        /// It is asked for again when a fifth of the lifetime is left.
        init(key: OpenKey, parent: Digest?, deadline: Deadline, lifetime: Duration, retires: Timestamp) {
            self.key = key
            self.parent = parent
            self.deadline = deadline
            refresh = deadline.uptime - lifetime / 5
            self.retires = retires
        }
    }

    struct ID: Hashable, Sendable {
        let place: KeyPlace
        let commitment: Digest
    }

    fileprivate struct State {
        var entries: [ID: Entry] = [:]
        var loading: [ID: Task<Result<Entry, VaultError>, Never>] = [:]
        /// Rises with each eviction: what is kept elsewhere is looked up again then.
        var serial: UInt64 = 0
        /// Contexts of which keys were kept since their last refusal.
        var filled: Set<MainKeyContext> = []
        /// The number of refusals, by context: a load that began before one is not kept.
        var denials: [MainKeyContext: Int] = [:]
        var hand = 0
    }
    private let state = Mutex(State())
    private let time: any TimeSource
    private let capacity: Int

    init(time: any TimeSource, capacity: Int) {
        self.time = time
        self.capacity = max(16, capacity)
    }

    /// How often a main key has refused a context.
    func denials(of context: MainKeyContext) -> Int { state.withLock { $0.denials[context] ?? 0 } }

    /// Rises with each eviction.
    var serial: UInt64 { state.withLock { $0.serial } }

    /// A key that is there and not over.
    func entry(_ id: ID, _ uptime: Duration, _ now: Timestamp) -> Entry? {
        state.withLock { $0.entries[id] }.flatMap { $0.deadline.isOver(uptime, now) ? nil : $0 }
    }

    /// Loads a key, or waits for who is loading it: a main key is asked once, also when the first who waits is cancelled.
    func load(
        _ id: ID, _ body: @escaping @Sendable () async throws(VaultError) -> Entry
    ) async throws(VaultError) -> Entry {
        let task = state.withLock { state in
            if let task = state.loading[id] { return task }
            let denials = state.denials[id.place.context] ?? 0
            let task = Task {
                let result: Result<Entry, VaultError>
                do throws(VaultError) {
                    result = .success(try await body())
                } catch {
                    result = .failure(error)
                }
                return self.finish(id, result, denials)
            }
            state.loading[id] = task
            return task
        }
        return try await task.value.get()
    }

    /// Loads a key that no service is asked for: whoever else wants it at the same time does so too.
    func loadAlone(_ id: ID, _ body: () async throws(VaultError) -> Entry) async throws(VaultError) -> Entry {
        let denials = denials(of: id.place.context)
        return try finish(id, .success(try await body()), denials).get()
    }

    private func finish(
        _ id: ID, _ result: Result<Entry, VaultError>, _ denials: Int
    ) -> Result<Entry, VaultError> {
        state.withLock { state in
            state.loading[id] = nil
            guard case .success(let entry) = result else { return result }
            // Somebody was refused meanwhile: what was given before that does not count.
            guard denials == state.denials[id.place.context] ?? 0 else {
                return .failure(VaultError(.mainKeyDenied))
            }
            if state.entries.count >= capacity, state.entries[id] == nil { state.makeRoom(time.uptime, time.now) }
            state.entries[id] = entry
            state.filled.insert(id.place.context)
            return result
        }
    }

    /// Keeps a key that was just made and committed.
    func insert(_ draft: KeyTree.Draft) {
        let id = ID(place: draft.place, commitment: draft.record.commitment)
        state.withLock { state in
            guard draft.denials == state.denials[draft.place.context] ?? 0 else { return }
            if state.entries.count >= capacity { state.makeRoom(time.uptime, time.now) }
            state.entries[id] = draft.entry
            state.filled.insert(id.place.context)
        }
    }

    /// A main key refused a context: everything under it goes at once.
    func deny(_ context: MainKeyContext) {
        state.withLock { state in
            state.denials[context, default: 0] += 1
            // A refusal that is only remembered changes nothing for anybody else.
            guard state.filled.remove(context) != nil else { return }
            state.remove { $0.place.context == context }
        }
    }

    /// Removes keys; what follows from them is looked up again.
    func evict(where isGone: (ID) -> Bool) {
        state.withLock { $0.remove(where: isGone) }
    }

    /// Wipes keys whose time is over.
    func dropExpired() {
        let (uptime, now) = (time.uptime, time.now)
        state.withLock { $0.entries = $0.entries.filter { !$0.value.deadline.isOver(uptime, now) } }
    }

    var count: Int { state.withLock { $0.entries.count } }
}

extension KeyCache.State {
    fileprivate mutating func remove(where isGone: (KeyCache.ID) -> Bool) {
        entries = entries.filter { !isGone($0.key) }
        serial += 1
    }

    /// Drops what is over, and an eighth of the keys when that is not enough: environments' only when there is little else.
    fileprivate mutating func makeRoom(_ uptime: Duration, _ now: Timestamp) {
        let before = entries.count
        entries = entries.filter { !$0.value.deadline.isOver(uptime, now) }
        guard entries.count > before - before / 8 else { return }
        hand &+= 1
        var index = hand
        let spares = entries.lazy.filter { $0.key.place.level == .environment }.count < before / 2
        entries = entries.filter { entry in
            index &+= 1
            return spares && entry.key.place.level == .environment || index & 7 != 0
        }
    }
}
