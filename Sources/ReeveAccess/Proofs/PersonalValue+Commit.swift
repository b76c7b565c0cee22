// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel
public import ReeveStorage

extension PersonalValue {
    /// A value for an audit entry's field, with a salt of 32 random bytes of its own.
    ///
    /// HMAC-SHA256 (RFC 2104) under the salt: who has neither salt nor value learns nothing from the commitment, and
    /// nobody finds another value for it.
    ///
    /// With `subject` it is found by whom it is about, where the entry is the platform's: a request of theirs shows it, or has it erased. Values of a workspace's log are its customer's,
    /// and go with it.
    public init(
        _ name: String, _ value: String, about subject: Identifier<DataSubject>? = nil
    ) throws(CryptoError) {
        let salt = try Randomness.bytes(32)
        let commitment = try HMACKey(SecretBytes(copying: salt)).authenticate(Self.message(name: name, value: value))
        self.init(name: name, value: value, salt: salt, commitment: commitment, about: subject)
    }
}

extension StoredPersonalValue {
    /// Whether a commitment is the one of this value.
    package func isCommitted(by commitment: Digest, as name: String) throws(CryptoError) -> Bool {
        guard salt.count == 32 else { return false }
        let own = try HMACKey(SecretBytes(copying: salt)).authenticate(PersonalValue.message(name: name, value: value))
        return own == commitment
    }
}
