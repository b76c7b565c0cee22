// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension String {
    /// Whether both are the same bytes; `==` also equates different spellings of one character.
    package func isIdentical(to other: String) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Whether this says anything: a reason of spaces alone is none.
    package var isReason: Bool { utf8.contains { $0 > 0x20 } }
}
