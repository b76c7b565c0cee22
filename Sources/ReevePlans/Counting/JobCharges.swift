// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a run of a job was charged: each charge once, however often and by whomever it was told.
public struct JobCharges: Hashable, Sendable {
    /// The job.
    public let job: Identifier<Job>
    /// How often the job had been run again before, from 0.
    public let run: Int
    /// Tasks that count for it.
    public let tasks: Int
    /// Tasks among them that corrections added; below 0 where they took some off.
    public let correction: Int
    /// When the period began in which the first of them count, in UTC.
    public let period: Timestamp

    init(_ record: ChargeRecord) {
        job = record.job
        run = record.run
        tasks = record.tasks
        correction = record.correction
        period = record.parts.first?.period ?? Timestamp(microseconds: 0)
    }
}
