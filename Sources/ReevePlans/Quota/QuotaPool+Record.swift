// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
package import ReeveStorage

extension QuotaPool: JSONRecord {
    package static let table = Table<QuotaPool>("plans.quota")

    package func write(to writer: inout JSONWriter, schema: Int) {
        // Of those that are closed it only matters how much they were, and when.
        func closed(_ leases: [Lease], _ writer: inout JSONWriter) {
            writer.list(leases) { writer, lease in
                writer.object { writer in
                    writer.field("amount", lease.amount)
                    writer.field("given", lease.given)
                    writer.field("id", lease.id)
                    lease.writeSublimits(to: &writer)
                }
            }
        }
        writer.object { writer in
            writer.field("announced", announced)
            writer.name("bounds")
            writer.list(bounds) { $0.text($1) }
            writer.name("direct")
            closed(direct, &writer)
            writer.field("granted", granted)
            writer.field("latest", latest)
            writer.name("leases")
            writer.list(leases) { writer, lease in
                writer.object { writer in
                    writer.field("amount", lease.amount)
                    writer.field("ends", lease.ends)
                    writer.field("given", lease.given)
                    writer.field("holder", lease.holder)
                    writer.field("id", lease.id)
                    writer.field("recalls", lease.recalls)
                    lease.writeSublimits(to: &writer)
                }
            }
            writer.field("limit", limit)
            writer.field("limitSet", limitSet)
            writer.name("overdue")
            closed(overdue, &writer)
            writer.field("paced", isPaced)
            writer.field("recalls", recalls)
            writer.field("settled", settled)
            if !sublimits.isEmpty {
                writer.name("sublimits")
                writer.list(sublimits) { $1.write(to: &$0) }
            }
            writer.name("turns")
            writer.list(turns) { $1.write(to: &$0) }
            writer.name("uses")
            writer.list(uses) { writer, use in
                writer.object { writer in
                    writer.field("from", use.from)
                    writer.field("used", use.used)
                }
            }
            writer.field("version", version)
        }
    }

    package init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let announced = try reader.count("announced", upTo: 100)
            try reader.name("bounds")
            let bounds = try reader.list { (reader) throws(JSONError) in try reader.text(as: Timestamp.self) }
            guard bounds.count <= Self.maximumBounds, zip(bounds, bounds.dropFirst()).allSatisfy(<) else {
                throw reader.unexpected()
            }
            try reader.name("direct")
            let direct = try reader.list(Self.closedLease)
            let granted = try reader.count("granted", upTo: PlanRoom.maximumCount)
            let latest = reader.hasField("latest") ? try reader.text(as: Timestamp.self) : nil
            try reader.name("leases")
            let leases = try reader.list(Self.lease)
            var pool = QuotaPool(limit: try reader.count("limit", upTo: PlanRoom.maximumCount))
            pool.limitSet = reader.hasField("limitSet") ? try reader.text(as: Timestamp.self) : nil
            try reader.name("overdue")
            pool.announced = announced
            pool.bounds = bounds
            pool.direct = direct
            pool.granted = granted
            pool.latest = latest
            pool.leases = leases
            pool.overdue = try reader.list(Self.closedLease)
            pool.isPaced = try reader.bool("paced")
            pool.recalls = try reader.count("recalls")
            // More than the limit when that was lowered since.
            let settled = try reader.integer("settled")
            guard settled.magnitude <= UInt64(3 * PlanRoom.maximumCount) else { throw reader.unexpected() }
            pool.settled = settled
            if reader.hasField("sublimits") {
                pool.sublimits = try reader.list { (reader) throws(JSONError) in try SublimitUse(from: &reader) }
                guard (1...Sublimits.maximumCount + QuotaPool.mostPast).contains(pool.sublimits.count),
                    Set(pool.sublimits.map(\.jobs)).count == pool.sublimits.count
                else { throw reader.unexpected() }
            }
            try reader.name("turns")
            pool.turns = try reader.list { (reader) throws(JSONError) in try Turn(from: &reader) }
            guard pool.turns.count <= Self.maximumTurns,
                zip(pool.turns, pool.turns.dropFirst()).allSatisfy({ $0.at < $1.at })
            else { throw reader.unexpected() }
            try reader.name("uses")
            pool.uses = try reader.list { (reader) throws(JSONError) in
                try reader.object { (reader) throws(JSONError) in
                    let from = try reader.text("from", as: Timestamp.self)
                    let used = try reader.integer("used")
                    guard used.magnitude <= UInt64(Self.maximumUsed) else { throw reader.unexpected() }
                    return Use(from: from, used: used)
                }
            }
            guard zip(pool.uses, pool.uses.dropFirst()).allSatisfy({ $0.from < $1.from }) else {
                throw reader.unexpected()
            }
            pool.version = try reader.count("version")
            return pool
        }
    }

    private static func closedLease(_ reader: inout JSONReader) throws(JSONError) -> Lease {
        try reader.object { (reader) throws(JSONError) in
            let amount = try reader.count("amount", upTo: PlanRoom.maximumCount)
            let given = try reader.text("given", as: Timestamp.self)
            let id = try reader.text("id", as: Identifier<QuotaLeaseRecord>.self)
            var lease = Lease(
                id: id, holder: "", amount: amount, ends: Timestamp(microseconds: 0), given: given, recalls: 0)
            try lease.readSublimits(from: &reader)
            return lease
        }
    }

    private static func lease(_ reader: inout JSONReader) throws(JSONError) -> Lease {
        try reader.object { (reader) throws(JSONError) in
            let amount = try reader.count("amount", upTo: PlanRoom.maximumCount)
            let ends = try reader.text("ends", as: Timestamp.self)
            let given = try reader.text("given", as: Timestamp.self)
            let holder = try reader.text("holder")
            let id = try reader.text("id", as: Identifier<QuotaLeaseRecord>.self)
            var lease = Lease(
                id: id, holder: holder, amount: amount, ends: ends, given: given,
                recalls: try reader.count("recalls"))
            try lease.readSublimits(from: &reader)
            return lease
        }
    }
}

extension QuotaPool.Lease {
    fileprivate func writeSublimits(to writer: inout JSONWriter) {
        guard !sublimits.isEmpty else { return }
        writer.name("sublimits")
        writer.list(sublimits) { $0.text($1) }
    }

    fileprivate mutating func readSublimits(from reader: inout JSONReader) throws(JSONError) {
        guard reader.hasField("sublimits") else { return }
        sublimits = try reader.list { (reader) throws(JSONError) in try reader.text(as: SublimitJobs.self) }
        guard (1...Sublimits.maximumCount).contains(sublimits.count) else { throw reader.unexpected() }
    }
}
