// expect: inaccessible due to 'fileprivate'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

@testable import ReeveAccess

func forge(_ real: Permit<OpenCredential>) {
    #if MISUSE
    _ = Permit<OpenCredential>.init(context:resource:decision:policy:instance:epoch:deadline:facts:)
    #else
    _ = real
    #endif
}
