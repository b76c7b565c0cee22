// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What one scrub looks for beside what every scrub does, and what of it stays.
struct SearchRules: Sendable {
    /// Classes that stay.
    let kept: Set<DataClass>
    /// What the host knows to be somebody's.
    let known: KnownIdentities?

    /// Rules; to know nothing is as knowing no list.
    init(kept: Set<DataClass> = [], known: KnownIdentities? = nil) {
        self.kept = kept
        self.known = known?.isEmpty == false ? known : nil
    }

    /// Bytes of the shortest value that any detector finds.
    static let shortestValue = 6
    /// Bytes of the shortest text in which something can be.
    var shortest: Int { known == nil ? Self.shortestValue : KnownIdentities.shortest }
}
