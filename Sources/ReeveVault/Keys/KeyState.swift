// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where a key stands in its life (NIST SP 800-57 part 1, section 7, with a destruction that can be called off).
public enum KeyState: String, Hashable, Sendable, Codable, CaseIterable {
    /// Seals and opens.
    case active
    /// Opens what it sealed, and seals nothing more: a newer one took its place.
    case deactivated
    /// Does nothing until it is resumed.
    case suspended
    /// Does nothing: somebody else may have it. What it sealed must be made anew.
    case compromised
    /// Does nothing, and is destroyed on a day; until then it can be restored.
    case destroyScheduled
    /// Gone.
    case destroyed

    /// Whether a key in this state opens what it sealed.
    public var opens: Bool { self == .active || self == .deactivated }
}
