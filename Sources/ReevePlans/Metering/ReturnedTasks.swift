// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization

/// Tasks that jobs gave back after the lease they came from was closed, until they are returned to the limit.
final class ReturnedTasks: Sendable {
    /// What tasks were taken from: the limit of the period that begins then.
    struct Origin: Hashable {
        let period: Timestamp
        /// When they were taken.
        let taken: Timestamp
        /// The sublimits that they count against.
        var sublimits: [SublimitJobs] = []
    }
    /// A company's.
    struct Place: Hashable {
        let company: Identifier<Company>
        let origin: Origin
    }
    private let tasks = Mutex<[Place: Int64]>([:])

    func add(_ count: Int64, to place: Place) { tasks.withLock { $0[place, default: 0] += count } }

    /// All there are of a company; what cannot be returned is added again.
    func take(of company: Identifier<Company>) -> [Origin: Int64] {
        tasks.withLock { tasks in
            var taken: [Origin: Int64] = [:]
            for (place, count) in tasks where place.company == company { taken[place.origin] = count }
            for origin in taken.keys { tasks[Place(company: company, origin: origin)] = nil }
            return taken
        }
    }

    var companies: Set<Identifier<Company>> { tasks.withLock { Set($0.keys.map(\.company)) } }

    func removeAll() { tasks.withLock { $0 = [:] } }
}
