// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A text value written in Reeve's own source: a misspelt one ends the first test that reaches it.
extension TextCodable {
    package init(literal text: StaticString) { self.init(trusted: text.description) }

    /// One of a table in the source, which is put together.
    package init(trusted text: String) {
        guard let value = Self(text) else { preconditionFailure("`\(text)` is not a valid \(Self.self)") }
        self = value
    }
}
