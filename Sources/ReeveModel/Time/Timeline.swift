// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What was the case when, and what was known of it when: dated facts that are added and never changed.
///
/// Each assertion says a value for a half-open span of time, and when it was recorded. At any instant the assertion
/// counts that was recorded last among those whose span holds it. So a correction is one more assertion, and the past
/// answers what was known then.
public struct Timeline<Value: Sendable>: Sendable {
    /// One fact: this value from `from` until before `until`, as recorded at `recorded`.
    public struct Assertion: Sendable {
        /// The first instant of the span.
        public let from: Timestamp
        /// The first instant after the span; `nil` when it does not end.
        public let until: Timestamp?
        /// When it was recorded.
        public let recorded: Timestamp
        /// The value; `nil` says that there is none in this span.
        public let value: Value?

        /// Whether the span holds an instant.
        public func holds(at instant: Timestamp) -> Bool {
            from <= instant && (until.map { instant < $0 } ?? true)
        }
    }

    /// Why an assertion cannot be added.
    public enum Refusal: Error, Hashable, Sendable {
        /// The span is empty: it ends where it begins, or earlier.
        case emptySpan
        /// It would be recorded before one that is there already.
        case recordedInThePast
    }

    /// All assertions, in the order in which they were recorded.
    public private(set) var assertions: [Assertion] = []

    /// A timeline without facts.
    public init() {}

    /// Adds a fact; with no value it says that there is none in the span.
    public mutating func record(
        _ value: Value?, from: Timestamp, until: Timestamp? = nil, at recorded: Timestamp
    ) throws(Refusal) {
        if let until, until <= from { throw .emptySpan }
        if let last = assertions.last, recorded < last.recorded { throw .recordedInThePast }
        assertions.append(Assertion(from: from, until: until, recorded: recorded, value: value))
    }

    /// Drops assertions that no instant from `instant` on sees, by what is known now. The past before it may answer otherwise
    /// then. Complexity: O(assertions²).
    public mutating func forget(before instant: Timestamp) {
        let all = assertions
        assertions = all.indices.filter { index in
            let old = all[index]
            if let until = old.until, until <= instant { return false }
            return !all[(index + 1)...].contains { new in
                new.from <= max(old.from, instant)
                    && (new.until.map { end in old.until.map { $0 <= end } ?? false } ?? true)
            }
        }.map { all[$0] }
    }

    /// The value at an instant, as far as it was known at another; by default all that is known.
    ///
    /// Complexity: O(assertions).
    public func value(at instant: Timestamp, asKnownAt known: Timestamp? = nil) -> Value? {
        assertions.last { $0.holds(at: instant) && $0.recorded <= known ?? $0.recorded }?.value
    }

    /// The first instant after `instant` at which the value may be another one; `nil` when it stays.
    public func nextChange(after instant: Timestamp, asKnownAt known: Timestamp? = nil) -> Timestamp? {
        assertions.filter { $0.recorded <= known ?? $0.recorded }
            .flatMap { [$0.from, $0.until].compactMap(\.self) }.filter { $0 > instant }.min()
    }
}

extension Timeline: Equatable where Value: Equatable {}
extension Timeline: Hashable where Value: Hashable {}
extension Timeline.Assertion: Equatable where Value: Equatable {}
extension Timeline.Assertion: Hashable where Value: Hashable {}
extension Timeline.Assertion: Encodable where Value: Encodable {}
extension Timeline.Assertion: Decodable where Value: Decodable {}

extension Timeline: Encodable where Value: Encodable {
    /// Writes the assertions as a list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(assertions)
    }
}

extension Timeline: Decodable where Value: Decodable {
    /// Reads a list of assertions; one that could not have been added is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self.init()
        for assertion in try container.decode([Assertion].self) {
            do throws(Refusal) {
                try record(assertion.value, from: assertion.from, until: assertion.until, at: assertion.recorded)
            } catch {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a timeline: \(error)")
            }
        }
    }
}
