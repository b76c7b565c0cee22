// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
public import ReeveStorage
import Synchronization

/// One statement that a ``JoinedStore`` has run on the host's connection.
public struct PostgresStatement: Sendable {
    /// A parameter in the server's binary format.
    public struct Parameter: Sendable {
        /// The type's number (OID): 17 for `bytea`, 1001 for `bytea[]`, 20 for `bigint`.
        public let type: UInt32
        /// The value in binary format.
        public let bytes: [UInt8]
    }

    /// Its text, with `$1` and so on for the parameters.
    public let text: String
    /// What is bound to them, in binary format; it may be personal data.
    public let parameters: [Parameter]
}

extension PostgresStatement: CustomStringConvertible, CustomReflectable {
    /// The text alone.
    public var description: String { text }
    /// The text alone.
    public var customMirror: Mirror { Mirror(self, children: ["text": text]) }
}

/// A store inside a transaction of the host's own: what is committed to it takes effect with the host's rows, or not at all. ``PostgresStore/joined(_:)`` makes one.
///
/// Open the rooms that should act in the transaction over it, and let them go with it. What they report as done is done once the host has committed. Reads see what the transaction wrote. One
/// statement runs at a time. When a call throws `StoreError.unavailable(_:)`, roll the transaction back; after a conflict it may go on.
public struct JoinedStore: Store {
    /// Runs one statement on the connection that has the transaction, and returns the rows' columns in binary format.
    public typealias Run = @Sendable (PostgresStatement) async throws -> [[[UInt8]]]

    private let schema: String
    private let run: Run
    private let turns = Turns<Bool>()
    private let isLost = Flag()

    private final class Flag: Sendable {
        let value = Mutex(false)
    }

    init(_ schema: String, _ run: @escaping Run) {
        (self.schema, self.run) = (schema, run)
    }

    /// The record of a key, as the transaction sees it.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        let rows = try await turns.run(true) { () throws(StoreError) in try await answer(.point(key)) }
        return try rows.first.map { row throws(StoreError) in try Record(row: row[...], of: key) }
    }

    /// At most `limit` entries of a range in key order, as the transaction sees them.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        guard limit > 0 else { return [] }
        return try await turns.run(true) { () throws(StoreError) in try await answer(.range(range, limit)) }
            .map { row throws(StoreError) in try Entry(row: row) }
    }

    /// Applies all changes in the transaction, or none; others see them once the host has committed.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        let steps = CommitRequest(changes).request.steps
        guard !changes.changes.isEmpty || !changes.expectations.isEmpty else { return }
        try await turns.run(true) { () throws(StoreError) in
            try await ask("SAVEPOINT reeve")
            do throws(StoreError) {
                for step in steps { try await take(step) }
                try await ask("RELEASE SAVEPOINT reeve")
            } catch {
                do throws(StoreError) {
                    for end in ["ROLLBACK TO SAVEPOINT reeve", "RELEASE SAVEPOINT reeve"] { try await ask(end) }
                } catch {
                    // Half of it may be in the transaction: nothing more is, so that the host learns of it.
                    isLost.value.withLock { $0 = true }
                }
                throw error
            }
        }
    }

    /// A step of a commit; an expectation that does not hold is asked for, since an error would end the host's transaction.
    private func take(_ step: Request.Step) async throws(StoreError) {
        switch step.statement {
        case .begin, .commit: break
        case .check, .checkAdded:
            let asked = Request.Step(step.statement == .check ? .broken : .brokenAdded, step.parameters)
            if let key = try await answer(asked).first?.first { throw .conflict(Key(encoded: key)) }
        default: _ = try await answer(step)
        }
    }

    private func answer(_ step: Request.Step) async throws(StoreError) -> [[[UInt8]]] {
        let parameters = zip(step.statement.types, step.parameters).map {
            PostgresStatement.Parameter(type: $0, bytes: $1)
        }
        return try await ask(step.statement.text(schema), parameters)
    }

    @discardableResult
    private func ask(
        _ text: String, _ parameters: [PostgresStatement.Parameter] = []
    ) async throws(StoreError) -> [[[UInt8]]] {
        let failed = StoreError.unavailable(
            "a statement failed in the host's transaction; roll it back, and begin again")
        guard !isLost.value.withLock({ $0 }) else { throw failed }
        do {
            return try await run(PostgresStatement(text: text, parameters: parameters))
        } catch {
            throw failed
        }
    }
}
#endif
