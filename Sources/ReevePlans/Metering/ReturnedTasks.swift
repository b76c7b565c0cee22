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

    /// All there are of a company; what cannot be returned is added again.
    func take(of company: Identifier<Company>) -> [Timestamp: Int64] {
        tasks.withLock { tasks in
            var taken: [Timestamp: Int64] = [:]
            for (place, count) in tasks where place.company == company { taken[place.period] = count }
            for period in taken.keys { tasks[Place(company: company, period: period)] = nil }
            return taken
        }
    }

    var companies: Set<Identifier<Company>> { tasks.withLock { Set($0.keys.map(\.company)) } }

    func removeAll() { tasks.withLock { $0 = [:] } }
}
