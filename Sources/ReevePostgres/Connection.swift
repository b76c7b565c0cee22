// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import CLibpq
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One connection to the server, with its statements prepared. One thread at a time uses it.
@safe final class Connection {
    /// What it can be asked to do next.
    enum Outcome {
        /// Something is on its way.
        case waits
        /// It answered, and can be asked again.
        case done(Reply)
        /// It is of no use any more; what became of what was sent.
        case broken(Reply)

        var isWaiting: Bool {
            if case .waits = self { return true }
            return false
        }
    }

    /// The library's own; freed with this object, and lent to nobody.
    private let handle: OpaquePointer
    /// By when it has to be ready.
    private let deadline: ContinuousClock.Instant
    /// The steps that were sent, and the one whose answer comes next.
    private var steps: [Statement] = []
    private var step = 0
    private var rows: [[[[UInt8]]]] = []
    /// The step that failed; the server's code, `nil` when it is the connection that failed; and whether the server goes on.
    private var failure: (step: Int, state: String?, isError: Bool)?
    /// What is answered once the transaction that failed is undone.
    private var undone: Reply?

    /// Connects to the first of several servers that lets it in, and logs in, at the latest by the deadline; looking up a name is not bounded by it.
    static func open(
        _ parameters: ConnectionParameters, by deadline: ContinuousClock.Instant
    ) throws(PostgresStoreError) -> Connection {
        var servers = parameters.servers[...]
        while let server = servers.popFirst() {
            // Each has its share of what time is left.
            let share = ContinuousClock.now.duration(to: deadline) / (servers.count + 1)
            do throws(PostgresStoreError) {
                return try Connection(server, by: .now + share, until: deadline)
            } catch {
                guard !servers.isEmpty else { throw error }
            }
        }
        throw PostgresStoreError(.notReachable)
    }

    private init(
        _ pairs: [(String, String)], by loggedIn: ContinuousClock.Instant, until deadline: ContinuousClock.Instant
    ) throws(PostgresStoreError) {
        self.deadline = deadline
        let started = unsafe withPointers(to: pairs.map { Array($0.0.utf8) }) { names in
            unsafe withPointers(to: pairs.map { Array($0.1.utf8) }) { values in
                unsafe PQconnectStartParams(names, values, 0)
            }
        }
        guard let started = unsafe started else { throw PostgresStoreError(.notReachable) }
        unsafe handle = started
        unsafe reeve_silence(handle)
        var waitsFor = PGRES_POLLING_WRITING
        while waitsFor != PGRES_POLLING_OK {
            guard waitsFor != PGRES_POLLING_FAILED, !isBroken else { throw PostgresStoreError(.notReachable) }
            let events = Int16(waitsFor == PGRES_POLLING_WRITING ? POLLOUT : POLLIN)
            var one = [unsafe pollfd(fd: PQsocket(handle), events: events, revents: 0)]
            guard wait(on: &one, until: loggedIn) else { throw PostgresStoreError(.notReachable) }
            waitsFor = unsafe PQconnectPoll(handle)
        }
        guard unsafe PQsetnonblocking(handle, 1) == 0 else { throw PostgresStoreError(.failed) }
    }

    deinit { unsafe PQfinish(handle) }

    /// The socket that is waited on, and for what.
    var polled: pollfd {
        let isSending = unsafe PQflush(handle) == 1
        return unsafe pollfd(
            fd: PQsocket(handle), events: Int16(POLLIN) | (isSending ? Int16(POLLOUT) : 0), revents: 0)
    }

