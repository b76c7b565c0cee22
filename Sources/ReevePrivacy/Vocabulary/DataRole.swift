// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// For whom data is held (clause P8.1).
public enum DataRole: Hashable, Sendable, Codable {
    /// The holder decides what it is for.
    case controller
    /// A customer decides, and the holder works for it.
    case processor(for: Identifier<Company>)

    /// The role without the customer.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// The holder decides.
        case controller
        /// A customer decides.
        case processor
    }

    /// The role without the customer.
    public var kind: Kind {
        switch self {
        case .controller: .controller
        case .processor: .processor
        }
    }
}
