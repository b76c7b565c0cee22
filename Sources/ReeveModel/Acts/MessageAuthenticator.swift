// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A secret key that vouches for messages: HMAC-SHA256 (RFC 2104) or what is as strong.
///
/// Rooms that must authenticate without a cryptography library of their own take one; ReeveCrypto's `HMACKey` is one.
/// All calls may be made concurrently.
public protocol MessageAuthenticator: Sendable {
    /// The 32-byte tag of a message.
    func authenticate(_ message: [UInt8]) throws -> [UInt8]
    /// Whether `tag` is the message's tag; takes the same time wherever it differs.
    func isValid(_ tag: [UInt8], for message: [UInt8]) throws -> Bool
}
