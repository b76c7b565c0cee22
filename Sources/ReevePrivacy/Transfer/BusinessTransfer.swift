// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// Hands what subjects chose and agreed to, what is registered of them with its holds and demands, what they asked and who was given their data to who takes a business over
/// (clause P15.3): there every decision, every day on which something goes and every deadline is what it was.
///
///     let digest = try await transfer.handOver(to: "acquirer", permit) { line in try file.write(line) }
///     try await theirs.take(lines, expecting: digest, theirPermit)
///
/// The data itself goes as the places have it, and is none of this. All calls may be made concurrently.
public struct BusinessTransfer: Sendable {
    let privacy: Privacy
    let retention: Retention
    /// In the order in which they are handed over.
    private let handed: [Handed]
    private let byName: [String: Handed]
    private var authority: AccessAuthority { retention.authority }

    /// A transfer of what these rooms have, over one store.
    public init(privacy: Privacy, retention: Retention) {
        self.privacy = privacy
        self.retention = retention
        let tables = retention.tables
        handed = [
            Handed(Self.records, tables.records), Handed(tables.gone), Handed(Self.bySubject, tables.subjects),
            Handed(Self.byCustomer, tables.customers), Handed("privacy.customer.ended", tables.ended),
            Handed(tables.departed), Handed("privacy.case.closed", tables.cases), Handed("privacy.locks", tables.locks),
            Handed(SubjectRequests.requests), Handed(SubjectRequests.bySubject), Handed(SubjectRequests.counts),
            Handed(SubjectRequests.unfinished), Handed(SubjectRequests.concerned),
            Handed(Table<Disclosure>("privacy.disclosure")), Handed(Table<PrivacyTables.Shared>("privacy.shared")),
        ]
        byName = Dictionary(handed.map { ($0.name, $0) }) { $1 }
    }

    /// A line: a record under its ids, as JSON.
    struct Line: Codable {
        let table: String
        let ids: [String]
        let record: String
    }

    /// A table that is handed over beside what subjects did.
    private struct Handed: Sendable {
        let name: String
        let key: @Sendable ([String]) -> Key
        let check: @Sendable ([UInt8], Key) throws(StoreError) -> Void
        /// A record as it was written, verified where there are keys.
        let read: @Sendable ([String], inout Transaction<PrivacyError>) async throws(PrivacyError) -> [UInt8]?
        let write: @Sendable ([UInt8], [String], inout Transaction<PrivacyError>) async throws(PrivacyError) -> Void

        init<Value: RecordCodable & Sendable>(_ name: String, _ table: ControlTable<Value>) {
            self.name = name
            key = { table.key(.platform, $0) }
            check = { bytes, key throws(StoreError) in _ = try table.value(of: bytes, at: key) }
            read = { ids, transaction throws(PrivacyError) in
                try await table.bytes(.platform, ids, in: &transaction)
            }
            write = { bytes, ids, transaction throws(PrivacyError) in
                let value: Value
                do throws(StoreError) {
                    value = try table.value(of: bytes, at: table.key(.platform, ids))
                } catch {
                    throw PrivacyError(error)
                }
                try await table.write(value, .platform, ids, in: &transaction)
            }
        }

        init<Value: RecordCodable & Sendable>(_ table: Table<Value>) { self.init(table.name, ControlTable(table)) }
    }
    private static let (records, bySubject, byCustomer) = (
        "privacy.record", "privacy.record.subject", "privacy.record.customer"
    )
    private static let events = "privacy.event"

    // MARK: Handing over

