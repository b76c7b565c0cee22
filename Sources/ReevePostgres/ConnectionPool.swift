// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import ReeveStorage
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Connections, and one thread that sends and receives for all of them: no call holds a thread while it waits.
final class ConnectionPool: Sendable {
    /// How a connection is opened, from nothing to one that can be asked.
    typealias Opening = @Sendable (ContinuousClock.Instant) throws(PostgresStoreError) -> HandedOver

    private struct Shared {
        var waiting: [Job] = []
        /// Connections that were opened, and why others could not be.
        var opened: [HandedOver] = []
        var failures: [PostgresStoreError] = []
        var isClosing = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let shared: Mutex<Shared>
    private let configuration: PostgresStore.Configuration
    private let open: Opening
    /// Both ends of a pipe that wakes the thread.
    private let bell: (read: Int32, write: Int32)

    /// A pool that begins with one connection.
    init(
        _ configuration: PostgresStore.Configuration, first: HandedOver, _ open: @escaping Opening
    ) throws(PostgresStoreError) {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw PostgresStoreError(.failed) }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        bell = (ends[0], ends[1])
        self.configuration = configuration
        self.open = open
        var begin = Shared()
        begin.opened = [first]
        shared = Mutex(begin)
        let thread = Thread { self.work() }
        thread.name = "reeve.postgres"
        thread.start()
    }

    // MARK: From any task

    /// Answers a request. A task that is cancelled while it waits is answered at once when nothing was sent that changes something; one that already was is served as any other.
    func answer(_ request: Request) async -> Reply {
        let job = Job(request, deadline: .now + .seconds(configuration.waitSeconds))
        guard !Task.isCancelled else { return await answer(job) }
        return await withTaskCancellationHandler {
            await answer(job)
        } onCancel: {
            cancel(job)
        }
    }

    private func answer(_ job: Job) async -> Reply {
        await withCheckedContinuation { waiter in
            guard job.await(waiter) else { return }
            let refusal: String? = shared.withLock { shared in
                if shared.isClosing { return "the store is closed" }
                guard shared.waiting.count < configuration.queue else {
                    return "\(configuration.queue) calls wait already; slow down, or give the store more connections"
                }
                shared.waiting.append(job)
                return nil
            }
            if let refusal { job.answer(.unavailable(refusal)) } else { ring() }
        }
    }

    private func cancel(_ job: Job) {
        let isWaiting = shared.withLock { shared in
            guard let index = shared.waiting.firstIndex(where: { $0 === job }) else { return false }
            shared.waiting.remove(at: index)
            return true
        }
        if isWaiting || !job.request.changes { job.answer(.unavailable("the task was cancelled")) }
    }

    /// Takes no more requests, answers those that are there, and ends the connections.
    func close() async {
        await withCheckedContinuation { waiter in
            let isClosed = shared.withLock { shared in
                shared.isClosing = true
                if !shared.isClosed { shared.closers.append(waiter) }
                return shared.isClosed
            }
            if isClosed { waiter.resume() } else { ring() }
        }
    }

    /// As ``close()``, for one that nobody waits for.
    func abandon() {
        let isClosed = shared.withLock { shared in
            shared.isClosing = true
            return shared.isClosed
        }
        if !isClosed { ring() }
    }

    private func ring() {
        let one: [UInt8] = [1]
        _ = unsafe write(bell.write, one, 1)
    }

    // MARK: On the thread

    private struct Busy {
        let connection: Connection
        let job: Job
        let deadline: ContinuousClock.Instant
    }

    /// What the thread has.
    private struct Hand {
        var idle: [Connection] = []
        var busy: [Busy] = []
        var opening = 0
        var nextOpening = ContinuousClock.now
        var pause: Duration = .milliseconds(20)
        var reason = PostgresStoreError(.notReachable)
        var count: Int { idle.count + busy.count + opening }
    }

    private func work() {
        var hand = Hand()
        while true {
            take(&hand)
            let (isDone, next) = assign(&hand)
            if isDone { break }
            wait(&hand, until: next)
        }
        hand = Hand()
        let closers = shared.withLock { shared in
            shared.isClosed = true
            defer { (shared.closers, shared.opened) = ([], []) }
            return shared.closers
        }
        for closer in closers { closer.resume() }
    }

    deinit {
        closeFile(bell.read)
        closeFile(bell.write)
    }

    /// Takes connections that were opened since.
    private func take(_ hand: inout Hand) {
        let (opened, failures) = shared.withLock { shared in
            defer { (shared.opened, shared.failures) = ([], []) }
            return (shared.opened, shared.failures)
        }
        hand.opening = max(hand.opening - opened.count - failures.count, 0)
        hand.idle += opened.compactMap { $0.take() }
        if !opened.isEmpty { hand.pause = .milliseconds(20) }
        if let failure = failures.last {
            hand.reason = failure
            hand.nextOpening = .now + hand.pause
            hand.pause = min(hand.pause * 2, .seconds(1))
        }
    }

