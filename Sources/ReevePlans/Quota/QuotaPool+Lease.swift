// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel

extension QuotaPool {
    /// A part of the limit that a holder may spend by itself.
    package struct Lease: Hashable, Sendable {
        /// Chosen by the holder, a new one for each lease: asking again with it changes nothing.
        package let id: Identifier<QuotaLeaseRecord>
        /// The process or the job that may spend it.
        package let holder: String
        /// Tasks.
        package let amount: Int64
        /// When it is counted as used, by the clock of who looks.
        package let ends: Timestamp
        /// When it was given, by the clock of its holder: what is used of it counts to then.
        package let given: Timestamp
        /// How often holders had been asked to give back what they have when it was given.
        package let recalls: Int64

        package init(
            id: Identifier<QuotaLeaseRecord>, holder: String, amount: Int64, ends: Timestamp, given: Timestamp,
            recalls: Int64
        ) {
            self.id = id
            self.holder = holder
            self.amount = amount
            self.ends = ends
            self.given = given
            self.recalls = recalls
        }

        /// One that its holder may still state something about, and that nobody spends.
        init(closed id: Identifier<QuotaLeaseRecord>, amount: Int64, given: Timestamp) {
            self.init(
                id: id, holder: "", amount: amount, ends: Timestamp(microseconds: 0), given: given, recalls: 0)
        }
    }

    /// What a statement came to.
    package enum Statement: Hashable, Sendable {
        /// The lease is closed, and so much came back.
        case settled(returned: Int64)
        /// The lease had been counted as used, and so much came back.
        case refunded(Int64)
        /// There is no such lease any more: nothing changes.
        case known
    }

    /// Tasks that were used from an instant on, until the next of these or the end of the day in UTC.
    package struct Use: Hashable, Sendable {
        package let from: Timestamp
        package var used: Int64
    }

    /// How many tasks may be given to somebody now.
    package func available(at pace: Pace?, _ now: Timestamp) -> Int64 {
        min(free, pace?.conforming(at: now, after: paced) ?? free)
    }

    /// Whether a lease was asked back since it was given.
    package func isRecalled(_ lease: Lease) -> Bool { lease.recalls < recalls }

    /// Whether somebody besides a holder has something that may come back: until then nobody is refused for good.
    package func mayReturn(besides holder: String) -> Bool { leases.contains { $0.holder != holder } }

    /// What nobody holds and nobody used; never less than 0, also when the limit was lowered below what is out.
    package var free: Int64 { max(0, limit - settled - held) }
    /// What holders may still spend.
    package var held: Int64 { leases.reduce(0) { $0 + $1.amount } }
    /// What counts as used unseen.
    package var unseen: Int64 { overdue.reduce(0) { $0 + $1.amount } }
}
