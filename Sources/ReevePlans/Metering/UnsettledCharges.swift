// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization

/// What jobs of this process were charged, until it is in the store.
final class UnsettledCharges: Sendable {
    private let told = Mutex<[Identifier<Company>: [ToldCharges]]>([:])

    func add(_ new: ToldCharges, of company: Identifier<Company>) {
        told.withLock { $0[company, default: []].append(new) }
    }

    /// The first of a company's, at most so many; what cannot be settled is put back.
    func take(_ count: Int, of company: Identifier<Company>) -> [ToldCharges] {
        told.withLock { told in
            let taken = Array(told[company]?.prefix(count) ?? [])
            told[company]?.removeFirst(taken.count)
            if told[company]?.isEmpty == true { told[company] = nil }
            return taken
        }
    }

    func putBack(_ taken: [ToldCharges], of company: Identifier<Company>) {
        guard !taken.isEmpty else { return }
        told.withLock { $0[company] = taken + ($0[company] ?? []) }
    }

    var companies: Set<Identifier<Company>> { told.withLock { Set($0.keys) } }

    func removeAll() { told.withLock { $0 = [:] } }
}
