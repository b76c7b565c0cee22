// expect: conform to 'Decodable'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

func decode<Value: Decodable>(_ type: Value.Type) {}
func forge() {
    #if MISUSE
    decode(Permit<OpenCredential>.self)
    #else
    decode(Digest.self)
    #endif
}
