// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage

/// What several writers did to a store at the same time, and what it told them.
///
/// ``record(on:writers:operations:seed:)`` makes one, and ``violation()`` finds what no store could have told that does
/// one thing after the other.
public struct StoreHistory: Sendable {
    /// One call of the store.
    public struct Operation: Sendable, CustomStringConvertible {
        /// What was called.
        public enum Call: String, Sendable {
            /// `record(for:)`, `records(in:limit:)` and `commit(_:)`.
            case read, range, commit
        }
        /// How it ended.
        public enum Outcome: String, Sendable {
            /// With an answer.
            case done
            /// The store said that nothing happened.
            case refused
            /// The reply was lost.
            case unknown
        }

        /// What was called.
        public var call: Call
        /// Who called; each writer does one thing after the other.
        public var writer: Int
        /// When the call began, as a number that rises with every beginning and end.
        public var start: Int
        /// When it ended.
        public var end: Int
        /// How it ended.
        public var outcome = Outcome.done
        /// The revision of a commit.
        public var revision: Revision?
        /// What a read told of each key, or what a commit expected of it; `nil` for no record.
        public var observed: [Key: Revision?] = [:]
        /// What a commit wrote, or `nil` where it deleted; what a read returned.
        public var bytes: [Key: [UInt8]?] = [:]
        /// What cannot be right about the answer by itself, such as a wrong order.
        public var defect: String?

        /// A call of a writer between two times.
        public init(call: Call, writer: Int, start: Int, end: Int) {
            self.call = call
            self.writer = writer
            self.start = start
            self.end = end
        }

        /// The call with its times, and each key with its revision.
        public var description: String {
            let keys = observed.sorted { $0.key < $1.key }.map { key, revision in
                "\(key)=\(revision.map { String($0.description.suffix(6)) } ?? "none")"
            }
            let writes = call == .commit ? bytes.keys.sorted().map(\.description) : []
            return "[\(start),\(end)] writer \(writer) \(call) \(outcome)"
                + (revision.map { " \($0.description.suffix(6))" } ?? "")
                + (keys.isEmpty ? "" : (call == .commit ? " expected " : " saw ") + keys.joined(separator: " "))
                + (writes.isEmpty ? "" : " changed " + writes.joined(separator: " "))
        }
    }

    /// What cannot have happened, in as few operations as show it.
    public struct Violation: Error, Sendable, CustomStringConvertible {
        /// What is wrong.
        public let reason: String
        /// The operations that show it, with what they saw of the keys that matter: at most 20.
        public let operations: [Operation]

        /// The reason, and the operations by their beginning.
        public var description: String {
            ([reason] + operations.sorted { $0.start < $1.start }.map(\.description)).joined(separator: "\n")
        }
    }

    /// The operations, in no order.
    public var operations: [Operation]

    /// A history of these operations.
    public init(_ operations: [Operation]) {
        self.operations = operations
    }
}
