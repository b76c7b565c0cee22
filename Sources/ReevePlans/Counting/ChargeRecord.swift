// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// What a run of a job was charged, as it is stored.
struct ChargeRecord: Hashable {
    let job: Identifier<Job>
    let run: Int
    private(set) var tasks: Int
    private(set) var correction = 0

    /// Where they counted, the latest last.
    private(set) var parts: [Part] = []
    private(set) var charges = ChargeSet()

    static let table = Table<ChargeRecord>("plans.charges")
    /// As many entries are told apart; each has a path of as many bytes, and all of them have so many in the record.
    static let (maximumEntries, maximumPathBytes, maximumBytes) = (1000, 200, 80_000)

    /// What of them counted in a period, and when it was.
    struct Part: Hashable {
        let period: Timestamp
        /// The last change before it that counted the period anew.
        let turn: Timestamp?
        fileprivate(set) var taken: Timestamp
        fileprivate(set) var counted: Int64
        /// The sublimits that they count against.
        let sublimits: [SublimitJobs]

        var origin: ReturnedTasks.Origin { .init(period: period, taken: taken, sublimits: sublimits) }
    }
    /// As many periods and counts of them are told apart.
    private static let maximumParts = 8

    init(job: Identifier<Job>, run: Int, tasks: Int = 0) {
        self.job = job
        self.run = run
        self.tasks = tasks
    }

    /// Notes that tasks counted in a period, or no longer.
    mutating func note(_ counted: Int64, in origin: ReturnedTasks.Origin, after turn: Timestamp?) {
        let index = parts.firstIndex {
            $0.period == origin.period && $0.turn == turn && $0.sublimits == origin.sublimits
        }
        if let index {
            parts[index].counted += counted
            parts[index].taken = max(parts[index].taken, origin.taken)
        } else {
            parts.append(
                Part(
                    period: origin.period, turn: turn, taken: origin.taken, counted: counted,
                    sublimits: origin.sublimits))
            parts.sort { $0.taken < $1.taken }
            parts.removeFirst(max(0, parts.count - Self.maximumParts))
        }
    }

    static func ids(_ company: Identifier<Company>, _ job: Identifier<Job>, _ run: Int) -> [String] {
        [company.description, job.description, String(run)]
    }

    /// Adds what was told; returns the tasks of what was new, or `nil`, and no change, when there is no room for it.
    mutating func add(_ told: ToldCharges) -> Int? {
        var new = charges
        var tasks = 0
        for (price, set) in told.charges { tasks = tasks.saturatingAdd(price * new.formUnion(set)) }
        guard new.count <= Self.maximumEntries, new.bytes <= Self.maximumBytes else { return nil }
        charges = new
        self.tasks = PlanRoom.clamped(self.tasks.saturatingAdd(tasks))
        return tasks
    }

    /// Says how many tasks count; returns how many more those are.
    mutating func correct(to new: Int) -> Int {
        let more = new - tasks
        let most = Int(PlanRoom.maximumCount)
        correction = min(max(correction.saturatingAdd(more), -most), most)
        tasks = new
        return more
    }
}

extension ChargeSet {
    /// It takes no more bytes in a record.
    fileprivate var bytes: Int {
        func digits(_ number: Int) -> Int { (-9999...99_999).contains(number) ? 6 : 21 }
        return passes.reduce(0) { sum, entry in
            // Quotation marks in a path are written as two.
            let start = sum + 2 * entry.key.path.utf8.count + 36 + digits(entry.key.attempt)
            return entry.value.reduce(start) { $0 + digits($1.lowerBound) + digits($1.upperBound) }
        }
    }
}

extension ChargeRecord: JSONRecord {
    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.name("charges")
            writer.list(charges.passes.sorted { $0.key < $1.key }) { writer, entry in
                writer.object { writer in
                    writer.field("attempt", entry.key.attempt)
                    writer.name("passes")
                    writer.list(entry.value.flatMap { [$0.lowerBound, $0.upperBound] }) { $0.integer(Int64($1)) }
                    writer.field("path", entry.key.path)
                }
            }
            writer.field("correction", correction)
            writer.field("job", job)
            writer.name("parts")
            writer.list(parts) { writer, part in
                writer.object { writer in
                    writer.field("counted", part.counted)
                    writer.field("period", part.period)
                    if !part.sublimits.isEmpty {
                        writer.name("sublimits")
                        writer.list(part.sublimits) { $0.text($1) }
                    }
                    writer.field("taken", part.taken)
                    writer.field("turn", part.turn)
                }
            }
            writer.field("run", run)
            writer.field("tasks", tasks)
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            try reader.name("charges")
            var charges = ChargeSet()
            let entries = try reader.list(Self.entry)
            for (step, passes) in entries {
                for range in passes { charges.insert(range, of: step) }
            }
            // As they were written: in order, none twice, none that touch.
            guard charges.count == entries.reduce(0, { $0 + $1.passes.count }) else { throw reader.unexpected() }
            let correction = try reader.integer("correction")
            guard correction.magnitude <= UInt64(PlanRoom.maximumCount) else { throw reader.unexpected() }
            let job = try reader.text("job", as: Identifier<Job>.self)
            try reader.name("parts")
            let parts = try reader.list(Self.part)
            guard (1...Self.maximumParts).contains(parts.count) else { throw reader.unexpected() }
            let run = Int(try reader.integer("run"))
            let tasks = Int(try reader.count("tasks", upTo: PlanRoom.maximumCount))
            var value = ChargeRecord(job: job, run: run, tasks: tasks)
            value.parts = parts
            value.charges = charges
            value.correction = Int(correction)
            return value
        }
    }

    private static func part(_ reader: inout JSONReader) throws(JSONError) -> Part {
        try reader.object { (reader) throws(JSONError) in
            let counted = try reader.integer("counted")
            guard counted.magnitude <= UInt64(4 * PlanRoom.maximumCount) else { throw reader.unexpected() }
            let period = try reader.text("period", as: Timestamp.self)
            var sublimits: [SublimitJobs] = []
            if reader.hasField("sublimits") {
                sublimits = try reader.list { (reader) throws(JSONError) in try reader.text(as: SublimitJobs.self) }
                guard (1...Sublimits.maximumCount).contains(sublimits.count) else { throw reader.unexpected() }
            }
            let taken = try reader.text("taken", as: Timestamp.self)
            let turn = reader.hasField("turn") ? try reader.text(as: Timestamp.self) : nil
            return Part(period: period, turn: turn, taken: taken, counted: counted, sublimits: sublimits)
        }
    }

    private static func entry(
        _ reader: inout JSONReader
    ) throws(JSONError) -> (step: ChargeSet.Step, passes: [ClosedRange<Int>]) {
        try reader.object { (reader) throws(JSONError) in
            let attempt = Int(try reader.integer("attempt"))
            try reader.name("passes")
            let ends = try reader.list { (reader) throws(JSONError) in Int(try reader.integer()) }
            guard ends.count.isMultiple(of: 2), ends.count <= 2 * maximumEntries else { throw reader.unexpected() }
            var passes: [ClosedRange<Int>] = []
            for index in stride(from: 0, to: ends.count, by: 2) {
                let (width, isTooWide) = ends[index + 1].subtractingReportingOverflow(ends[index])
                guard width >= 0, !isTooWide, width < .max else { throw reader.unexpected() }
                passes.append(ends[index]...ends[index + 1])
            }
            return (ChargeSet.Step(path: try reader.text("path"), attempt: attempt), passes)
        }
    }
}
