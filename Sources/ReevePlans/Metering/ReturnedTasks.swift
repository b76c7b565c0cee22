// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization

/// Tasks that jobs gave back after the lease they came from was closed, until they are returned to the limit.
final class ReturnedTasks: Sendable {
    /// A company's limit in the period that begins then.
    struct Place: Hashable {
        let company: Identifier<Company>
        let period: Timestamp
    }
    private let tasks = Mutex<[Place: Int64]>([:])

    func add(_ count: Int64, to place: Place) { tasks.withLock { $0[place, default: 0] += count } }

    /// All there are; what cannot be returned is added again.
    func take() -> [Place: Int64] {
        tasks.withLock { tasks in
            defer { tasks = [:] }
            return tasks
        }
    }
}
