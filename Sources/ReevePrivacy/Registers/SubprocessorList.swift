// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A company that works for the holder with its customers' data.
public struct Subprocessor: Hashable, Sendable, Codable {
    /// The host's name for it, as in ``Recipient/name``.
    public let name: String
    /// What it does, as customers read it.
    public let task: String
    /// Where it works.
    public let regions: Set<Region>
    /// When customers were told.
    public let announced: Timestamp
    /// From when on it may be given data.
    public let effective: Timestamp
    /// From when on it may not any more.
    public fileprivate(set) var ended: Timestamp?
}

/// The published list of sub-processors: nobody is on it before customers were told and had time to object (clause S2.6).
public struct SubprocessorList: Hashable, Sendable, Codable {
    /// Why the list is not changed.
    public enum Refusal: Error, Hashable, Sendable {
        /// Customers would have less time to object than the list promises.
        case noticeTooShort
        /// It is on the list, or will be, and is not over yet.
        case alreadyListed
        /// It does not say where it works.
        case noRegions
        /// There is no such entry.
        case notListed
        /// The time to object is over.
        case tooLate
    }

    /// What a customer objected to.
    public struct Objection: Hashable, Sendable, Codable {
        /// The customer.
        public let customer: Identifier<Company>
        /// The sub-processor.
        public let name: String
        /// When.
        public let at: Timestamp
    }

    /// How long before it takes effect customers are told of a new one; 30 days unless agreed otherwise.
    public let notice: Duration
    /// All that are or were on the list, in the order in which they were announced.
    public private(set) var entries: [Subprocessor] = []
    /// What was objected to.
    public private(set) var objections: [Objection] = []

    /// An empty list.
    public init(notice: Duration = .seconds(30 * 86_400)) {
        self.notice = notice
    }

    /// Announces a sub-processor, who may be given data from an instant on.
    public mutating func announce(
        _ name: String, task: String, in regions: Set<Region>, effective: Timestamp, at now: Timestamp
    ) throws(Refusal) {
        guard !regions.isEmpty else { throw .noRegions }
        guard current(name, at: now) == nil else { throw .alreadyListed }
        guard effective >= now.advanced(by: notice) else { throw .noticeTooShort }
        entries.append(Subprocessor(name: name, task: task, regions: regions, announced: now, effective: effective))
    }

    /// Takes one off the list from an instant on, or from an earlier one than was said before.
    public mutating func end(_ name: String, from instant: Timestamp, at now: Timestamp) throws(Refusal) {
        guard let index = current(name, at: now) else { throw .notListed }
        entries[index].ended = min(entries[index].ended ?? instant, instant)
    }

    /// Notes that a customer objects to one before it takes effect: that customer's data is not given to it.
    public mutating func object(_ customer: Identifier<Company>, to name: String, at now: Timestamp) throws(Refusal) {
        guard let index = current(name, at: now) else { throw .notListed }
        guard now < entries[index].effective else { throw .tooLate }
        objections.append(Objection(customer: customer, name: name, at: now))
    }

    /// The entry that is not over.
    private func current(_ name: String, at now: Timestamp) -> Int? {
        entries.lastIndex { $0.name == name && $0.ended.map { now < $0 } ?? true }
    }

    /// The entry of one who may be given data at an instant.
    func entry(_ name: String, at instant: Timestamp) -> Subprocessor? {
        entries.last { $0.name == name && $0.effective <= instant && $0.ended.map { instant < $0 } ?? true }
    }

    /// Whether one may be given data at an instant.
    public func isListed(_ name: String, at instant: Timestamp) -> Bool { entry(name, at: instant) != nil }

    /// Whether a customer objected to one.
    public func isObjected(_ name: String, by customer: Identifier<Company>) -> Bool {
        objections.contains { $0.name == name && $0.customer == customer }
    }

    /// Who came onto the list and who went between two instants, for those who read it.
    public func changes(from start: Timestamp, to end: Timestamp) -> (added: [Subprocessor], removed: [Subprocessor]) {
        let added = entries.filter { $0.effective > start && $0.effective <= end }
        return (added, entries.filter { entry in entry.ended.map { $0 > start && $0 <= end } ?? false })
    }
}
