// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReevePrivacy
import Synchronization

/// A place for personal data in memory, that can be told to fail.
public final class MemoryLocation: DataLocation {
    private struct State {
        var contents: [Identifier<DataRecord>: (subject: Identifier<DataSubject>?, bytes: [UInt8])] = [:]
        var isFailing = false
        var erasures: [Identifier<DataRecord>] = []

        func check() throws {
            if isFailing { throw BrokenPromise("the place was told to fail") }
        }
    }
    private let state = Mutex(State())

    /// Its name.
    public let name: String

    /// An empty place.
    public init(_ name: String = "host") { self.name = name }

    /// Puts something here.
    public func put(
        _ record: Identifier<DataRecord>, about subject: Identifier<DataSubject>? = nil,
        _ bytes: [UInt8] = Array("{}".utf8)
    ) {
        state.withLock { $0.contents[record] = (subject, bytes) }
    }

    /// Whether all calls fail from now on.
    public var isFailing: Bool {
        get { state.withLock(\.isFailing) }
        set { state.withLock { $0.isFailing = newValue } }
    }

    /// What is here of a record.
    public subscript(record: Identifier<DataRecord>) -> [UInt8]? { state.withLock { $0.contents[record]?.bytes } }

    /// What was asked to go, in order.
    public var erasures: [Identifier<DataRecord>] { state.withLock(\.erasures) }

    /// The records about a subject.
    public func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> {
        try state.withLock { state in
            try state.check()
            return Set(state.contents.filter { $0.value.subject == subject }.keys)
        }
    }

    /// What is here of a record.
    public func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? {
        try state.withLock { state in
            try state.check()
            return state.contents[record]?.bytes
        }
    }

    /// Puts a record right.
    public func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool {
        try state.withLock { state in
            try state.check()
            guard let known = state.contents[record] else { return false }
            state.contents[record] = (known.subject, content)
            return true
        }
    }

    /// Removes a record.
    public func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
        let record = erasure.record
        return try state.withLock { state in
            try state.check()
            state.erasures.append(record)
            return state.contents.removeValue(forKey: record) == nil ? .nothingThere : .erased
        }
    }
}
