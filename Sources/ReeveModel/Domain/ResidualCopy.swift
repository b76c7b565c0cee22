// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A copy that may remain of what was public, once it was taken down or erased (clause P4.2).
public enum ResidualCopy: String, Hashable, Sendable, Codable, CaseIterable {
    /// Pages and files that were cached on the way to those who read them.
    case caches
    /// Archives and backups of those who keep what was public.
    case archives
    /// What others copied, imported or changed.
    case othersCopies = "others' copies"
}
