// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A text value written in Reeve's own source: a misspelt one ends the first test that reaches it.
extension TextCodable {
    package init(literal text: StaticString) {
        guard let value = Self(text.description) else {
            preconditionFailure("`\(text)` is not a valid \(Self.self)")
        }
        self = value
    }
}
