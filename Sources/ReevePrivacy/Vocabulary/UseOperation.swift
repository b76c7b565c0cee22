// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What is done with personal data.
public enum UseOperation: String, Hashable, Sendable, Codable, CaseIterable {
    /// It is taken in.
    case collect
    /// It is worked with.
    case use
    /// It is brought together with other data; the result has the joined label.
    case combine
    /// Somebody else is given it.
    case share
    /// Somebody else is given it for money.
    case sell
    /// Somebody else may use it for a time, for money.
    case rent
    /// Somebody else may use it for a time.
    case loan
    /// It goes to another country.
    case transfer
    /// It is shown to everybody.
    case publish
    /// It is kept.
    case retain
    /// It is written to the subject's own device, as a cookie is.
    case storeOnDevice
    /// The subject is written an e-mail.
    case contactByEmail
    /// The subject is called.
    case contactByCall
    /// The subject is sent a text message.
    case contactByText
    /// The subject is sent a letter.
    case contactByPost

    /// All ways to contact the subject.
    public static let contact: Set<UseOperation> = [.contactByEmail, .contactByCall, .contactByText, .contactByPost]
    /// All ways to give data away for something: no policy clause that Reeve ships permits any (clause P1.3).
    public static let trade: Set<UseOperation> = [.sell, .rent, .loan]
}
