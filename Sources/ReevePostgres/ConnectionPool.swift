// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Connections, and one thread that receives for all of them: no call holds a thread while it waits.
///
/// A call that finds a connection sends at once, and looks for a moment whether the answer comes: a server nearby answers faster than another thread is woken. What takes longer is the thread's, and
/// so is what has to wait in line.
final class ConnectionPool: Sendable {
    /// How a connection is opened, from nothing to one that can be asked.
    typealias Opening = @Sendable (ContinuousClock.Instant) throws(PostgresStoreError) -> PooledConnection

    /// A request that was sent by a connection, and by when it has to be answered.
    private struct Sent {
        let connection: PooledConnection
        let job: Job
        let deadline: ContinuousClock.Instant
    }

    private struct Shared {
        var waiting: [Job] = []
        /// Connections that nobody uses, the one used last at the end.
        var idle: [PooledConnection] = []
        /// What callers sent, and the thread is to receive.
        var sent: [Sent] = []
        /// How many connections callers have in hand.
        var inHand = 0
        /// How many there are, with those that are being opened.
        var count = 1
        var opening = 0
        /// Why others could not be opened, since the thread looked.
        var failures: [PostgresStoreError] = []
        var hasOpened = false
        var isClosing = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let shared: Mutex<Shared>
    private let configuration: PostgresStore.Configuration
    private let open: Opening
    /// Both ends of a pipe that wakes the thread.
    private let bell: (read: Int32, write: Int32)
    /// Whether answers to what looks, and to what changes, come within a moment.
    private let moments = (looks: Moment(), changes: Moment())

    /// A pool that begins with one connection.
    init(
        _ configuration: PostgresStore.Configuration, first: PooledConnection, _ open: @escaping Opening
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
        begin.idle = [first]
        shared = Mutex(begin)
        let thread = Thread { self.work() }
        thread.name = "reeve.postgres"
        thread.start()
    }

    deinit {
        closeFile(bell.read)
        closeFile(bell.write)
    }

    // MARK: From any task

    /// Answers a request. A task that is cancelled while it waits is answered at once when nothing was sent that changes something; one that already was is served as any other.
    func answer(_ request: Request) async -> Reply {
        let job = Job(request, deadline: .now + .seconds(configuration.waitSeconds))
        switch sendAtOnce(job) {
        case .answered(let reply): return reply
        case .waits, .isSent:
            guard !Task.isCancelled else { return await job.reply() }
            return await withTaskCancellationHandler {
                await job.reply()
            } onCancel: {
                cancel(job)
            }
        }
    }

    private enum Begun {
        case answered(Reply)
        case isSent
        case waits
    }

    /// Sends by a connection that nobody uses; where there is none, the job stands in line.
    private func sendAtOnce(_ job: Job) -> Begun {
        while let connection = free() {
            // One that has something to say, though nobody asked it, mostly says that it ends.
            guard connection.isQuiet else {
                drop()
                continue
            }
            var outcome = connection.send(job.request)
            let moment = job.request.changes ? moments.changes : moments.looks
            if outcome.isWaiting, moment.isLikely {
                outcome = connection.advance(within: .microseconds(100))
                moment.note(hasCome: !outcome.isWaiting)
            }
            switch outcome {
            case .waits:
                let sent = Sent(connection: connection, job: job, deadline: answerDeadline)
                shared.withLock { shared in
                    shared.inHand -= 1
                    shared.sent.append(sent)
                }
                ring()
                return .isSent
            case .done(let reply):
                giveBack(connection, fromHand: true)
                return .answered(reply)
            case .broken(let reply):
                drop()
                guard reply.isOfConnection(job.request) else { return .answered(reply) }
            }
        }
        return line(job)
    }

    /// A connection that nobody uses, when nobody stands in line for it.
    private func free() -> PooledConnection? {
        shared.withLock { shared in
            guard !shared.isClosing, shared.waiting.isEmpty, let free = shared.idle.popLast() else { return nil }
            shared.inHand += 1
            return free
        }
    }

    private func line(_ job: Job) -> Begun {
        let refusal: String? = shared.withLock { shared in
            if shared.isClosing { return "the store is closed" }
            guard shared.waiting.count < configuration.queue else {
                return "\(configuration.queue) calls wait already; slow down, or give the store more connections"
            }
            shared.waiting.append(job)
            return nil
        }
        if let refusal { return .answered(.unavailable(refusal)) }
        ring()
        return .waits
    }

    private var answerDeadline: ContinuousClock.Instant { .now + .seconds(configuration.statementSeconds + 2) }

    /// One that a caller had is of no use any more.
    private func drop() {
        let isWanted = shared.withLock { shared in
            shared.inHand -= 1
            shared.count -= 1
            return shared.isClosing || !shared.waiting.isEmpty
        }
        if isWanted { ring() }
    }

