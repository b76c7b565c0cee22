// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
import ReeveStorage

extension QuotaPool {
    /// A limit within the pool's, and what of it is used.
    package struct SublimitUse: Hashable, Sendable {
        /// The jobs that it is for.
        package let jobs: SublimitJobs
        /// Tasks in the period; `nil` while it is not in force: what was used of it counts when it is again.
        package fileprivate(set) var limit: Int64?
        /// Tasks that are used; less than 0 as the pool's may be.
        package private(set) var used: Int64 = 0
        /// What is used from then on counts.
        package private(set) var since: Timestamp

        init(_ jobs: SublimitJobs, limit: Int64?, since: Timestamp) {
            (self.jobs, self.limit, self.since) = (jobs, limit, since)
        }

        mutating func count(_ tasks: Int64, at instant: Timestamp) {
            guard instant >= since else { return }
            used = QuotaPool.counted(used + tasks)
        }

        /// Counts anew what is used; what counted before an instant does not change any more.
        mutating func turn(_ usage: PlanChange.Usage, to new: Int64?, at instant: Timestamp) {
            switch usage {
            case .kept: return
            case .reset: used = 0
            case .scaled:
                guard let new, let limit, limit > 0 else { break }
                let part = Int128(min(max(0, used), limit)) * Int128(new)
                used = Int64((part + Int128(limit) - 1) / Int128(limit))
            }
            since = instant
        }

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("jobs", jobs)
                if let limit { writer.field("limit", limit) }
                writer.field("since", since)
                writer.field("used", used)
            }
        }

        init(from reader: inout JSONReader) throws(JSONError) {
            self = try reader.object { (reader) throws(JSONError) in
                let jobs = try reader.text("jobs", as: SublimitJobs.self)
                let isInForce = reader.hasField("limit")
                let limit = isInForce ? try reader.integer() : nil
                guard limit.map({ (0...PlanRoom.maximumCount).contains($0) }) ?? true else { throw reader.unexpected() }
                var use = SublimitUse(jobs, limit: limit, since: try reader.text("since", as: Timestamp.self))
                use.used = try reader.integer("used")
                guard use.used.magnitude <= UInt64(3 * PlanRoom.maximumCount) else { throw reader.unexpected() }
                return use
            }
        }
    }

    /// Of as many sublimits that are not in force any more it is known what was used.
    static let mostPast = 64

    /// Sets the limits within this one. What one that is new counts begins at an instant.
    package mutating func setSublimits(_ limits: [SublimitJobs: Int64], since instant: Timestamp) {
        // Those under which something was used stay longest, and of these the latest.
        var old = sublimits.filter { limits[$0.jobs] == nil }
            .sorted { ($0.used == 0 ? 0 : 1, $0.since) < ($1.used == 0 ? 0 : 1, $1.since) }
        for index in old.indices { old[index].limit = nil }
        let new = limits.map { jobs, limit in
            let limit = min(max(0, limit), PlanRoom.maximumCount)
            var use = sublimits.first { $0.jobs == jobs } ?? SublimitUse(jobs, limit: limit, since: instant)
            use.limit = limit
            return use
        }
        sublimits = (new + old.suffix(Self.mostPast)).sorted { $0.jobs.description < $1.jobs.description }
    }

    /// What nobody holds and nobody used of a sublimit; never less than 0.
    package func free(of sublimit: SublimitUse) -> Int64 {
        max(0, (sublimit.limit ?? .max / 2) - sublimit.used - held(within: sublimit.jobs))
    }

    /// What nobody holds and nobody used of the limit and of each of some sublimits.
    package func free(within sublimits: [SublimitJobs]) -> Int64 {
        self.sublimits.lazy.filter { sublimits.contains($0.jobs) }.map { free(of: $0) }.reduce(free, min)
    }

    /// The lowest of the limit and some sublimits.
    package func limit(within sublimits: [SublimitJobs]) -> Int64 {
        self.sublimits.lazy.filter { sublimits.contains($0.jobs) }.compactMap(\.limit).reduce(limit, min)
    }

    /// What holders may still spend of a sublimit.
    package func held(within jobs: SublimitJobs) -> Int64 {
        leases.reduce(0) { $0 + ($1.sublimits.contains(jobs) ? $1.amount : 0) }
    }

    /// Whether what somebody besides a holder has may come back, and would be enough then: until then nobody is refused for good.
    ///
    /// `conforming` is how many may be used at once, where not all may.
    package func mayReturn(
        _ need: Int64, besides holder: String, within sublimits: [SublimitJobs] = [], atOnce conforming: Int64? = nil
    ) -> Bool {
        var other = self
        other.leases.removeAll { $0.holder != holder }
        let now = min(free(within: sublimits), conforming ?? .max)
        let then = min(other.free(within: sublimits), conforming.map { $0 + held - other.held } ?? .max)
        return need > now && need <= then
    }
}
