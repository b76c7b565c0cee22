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
    /// A key, token or password.
    case secret
    /// The name of a person: by lists, titles and the keys of values, and as ``KnownIdentities`` tell.
    case person
    /// The name of an organisation: by its legal form, and as ``KnownIdentities`` tell.
    case organization
    /// A domain of somebody's: the host that a service gives a customer, and as ``KnownIdentities`` tell.
    case domain
    /// A number that a state, its tax office, social security or health service knows a person by.
    case nationalID = "national id"
    /// The number of a passport.
    case passport
    /// The number of a driving licence.
    case driverLicense = "driver license"
    /// The number plate or the identification number of a vehicle.
    case vehicle
    /// The number of a company in a register or with a tax office.
    case organizationID = "organization id"
    /// A bank account that is no IBAN, or its bank.
    case bankAccount = "bank account"
    /// A part of a postal address.
    case postalAddress = "postal address"
    /// The number of a device or a SIM card.
    case device
    /// An IP address.
    case ipAddress = "IP address"
    /// A MAC address.
    case macAddress = "MAC address"
    /// An address of a crypto currency.
    case cryptoAddress = "crypto address"
    /// A person's date of birth.
    case dateOfBirth = "date of birth"
    /// A folder of a user's.
    case userFolder = "user folder"
    /// A fact that tells with others of one record who somebody is, as age, sex and postcode do; a person decides about it.
    case quasiIdentifier = "quasi-identifier"
    /// A URL; none that a scrub takes out, since most are a service's.
    case url = "URL"
    /// A date; none that a scrub takes out.
    case date
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
}
