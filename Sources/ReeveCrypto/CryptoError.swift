// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Why a cryptographic operation did not succeed. Messages never hold keys, plaintext or ciphertext.
public struct CryptoError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The ciphertext, its additional data or the key is not the one that was sealed. Which one is not said.
        case authenticationFailed
        /// A key, nonce or output has a length that the algorithm does not allow.
        case invalidLength
        /// The system's random number generator failed.
        case randomnessUnavailable
        /// The system refused memory.
        case outOfMemory
        /// The secret belongs to the process that this one was forked from, and is empty here.
        case lostInFork
        /// libcrypto refused the operation, or does not know the algorithm.
        case engineFailed
    }

    /// What went wrong.
    public let code: Code

    /// An error with a code.
    public init(_ code: Code) {
        self.code = code
    }
}

extension CryptoError: CustomStringConvertible {
    /// What went wrong and what to do about it.
    public var description: String {
        switch code {
        case .authenticationFailed: "the sealed value cannot be opened with this key in this place"
        case .invalidLength: "the length is not allowed here; AES-256 keys are 32 bytes and nonces 12"
        case .randomnessUnavailable: "the system's random number generator is not available"
        case .outOfMemory: "the system refused memory for a secret"
        case .lostInFork: "the secret was made before this process was forked; make it anew in the child"
        case .engineFailed:
            "libcrypto refused the operation; check that OpenSSL 3 with its default provider is installed"
        }
    }
}