    /// Calls with each line of what is handed over, and returns the digest by which it is taken: send it another way. The permit is on `Resource(kind: "acquirer", name)`.
    ///
    /// Data under keys of Reeve's own stays here, and so do keys, publications and counts: a record that is at such a place and at others travels for the others. ``PrivacyError/Code/mustKeep`` when a
    /// legal hold is on one that cannot travel. ``PrivacyError/Code/noSuccessor`` unless a succession of that name is on file, in effect, and bound by the version in force (clauses P15.1, P15.2). What changes meanwhile may or may not be
    /// in it: hand over once nothing is decided here any more. Complexity: O(records); nothing is kept.
    public func handOver(
        to acquirer: String, _ permit: Permit<TransferData>, _ body: ([UInt8]) async throws -> Void
    ) async throws -> Digest {
        let (action, resource) = ("privacy.handOver", Resource(kind: "acquirer", acquirer.cut(toBytes: 200)))
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: resource, in: .platform)
        } catch {
            throw PrivacyError(error)
        }
        let (context, settings, now) = (permit.context, privacy.settings, authority.time.now)
        // The entry first: nothing leaves without one.
        try await authority.recordingRefusals(of: action, context, resource, [:], permit.decision, permit.policy) {
            () throws(PrivacyError) in
            guard let succession = settings.registers.successions[acquirer], succession.effective <= now,
                !succession.reference.isEmpty,
                succession.bound.contains(try settings.inForce(at: now).version.name)
            else { throw PrivacyError(.noSuccessor) }
            try await authority.record(
                authority.entry(
                    action, context, resource, permit.decision, permit.policy, nil,
                    ["succession": succession.kind.rawValue]))
        }
        try await checkNothingHeldStays()
        var chain = try Chain()
        func send(_ table: String, _ ids: [String], _ bytes: [UInt8]) async throws {
            let line = try encode(Line(table: table, ids: ids, record: String(decoding: bytes, as: UTF8.self)))
            try chain.add(line)
            try await body(line)
        }
        // What subjects did comes first, so that it is there before anything can be decided. It is read as it is when something is decided: what was changed behind Reeve's back is not handed over as theirs.
        try await each(under: privacy.tables.counts.key(.platform, [])) { ids, _ in
            guard ids.count == 2, let subject = Identifier<DataSubject>(ids[0]), let role = DataRole(text: ids[1])
            else { throw PrivacyError(.otherTransfer) }
            for event in try await privacy.events(of: Chooser(subject, towards: role)) {
                try await send(Self.events, ids, try event.recordBytes(schema: 1))
            }
        }
        for table in handed {
            try await each(under: table.key([])) { ids, _ in
                let bytes = try await authority.store.transaction {
                    (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                    try await table.read(ids, &transaction)
                }
                // Gone meanwhile.
                guard let bytes else { return }
                // Keys of workspaces are no part of this, and neither is what is being erased.
                switch table.name {
                case Self.records:
                    let row = try retention.tables.records.value(of: bytes, at: table.key(ids))
                    guard let own = retention.travelling(row) else { return }
                    try await send(table.name, ids, own == row ? bytes : try own.recordBytes(schema: 1))
                case Self.bySubject, Self.byCustomer:
                    guard let id = ids.last.flatMap(Identifier<DataRecord>.init),
                        let row = try await retention.rowIfThere(id), retention.travelling(row) != nil
                    else { return }
                    try await send(table.name, ids, bytes)
                default: try await send(table.name, ids, bytes)
                }
            }
        }
        return chain.digest
    }

    /// Throws when a legal hold is on something that cannot travel: what is held is not left behind unsaid.
    private func checkNothingHeldStays() async throws {
        try await each(under: retention.tables.records.key(.platform, [])) { ids, _ in
            guard let id = ids.last.flatMap(Identifier<DataRecord>.init), let row = try await retention.rowIfThere(id),
                retention.travelling(row)?.record.locations != row.record.locations
            else { return }
            let disposition = try await retention.glance(at: row)
            let isHeld = disposition.reasons.contains { if case .hold = $0 { true } else { false } }
            guard !isHeld else { throw PrivacyError(disposition) }
        }
    }

    // MARK: Taking

    /// Takes what was handed over, once all of it is what the digest is of, into rooms that have nothing of their own yet: who has a business already keeps this one beside it, over a
    /// store of its own. The permit is on `Resource(kind: "transfer", digest.description)`.
    ///
    /// A failure on the way leaves a part: take it again, what is there as it was handed over is passed. ``PrivacyError/Code/otherTransfer`` for other lines, and for what no transfer has;
    /// ``PrivacyError/Code/unknownLocation`` for a record at a place that is not registered here; ``PrivacyError/Code/transferConflict`` where something else is here: then nothing is
    /// taken. Complexity: O(lines + the square of a subject's events); memory: O(lines).
    public func take(
        _ given: some Sequence<[UInt8]>, expecting digest: Digest, _ permit: Permit<TransferData>
    ) async throws(PrivacyError) {
        let (action, resource) = ("privacy.takeOver", Resource(kind: "transfer", digest.description))
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: resource, in: .platform)
        } catch {
            throw PrivacyError(error)
        }
        let context = permit.context
        try await authority.recordingRefusals(of: action, context, resource, [:], permit.decision, permit.policy) {
            () throws(PrivacyError) in
            // What the digest is of is what is taken.
            let lines = Array(given)
            var chain = try Chain()
            for line in lines { try chain.add(line) }
            guard chain.digest == digest else { throw PrivacyError(.otherTransfer) }
            let all = try lines.map { bytes throws(PrivacyError) in try self.line(bytes) }
            try await checkNothingElse(is: all)
            var numbers: [Chooser: Int] = [:]
            for line in all {
                if line.table == Self.events {
                    try await takeEvent(line, &numbers)
                } else {
                    try await takePlain(line)
                }
            }
            try await authority.record(
                authority.entry(
                    action, context, resource, permit.decision, permit.policy, nil, ["lines": String(lines.count)]))
        }
    }

    /// A line that is one.
    private func line(_ bytes: [UInt8]) throws(PrivacyError) -> Line {
        do {
            let line = try JSONDecoder().decode(Line.self, from: Data(bytes))
            let record = Array(line.record.utf8)
            if line.table == Self.events {
                let event = try SubjectEvent(recordBytes: record, schema: 1)
                guard line.ids.count == 2, event.subject.description == line.ids[0], DataRole(text: line.ids[1]) != nil
                else { throw PrivacyError(.otherTransfer) }
                return line
            }
            guard let table = byName[line.table], !line.ids.isEmpty else {
                throw PrivacyError(.otherTransfer)
            }
            try table.check(record, table.key(line.ids))
            if line.table == SubjectRequests.requests.name {
                let request = try SubjectRequests.requests.value(of: record, at: table.key(line.ids))
                guard [request.id.description] == line.ids else { throw PrivacyError(.otherTransfer) }
            }
            if line.table == Self.records {
                let row = try retention.tables.records.value(of: record, at: table.key(line.ids))
                // Keys of workspaces here are nobody's to hand over.
                guard [row.record.id.description] == line.ids, retention.travelling(row) == row else {
                    throw PrivacyError(.otherTransfer)
                }
                guard row.record.locations.allSatisfy({ retention.locations[$0] != nil }) else {
                    throw PrivacyError(.unknownLocation)
                }
            }
            return line
        } catch let error as PrivacyError {
            throw error
        } catch {
            throw PrivacyError(.otherTransfer)
        }
    }

    /// Whether nothing is here but what a part of these lines left.
    private func checkNothingElse(is lines: [Line]) async throws(PrivacyError) {
        let keys = Set(lines.map { [$0.table] + $0.ids })
        do {
            for table in handed {
                try await each(under: table.key([])) { ids, _ in
                    guard keys.contains([table.name] + ids) else { throw PrivacyError(.transferConflict) }
                }
            }
            try await each(under: privacy.tables.counts.key(.platform, [])) { ids, _ in
                guard !keys.contains([Self.events] + ids), ids.count == 2,
                    let subject = Identifier<DataSubject>(ids[0]), let role = DataRole(text: ids[1])
                else { return }
                // Of whom all was erased only a number is left.
                guard try await privacy.events(of: Chooser(subject, towards: role)).isEmpty else {
                    throw PrivacyError(.transferConflict)
                }
            }
        } catch let error as PrivacyError {
            throw error
        } catch let error as StoreError {
            throw PrivacyError(error)
        } catch {
            throw PrivacyError(.otherTransfer)
        }
    }

    private func takePlain(_ line: Line) async throws(PrivacyError) {
        guard let table = byName[line.table] else { return }
        let bytes = Array(line.record.utf8)
        try await authority.store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            if let known = try await table.read(line.ids, &transaction) {
                guard known == bytes else { throw PrivacyError(.transferConflict) }
            } else {
                try await table.write(bytes, line.ids, &transaction)
            }
        }
    }

    private func takeEvent(_ line: Line, _ numbers: inout [Chooser: Int]) async throws(PrivacyError) {
        guard let subject = Identifier<DataSubject>(line.ids[0]), let role = DataRole(text: line.ids[1]),
            let event = try? SubjectEvent(recordBytes: Array(line.record.utf8), schema: 1)
        else { throw PrivacyError(.otherTransfer) }
        let chooser = Chooser(subject, towards: role)
        let number = numbers[chooser, default: 0]
        numbers[chooser] = number + 1
        let known = try await privacy.events(of: chooser)
        if number < known.count {
            let bytes = try? known[number].recordBytes(schema: 1)
            guard bytes == Array(line.record.utf8) else { throw PrivacyError(.transferConflict) }
            return
        }
        try await privacy.withHistory(of: chooser) { transaction, history throws(PrivacyError) in
            guard history.count == number else { throw PrivacyError(.transferConflict) }
            try await privacy.add(event, to: history, of: chooser, in: &transaction)
        }
    }

    // MARK: Lines

    /// The digest of lines, in their order.
    private struct Chain {
        private(set) var digest: Digest
        private static let label = "reeve/privacy/transfer/1"

        init() throws(PrivacyError) { digest = try Self.digest(of: CanonicalBytes(label: Self.label)) }

        mutating func add(_ line: [UInt8]) throws(PrivacyError) {
            var encoding = CanonicalBytes(label: Self.label)
            encoding.add(digest)
            encoding.add(line)
            digest = try Self.digest(of: encoding)
        }

        private static func digest(of encoding: CanonicalBytes) throws(PrivacyError) -> Digest {
            do {
                return try Digest(of: encoding)
            } catch {
                throw PrivacyError(.cryptoFailed)
            }
        }
    }

    private func encode(_ line: Line) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(line))
    }

    private func each(under prefix: Key, _ body: ([String], [UInt8]) async throws -> Void) async throws {
        var range = KeyRange(under: prefix)
        while true {
            let page = try await authority.store.records(in: range, limit: 200)
            for entry in page {
                var ids: [String] = []
                for case .text(let id) in (entry.key.elements ?? []).dropFirst(2) { ids.append(id) }
                try await body(ids, entry.record.bytes)
            }
            guard page.count == 200, let last = page.last else { return }
            range = range.after(last.key)
        }
    }
}