    /// Sends what waits by connections that are free, and opens others when there are too few. Returns whether all is over, and when there is something to do again.
    private func assign(_ hand: inout Hand) -> (Bool, ContinuousClock.Instant) {
        var next = ContinuousClock.now + .seconds(60)
        while true {
            let now = ContinuousClock.now
            var late: [Job] = []
            var job: Job?
            let (waiting, first, isClosing) = shared.withLock { shared in
                while let first = shared.waiting.first, first.deadline <= now {
                    late.append(shared.waiting.removeFirst())
                }
                if !hand.idle.isEmpty, !shared.waiting.isEmpty { job = shared.waiting.removeFirst() }
                return (shared.waiting.count, shared.waiting.first?.deadline, shared.isClosing)
            }
            for job in late { job.answer(.unavailable(refusal(hand))) }
            if let job {
                send(job, &hand)
                continue
            }
            if isClosing, waiting == 0, hand.busy.isEmpty { return (true, next) }
            if let first { next = min(next, first) }
            if waiting > hand.opening, hand.count < configuration.connections {
                if hand.nextOpening > now { next = min(next, hand.nextOpening) } else { begin(&hand) }
                if hand.nextOpening <= now, waiting > hand.opening { continue }
            }
            for busy in hand.busy { next = min(next, busy.deadline) }
            return (false, next)
        }
    }

    private func refusal(_ hand: Hand) -> String {
        hand.idle.isEmpty && hand.busy.isEmpty
            ? hand.reason.description
            : "no connection became free in \(configuration.waitSeconds) s; slow down, or give the store more connections"
    }

    private func send(_ job: Job, _ hand: inout Hand) {
        // The one used last: those that nobody needs stay idle.
        let connection = hand.idle.removeLast()
        let deadline = ContinuousClock.now + .seconds(configuration.statementSeconds + 2)
        note(connection.send(job.request), Busy(connection: connection, job: job, deadline: deadline), &hand)
    }

    private func note(_ outcome: Connection.Outcome, _ busy: Busy, _ hand: inout Hand) {
        switch outcome {
        case .waits: hand.busy.append(busy)
        case .done(let reply):
            hand.idle.append(busy.connection)
            busy.job.answer(reply)
        case .broken(let reply) where reply.isOfConnection(busy.job.request):
            // Nothing was changed: it is asked again, while there is time.
            shared.withLock { $0.waiting.insert(busy.job, at: 0) }
        case .broken(let reply): busy.job.answer(reply)
        }
    }

    /// Opens one more, on a thread of its own: a name that is looked up may take long.
    private func begin(_ hand: inout Hand) {
        hand.opening += 1
        let open = self.open
        DispatchQueue.global().async { [self] in
            do throws(PostgresStoreError) {
                let connection = try open(.now + .seconds(configuration.waitSeconds))
                let isClosed = shared.withLock { shared in
                    if !shared.isClosed { shared.opened.append(connection) }
                    return shared.isClosed
                }
                if !isClosed { ring() }
            } catch {
                shared.withLock { $0.failures.append(error) }
                ring()
            }
        }
    }

    /// Waits for answers, for a bell, or until there is something to do.
    private func wait(_ hand: inout Hand, until next: ContinuousClock.Instant) {
        var sockets = [pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0)]
        sockets += hand.busy.map(\.connection.polled) + hand.idle.map(\.polled)
        _ = ReevePostgres.wait(on: &sockets, until: next)
        if sockets[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 256)
            while unsafe read(bell.read, &bytes, bytes.count) > 0 {}
        }
        let (busy, idle, now) = (hand.busy, hand.idle, ContinuousClock.now)
        (hand.busy, hand.idle) = ([], [])
        for (offset, one) in idle.enumerated() {
            guard sockets[1 + busy.count + offset].revents != 0 else {
                hand.idle.append(one)
                continue
            }
            if case .waits = one.advance() { hand.idle.append(one) }
        }
        for (offset, one) in busy.enumerated() {
            if sockets[1 + offset].revents != 0 {
                note(one.connection.advance(), one, &hand)
            } else if one.deadline <= now {
                // The server is silent: this connection is of no use.
                one.job.answer(one.job.request.changes ? .lost : .unavailable("the server did not answer in time"))
            } else {
                hand.busy.append(one)
            }
        }
    }
}

private func closeFile(_ file: Int32) { _ = close(file) }
#endif
