// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A class of data that must not be published.
public enum DataClass: String, Hashable, Sendable, Codable, CaseIterable {
    /// An e-mail address.
    case email = "e-mail"
    /// A telephone number.
    case phone
    /// A payment card's number.
    case paymentCard = "payment card"
    /// An international bank account number.
    case iban = "IBAN"
    /// A key or token of a known provider.
    case secret
    /// The name of a person, see ``KnownIdentities``.
    case person
    /// The name of an organisation, see ``KnownIdentities``.
    case organization
    /// A domain of somebody's, see ``KnownIdentities``.
    case domain
}

/// A stretch of text that a detector recognised.
struct Match {
    let kind: DataClass
    let range: Range<Int>
    /// How sure the detector is: 0 to 1. From 0.6 on it is replaced, below a person decides.
    let score: Double
    /// The rule, for example `secret.github`.
    let rule: String
    /// The value itself, as it was read.
    var text: [UInt8] = []

    static let replaceFrom = 0.6
    static let reportFrom = 0.3
}