    /// Runs statements before it is used by others, and waits for them as long as opening may take; returns the first row of the last one that has any.
    func run(_ text: String) throws(PostgresStoreError) -> [String?] {
        guard unsafe PQsendQuery(handle, text) == 1 else { throw PostgresStoreError(.notReachable) }
        var row: [String?] = []
        var failure: PostgresStoreError?
        while let result = try unsafe nextResult() {
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK where unsafe PQntuples(result) > 0:
                row = (0..<(unsafe PQnfields(result))).map { column in
                    unsafe PQgetisnull(result, 0, column) == 1 ? nil : String(cString: PQgetvalue(result, 0, column))
                }
            case PGRES_TUPLES_OK: row = []
            case PGRES_COMMAND_OK: break
            default: failure = unsafe failure ?? Self.failure(result)
            }
        }
        if let failure { throw failure }
        return row
    }

    /// Prepares the statements; what is run from here on is sent and answered later.
    func prepare(_ schema: String) throws(PostgresStoreError) {
        for statement in Statement.allCases {
            guard unsafe PQsendPrepare(handle, statement.rawValue, statement.text(schema), 0, nil) == 1 else {
                throw PostgresStoreError(.notReachable)
            }
            var failure: PostgresStoreError?
            while let result = try unsafe nextResult() {
                defer { unsafe PQclear(result) }
                if unsafe PQresultStatus(result) != PGRES_COMMAND_OK { failure = unsafe Self.failure(result) }
            }
            if let failure { throw failure }
        }
        guard unsafe PQenterPipelineMode(handle) == 1 else { throw PostgresStoreError(.failed) }
    }

    private static func failure(_ result: OpaquePointer) -> PostgresStoreError {
        unsafe reeve_sqlstate(result).map { unsafe PostgresStoreError(state: String(cString: $0)) }
            ?? PostgresStoreError(.notReachable)
    }

    /// The next result of what was sent, `nil` after the last one.
    private func nextResult() throws(PostgresStoreError) -> OpaquePointer? {
        while unsafe PQisBusy(handle) == 1 {
            var one = [polled]
            guard wait(on: &one, until: deadline), consume() else { throw PostgresStoreError(.notReachable) }
        }
        return unsafe PQgetResult(handle)
    }

    /// Takes in what the server sent, with what TLS holds of it.
    private func consume() -> Bool {
        repeat {
            guard unsafe PQconsumeInput(handle) == 1 else { return false }
        } while unsafe PQisBusy(handle) == 1 && reeve_tls_pending(handle) > 0
        return true
    }

    // MARK: One request at a time

    /// Sends a request; the one before it has been answered.
    func send(_ request: Request) -> Outcome {
        undone = nil
        return send(request.steps)
    }

    private func send(_ steps: [Request.Step]) -> Outcome {
        (self.steps, step, rows, failure) = (steps.map(\.statement), 0, [], nil)
        for step in steps {
            let lengths = step.parameters.map { Int32($0.count) }
            let formats = step.parameters.map { _ in Int32(1) }
            let isSent = unsafe withPointers(to: step.parameters) { values in
                unsafe PQsendQueryPrepared(
                    handle, step.statement.rawValue, Int32(step.parameters.count), values, lengths, formats, 1)
            }
            guard isSent == 1 else { return .broken(undone ?? .lost) }
        }
        guard unsafe PQpipelineSync(handle) == 1 else { return .broken(undone ?? .lost) }
        return advance()
    }

    /// Reads what has come, and sends what could not be sent before.
    func advance() -> Outcome {
        let isWhole = unsafe consume() && PQflush(handle) >= 0
        guard !steps.isEmpty else {
            // What a server says when nothing was asked is that it ends.
            return isWhole && !isBroken ? .waits : .broken(.lost)
        }
        var isBetween = false
        while unsafe isBroken || !isWhole || PQisBusy(handle) == 0 {
            guard let result = unsafe PQgetResult(handle) else {
                // Once between two steps; and for ever when it broke.
                if isBetween { return .broken(brokenReply) }
                isBetween = true
                step += 1
                continue
            }
            isBetween = false
            defer { unsafe PQclear(result) }
            if let outcome = unsafe take(result) { return outcome }
        }
        return .waits
    }

    /// Whether the server has said nothing since it was asked last.
    var isQuiet: Bool {
        var one = [unsafe pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)]
        return unsafe poll(&one, 1, 0) == 0
    }

    /// Reads what comes within a time so short that nobody minds a thread that waits.
    func advance(within time: Duration) -> Outcome {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            if isQuiet {
                sched_yield()
                continue
            }
            let outcome = advance()
            guard outcome.isWaiting else { return outcome }
        }
        return .waits
    }

    private var isBroken: Bool { unsafe PQstatus(handle) == CONNECTION_BAD }

    private func take(_ result: OpaquePointer) -> Outcome? {
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK: unsafe rows.append(Self.rows(of: result))
        case PGRES_COMMAND_OK:
            rows.append([])
            // One that failed is ended by COMMIT, too, but as a ROLLBACK.
            if step < steps.count, steps[step] == .commit, unsafe String(cString: PQcmdStatus(result)) != "COMMIT" {
                failure = (step, "25000", true)
            }
        case PGRES_PIPELINE_ABORTED: break
        case PGRES_PIPELINE_SYNC: return finish()
        default:
            guard failure == nil else { break }
            let state = unsafe reeve_sqlstate(result).map { unsafe String(cString: $0) }
            let severity = unsafe reeve_severity(result).map { unsafe String(cString: $0) }
            failure = (step, state, severity == "ERROR")
        }
        return nil
    }

    /// Everything was answered.
    private func finish() -> Outcome {
        let reply = failure == nil ? .rows(rows) : brokenReply
        let isGood = failure == nil
        steps = []
        let status = unsafe PQtransactionStatus(handle)
        if let undone { return isGood && status == PQTRANS_IDLE ? .done(undone) : .broken(undone) }
        switch status {
        case _ where failure?.state.map(Self.endsConnection) ?? false: return .broken(reply)
        case PQTRANS_IDLE: return .done(reply)
        case PQTRANS_INERROR:
            undone = reply
            return send([Request.Step(.rollback)])
        default: return .broken(isGood ? .lost : reply)
        }
    }

    /// What is known once a step failed, or the connection.
    private var brokenReply: Reply {
        if let undone { return undone }
        // What the server itself calls an error has no effect; whatever else comes may come after the end, from something in between.
        guard let failure, failure.isError, let state = failure.state, !Self.isUnclear(state) else { return .lost }
        return .refused(state)
    }

    private static func isUnclear(_ state: String) -> Bool {
        state == "40003" || state.hasPrefix("08") || state.hasPrefix("57P")
    }

    /// Whether an error says that this connection is not what it was: a server that only reads now, statements that are gone.
    private static func endsConnection(_ state: String) -> Bool { ["25006", "26000", "0A000"].contains(state) }

    private static func rows(of result: OpaquePointer) -> [[[UInt8]]] {
        let columns = unsafe PQnfields(result)
        return unsafe (0..<PQntuples(result)).map { row in
            (0..<columns).map { column in
                let count = unsafe Int(PQgetlength(result, row, column))
                guard count > 0, let start = unsafe PQgetvalue(result, row, column) else { return [] }
                return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
            }
        }
    }
}

