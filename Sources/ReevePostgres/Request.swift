// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import ReeveStorage
import Synchronization

/// What is sent to the server at once, and answered at once: one statement, or several that are one transaction.
struct Request: Sendable {
    /// A prepared statement and what is bound to it, in the server's binary format.
    struct Step: Sendable {
        let statement: Statement
        let parameters: [[UInt8]]

        init(_ statement: Statement, _ parameters: [[UInt8]] = []) {
            self.statement = statement
            self.parameters = parameters
        }
    }

    let steps: [Step]
    /// Whether something may have changed when the reply is lost.
    var changes: Bool { steps.last.map { $0.statement == .commit || $0.statement.isWhole } ?? false }
}

extension Request.Step {
    /// Asks for the record of a key.
    static func point(_ key: Key) -> Self {
        Self(AppendOnly.holds(key) ? .pointAdded : .point, [key.bytes])
    }

    /// Asks for at most so many records of a range.
    static func range(_ range: KeyRange, _ limit: Int) -> Self {
        let limit = (0..<8).map { UInt8(truncatingIfNeeded: limit >> (56 - 8 * $0)) }
        let statement = AppendOnly.holds(range).map { $0 ? Statement.rangeAdded : .range } ?? .rangeBoth
        return Self(statement, [range.lowerBound, range.upperBound, limit])
    }
}

extension Record {
    /// What a row says of a key: revision and value.
    init(row: ArraySlice<[UInt8]>, of key: Key) throws(StoreError) {
        guard row.count == 2, let revision = row.first.flatMap(Revision.init(bytes:)), let value = row.last else {
            throw .malformed(key)
        }
        self.init(bytes: value, revision: revision)
    }
}

extension Entry {
    /// What a row says: key, revision and value.
    init(row: [[UInt8]]) throws(StoreError) {
        let key = Key(encoded: row.first ?? [])
        self.init(key: key, record: try Record(row: row.dropFirst(), of: key))
    }
}

/// What became of a request.
enum Reply: Sendable {
    /// The rows of each step, each a list of values.
    case rows([[[[UInt8]]]])
    /// The server refused a step, and nothing of the transaction has taken effect: its SQLSTATE.
    case refused(String)
    /// It was sent, and nobody knows what became of it.
    case lost
    /// It was not sent, or only looked; why, and what to check.
    case unavailable(String)

    /// Whether it was the connection that failed, and nothing of the request has taken effect: what only looks may be asked again.
    func isOfConnection(_ request: Request) -> Bool {
        if case .lost = self { !request.changes } else { false }
    }
}

/// A request that waits, or is on its way.
final class Job: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Reply, Never>)
        case answered(Reply)
    }

    let request: Request
    /// By when it has to have a connection.
    let deadline: ContinuousClock.Instant
    private let state = Mutex(State.new)

    init(_ request: Request, deadline: ContinuousClock.Instant) {
        self.request = request
        self.deadline = deadline
    }

    /// The answer, which may have come before it is waited for.
    func reply() async -> Reply {
        await withCheckedContinuation { waiter in
            let early: Reply? = state.withLock { state in
                if case .answered(let reply) = state { return reply }
                state = .waiting(waiter)
                return nil
            }
            if let early { waiter.resume(returning: early) }
        }
    }

    /// Answers; the first answer counts.
    func answer(_ reply: Reply) {
        let waiter: CheckedContinuation<Reply, Never>? = state.withLock { state in
            switch state {
            case .new:
                state = .answered(reply)
                return nil
            case .waiting(let waiter):
                state = .answered(reply)
                return waiter
            case .answered: return nil
            }
        }
        waiter?.resume(returning: reply)
    }
}
#endif
