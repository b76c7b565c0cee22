// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// The policy of a host without roles: one principal may do everything.
struct SoleOperatorPolicy: Sendable {
    let principal: ActContext.Actor
    let digest: Digest

    init(principal: ActContext.Actor) throws(AccessError) {
        self.principal = principal
        var encoding = CanonicalBytes(label: "reeve/access/sole-operator/1")
        encoding.add(principal.description)
        do {
            digest = try Digest(of: encoding)
        } catch {
            throw AccessError(.cryptoFailed)
        }
    }

    /// `nil` when allowed, else why not.
    func decide(_ context: ActContext, _ permission: String) -> Denial.Reason? {
        context.actor.description.isIdentical(to: principal.description) ? nil : .noGrant
    }
}