/// A connection that goes from thread to thread; whoever the pool gave it to uses it.
final class PooledConnection: Sendable {
    private let connection: Mutex<Connection>

    init(_ connection: sending Connection) { self.connection = Mutex(connection) }

    var isQuiet: Bool { connection.withLock { $0.isQuiet } }
    var polled: pollfd { connection.withLock { $0.polled } }
    func send(_ request: Request) -> Connection.Outcome { connection.withLock { $0.send(request) } }
    func advance() -> Connection.Outcome { connection.withLock { $0.advance() } }
    func advance(within time: Duration) -> Connection.Outcome { connection.withLock { $0.advance(within: time) } }
}

/// Lends texts or byte strings as C strings, a null pointer after the last one.
private func withPointers<Value>(
    to values: [[UInt8]], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
) -> Value {
    var bytes: [CChar] = []
    bytes.reserveCapacity(values.reduce(0) { $0 + $1.count + 1 })
    var starts: [Int] = []
    for value in values {
        starts.append(bytes.count)
        unsafe value.withUnsafeBytes { unsafe bytes.append(contentsOf: $0.bindMemory(to: CChar.self)) }
        bytes.append(0)
    }
    return unsafe bytes.withUnsafeBufferPointer { buffer in
        let pointers: [UnsafePointer<CChar>?] =
            unsafe starts.map { start in unsafe buffer.baseAddress.map { unsafe $0 + start } } + [nil]
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}

/// Waits until something happens on one of the sockets; `false` when nothing did by the deadline.
func wait(on sockets: inout [pollfd], until deadline: ContinuousClock.Instant) -> Bool {
    while true {
        let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
        let count = unsafe sockets.withUnsafeMutableBufferPointer {
            unsafe poll($0.baseAddress, nfds_t($0.count), Int32(min(max(left.rounded(.up), 0), 60_000)))
        }
        if count > 0 { return true }
        if count == 0 || errno != EINTR, left <= 60_000 { return false }
    }
}
#endif
