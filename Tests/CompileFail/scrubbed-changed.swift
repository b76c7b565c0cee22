// expect: is a 'let' constant
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePublishing

func forge(_ real: ScrubbedRecipe, _ bytes: [UInt8]) -> ScrubbedRecipe {
    var copy = real
    #if MISUSE
    copy.bytes = bytes
    #else
    copy = real
    #endif
    return copy
}
