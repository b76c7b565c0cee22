// expect: is a 'let' constant|get-only
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

func widen(_ permit: Permit<OpenCredential>, to other: Resource) -> Resource {
    var copy = permit
    #if MISUSE
    copy.resource = other
    #else
    copy = permit
    #endif
    return copy.resource
}
