// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
import ReeveModel

/// A main key in this process: 32 bytes of key material that the host keeps.
///
/// Material that a customer has handed over can be used by whoever holds it: it gives its owner no way to revoke. An external
/// key service does.
public final class LocalMainKey: MainKeyProvider {
    private let handle: KeyHandle
    /// `local:` and 16 digits that follow from the key, so that another key is known before anything is tried.
    public let reference: String

    /// A main key of exactly 32 bytes (clause S3.2); any other length is refused.
    public init(_ key: consuming SecretBytes) throws(CryptoError) {
        guard key.count == 32 else { throw CryptoError(.invalidLength) }
        let root = try HMACKey(key)
        let check = try root.authenticate(CanonicalBytes(label: "reeve/vault/main-key-check/1"))
        reference = "local:" + check.description.prefix(16)
        handle = try KeyHandle(root.derive(label: CanonicalBytes(label: "reeve/vault/main-key-wrap/1")))
    }

    /// A customer's own key as canonical Base64 text of exactly 32 bytes: 44 characters, `=` at the end.
    ///
    /// Throws `CryptoError` with `invalidLength` for anything else, other alphabets and line breaks included.
    public convenience init(base64 text: borrowing SecretBytes) throws(CryptoError) {
        try self.init(Base64Key.decode(text))
    }

    /// A fresh main key. It is gone with the process: for trials and tests.
    public static func ephemeral() throws(CryptoError) -> LocalMainKey {
        try LocalMainKey(SecretBytes.random(count: 32))
    }

    /// Wraps with AES-256-GCM, bound to the context.
    public func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        do {
            return try key.withLiveBytes { (span) throws(CryptoError) in
                try handle.seal(span, authenticating: context.canonicalBytes.bytes)
            }
        } catch {
            throw .unavailable
        }
    }

    /// Unwraps what ``wrap(_:context:)`` made.
    public func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        do {
            return try handle.open(wrapped[...], authenticating: context.canonicalBytes.bytes)
        } catch {
            throw error.code == .authenticationFailed ? .notWrappedByThis : .unavailable
        }
    }
}

/// 32 bytes in canonical Base64 (RFC 4648 section 4), decoded without leaving a copy in ordinary memory.
enum Base64Key {
    /// `urlSafe` for the alphabet with `-` and `_` (section 5), padded all the same.
    static func decode(_ text: borrowing SecretBytes, urlSafe: Bool = false) throws(CryptoError) -> SecretBytes {
        guard text.count == 44 else { throw CryptoError(.invalidLength) }
        return try text.withLiveBytes { (text) throws(CryptoError) in
            try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
                var (bits, count, position) = (UInt32(0), 0, 0)
                for index in 0..<43 {
                    guard let value = value(of: text.byte(index), urlSafe) else { throw CryptoError(.invalidLength) }
                    bits = bits << 6 | value
                    count += 6
                    if count >= 8, position < 32 {
                        count -= 8
                        target.storeBytes(
                            of: UInt8(truncatingIfNeeded: bits >> UInt32(count)), toByteOffset: position, as: UInt8.self
                        )
                        position += 1
                    }
                }
                // Two bits are left over, and canonical text has zeros there.
                guard text.byte(43) == UInt8(ascii: "="), position == 32, bits & 3 == 0 else {
                    throw CryptoError(.invalidLength)
                }
            }
        }
    }

    /// The value of a character, without a table whose cache lines would tell.
    private static func value(of byte: UInt8, _ urlSafe: Bool) -> UInt32? {
        let byte = Int32(byte)
        func range(_ low: Int32, _ high: Int32, _ base: Int32) -> Int32 {
            // All ones inside the range.
            (((low - 1 - byte) & (byte - high - 1)) >> 31) & (byte - low + base + 1)
        }
        let (plus, slash): (Int32, Int32) = urlSafe ? (45, 95) : (43, 47)
        let sum =
            range(65, 90, 0) + range(97, 122, 26) + range(48, 57, 52) + range(plus, plus, 62)
            + range(slash, slash, 63)
        return sum == 0 ? nil : UInt32(sum - 1)
    }
}
