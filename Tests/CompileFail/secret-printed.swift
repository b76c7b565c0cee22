// expect: no exact matches in call to instance method 'appendInterpolation'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto

func act(_ secret: borrowing SecretBytes) {
    #if MISUSE
    print("\(secret)")
    #else
    print("\(secret.count)")
    #endif
}
