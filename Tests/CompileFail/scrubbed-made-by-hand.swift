// expect: inaccessible|no accessible initializers|cannot be constructed
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePublishing

func forge(_ real: ScrubbedRecipe) -> ScrubbedRecipe {
    #if MISUSE
    ScrubbedRecipe(bytes: real.bytes, destination: real.destination, inputDigest: real.inputDigest, digest: real.digest)
    #else
    real
    #endif
}