    private func giveBack(_ connection: PooledConnection, fromHand: Bool) {
        let isWanted = shared.withLock { shared in
            if fromHand { shared.inHand -= 1 }
            shared.idle.append(connection)
            return shared.isClosing || !shared.waiting.isEmpty
        }
        if isWanted, fromHand { ring() }
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

    /// What the thread has.
    private struct Hand {
        var busy: [Sent] = []
        var nextOpening = ContinuousClock.now
        var pause: Duration = .milliseconds(20)
        var reason = PostgresStoreError(.notReachable)
    }

    private func work() {
        var hand = Hand()
        while true {
            take(&hand)
            let (isDone, next) = assign(&hand)
            if isDone { break }
            wait(&hand, until: next)
        }
        let closers = shared.withLock { shared in
            shared.isClosed = true
            defer { (shared.closers, shared.idle) = ([], []) }
            return shared.closers
        }
        for closer in closers { closer.resume() }
    }

    /// Takes what callers sent, and learns how opening connections went.
    private func take(_ hand: inout Hand) {
        let (sent, failures, hasOpened) = shared.withLock { shared in
            defer { (shared.sent, shared.failures, shared.hasOpened) = ([], [], false) }
            return (shared.sent, shared.failures, shared.hasOpened)
        }
        hand.busy += sent
        if hasOpened { hand.pause = .milliseconds(20) }
        if let failure = failures.last {
            hand.reason = failure
            hand.nextOpening = .now + hand.pause
            hand.pause = min(hand.pause * 2, .seconds(1))
        }
    }

    /// Sends what waits by connections that are free, and opens others when there are too few. Returns whether all is over, and when there is something to do again.
    private func assign(_ hand: inout Hand) -> (Bool, ContinuousClock.Instant) {
        while true {
            let now = ContinuousClock.now
            let isPausing = hand.nextOpening > now
            var (late, next): ([Job], [ContinuousClock.Instant]) = ([], hand.busy.map(\.deadline))
            var (job, connection): (Job?, PooledConnection?) = (nil, nil)
            var (opens, isAway, isOver) = (false, false, false)
            shared.withLock { shared in
                while let first = shared.waiting.first, first.deadline <= now {
                    late.append(shared.waiting.removeFirst())
                }
                if !shared.waiting.isEmpty, let free = shared.idle.popLast() {
                    (job, connection) = (shared.waiting.removeFirst(), free)
                }
                if let first = shared.waiting.first?.deadline { next.append(first) }
                isAway = shared.count == shared.opening
                if job == nil, shared.waiting.count > shared.opening, shared.count < configuration.connections {
                    opens = !isPausing
                    if opens {
                        (shared.opening, shared.count) = (shared.opening + 1, shared.count + 1)
                    } else {
                        next.append(hand.nextOpening)
                    }
                }
                isOver = shared.isClosing && shared.waiting.isEmpty && shared.sent.isEmpty && shared.inHand == 0
            }
            for job in late { job.answer(.unavailable(refusal(hand, isAway))) }
            if let job, let connection {
                send(job, connection, &hand)
            } else if opens {
                begin()
            } else {
                return (isOver && job == nil && hand.busy.isEmpty, next.min() ?? now + .seconds(60))
            }
        }
    }

    private func refusal(_ hand: Hand, _ isAway: Bool) -> String {
        isAway
            ? hand.reason.description
            : "no connection became free in \(configuration.waitSeconds) s; slow down, or give the store more connections"
    }

    private func send(_ job: Job, _ connection: PooledConnection, _ hand: inout Hand) {
        let busy = Sent(connection: connection, job: job, deadline: answerDeadline)
        guard connection.isQuiet else { return again(busy) }
        note(connection.send(job.request), busy, &hand)
    }

    private func note(_ outcome: Connection.Outcome, _ busy: Sent, _ hand: inout Hand) {
        switch outcome {
        case .waits: hand.busy.append(busy)
        case .done(let reply):
            giveBack(busy.connection, fromHand: false)
            busy.job.answer(reply)
        case .broken(let reply) where reply.isOfConnection(busy.job.request): again(busy)
        case .broken(let reply):
            shared.withLock { $0.count -= 1 }
            busy.job.answer(reply)
        }
    }

    /// The connection broke and nothing was changed: it is asked again, while there is time.
    private func again(_ busy: Sent) {
        shared.withLock { shared in
            shared.count -= 1
            shared.waiting.insert(busy.job, at: 0)
        }
    }

    /// Opens one more, on a thread of its own: a name that is looked up may take long.
    private func begin() {
        let (open, deadline) = (self.open, ContinuousClock.now + .seconds(configuration.waitSeconds))
        DispatchQueue.global().async { [self] in
            do throws(PostgresStoreError) {
                let connection = try open(deadline)
                shared.withLock { shared in
                    shared.opening -= 1
                    if !shared.isClosed { (shared.hasOpened, shared.idle) = (true, shared.idle + [connection]) }
                }
            } catch {
                shared.withLock { shared in
                    (shared.opening, shared.count) = (shared.opening - 1, shared.count - 1)
                    shared.failures.append(error)
                }
            }
            ring()
        }
    }

    /// Waits for answers, for a bell, or until there is something to do.
    private func wait(_ hand: inout Hand, until next: ContinuousClock.Instant) {
        var sockets = [pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0)]
        sockets += hand.busy.map(\.connection.polled)
        _ = ReevePostgres.wait(on: &sockets, until: next)
        if sockets[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 256)
            while unsafe read(bell.read, &bytes, bytes.count) > 0 {}
        }
        let (busy, now) = (hand.busy, ContinuousClock.now)
        hand.busy = []
        for (one, socket) in zip(busy, sockets.dropFirst()) {
            if socket.revents != 0 {
                note(one.connection.advance(), one, &hand)
            } else if one.deadline <= now {
                // The server is silent: this connection is of no use.
                shared.withLock { $0.count -= 1 }
                one.job.answer(one.job.request.changes ? .lost : .unavailable("the server did not answer in time"))
            } else {
                hand.busy.append(one)
            }
        }
    }
}

/// Whether answers of a kind come within a moment: when one did not, the next ones are not waited for; then it is tried again.
private final class Moment: Sendable {
    private let unlikely = Atomic<Int>(0)
    private static let pause = 64

    var isLikely: Bool {
        guard unlikely.load(ordering: .relaxed) > 0 else { return true }
        unlikely.subtract(1, ordering: .relaxed)
        return false
    }

    func note(hasCome: Bool) { if !hasCome { unlikely.store(Self.pause, ordering: .relaxed) } }
}

private func closeFile(_ file: Int32) { _ = close(file) }
#endif
