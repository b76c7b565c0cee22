// expect: inaccessible due to 'fileprivate'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

@testable import ReeveAccess

func forge(_ real: Permit<OpenCredential>, _ authority: AccessAuthority) -> Permit<OpenCredential> {
    #if MISUSE
    Permit(
        context: real.context, resource: real.resource, decision: real.decision, policy: real.policy,
        instance: authority.instance, epoch: 1, deadline: .seconds(30), facts: [:])
    #else
    real
    #endif
}
