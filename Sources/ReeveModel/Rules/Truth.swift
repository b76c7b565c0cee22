// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A truth value that may be unknown: Kleene's strong logic of three values.
///
/// A rule that allows needs `yes`; a rule that forbids needs `no` to stay silent. So a missing fact never allows.
public enum Truth: String, Hashable, Sendable, Codable, CaseIterable {
    /// It holds.
    case yes
    /// It does not hold.
    case no
    /// Nobody said.
    case unknown

    /// Whether `fact` holds; unknown when nobody said.
    public init(_ fact: Bool?) {
        self = fact.map { $0 ? .yes : .no } ?? .unknown
    }

    /// Both: `no` when either is, else `unknown` when either is.
    public func and(_ other: Truth) -> Truth {
        if self == .no || other == .no { return .no }
        return self == .yes && other == .yes ? .yes : .unknown
    }

    /// Either: `yes` when either is, else `unknown` when either is.
    public func or(_ other: Truth) -> Truth { negated.and(other.negated).negated }

    /// The opposite; the opposite of unknown is unknown.
    public var negated: Truth {
        switch self {
        case .yes: .no
        case .no: .yes
        case .unknown: .unknown
        }
    }
}
