// expect: conform to 'Decodable'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReevePrivacy

func decode<Value: Decodable>(_ type: Value.Type) {}
func forge() {
    #if MISUSE
    decode(Clearance.self)
    #else
    decode(ChoiceEvent.self)
    #endif
}
