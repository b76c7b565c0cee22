// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveAccess
package import ReevePlans

/// A function of the host's own that does something dangerous: it takes the proofs that it may.
package struct NightlySync {
    package private(set) var log: [String] = []

    package init() {}

    /// Runs the sync of a company's plan with an admission, under a permit; uses at most `needed` tasks.
    package mutating func run(_ permit: Permit<ChangePlan>, _ admission: consuming Admission, needed: Int) {
        guard needed > 0 else {
            log.append("nothing to do")
            return admission.release()
        }
        log.append("\(permit.resource) under \(permit.decision)")
        admission.commit(used: needed)
    }
}
