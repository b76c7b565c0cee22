// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a connection to another system must be (clause S1.6 and its kin): HTTPS, TLS 1.2 or later, keys of 128 bits or more.
///
/// A host may ask for more, never for less.
public struct TransportPolicy: Hashable, Sendable, Codable {
    /// A version of TLS.
    public enum TLSVersion: Int, Hashable, Sendable, Codable, Comparable, CaseIterable {
        /// TLS 1.0, which no policy allows.
        case tls10 = 10
        /// TLS 1.1, which no policy allows.
        case tls11 = 11
        /// TLS 1.2 (RFC 5246).
        case tls12 = 12
        /// TLS 1.3 (RFC 8446).
        case tls13 = 13

        /// Older is less.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Why an address or a connection is refused.
    public enum Refusal: String, Hashable, Sendable, Codable, CaseIterable {
        /// The address is not one of HTTPS.
        case notHTTPS
        /// The address has no host, or characters that parsers disagree about.
        case malformedAddress
        /// The address holds a user name or password.
        case holdsCredentials
        /// The connection's TLS is too old.
        case tlsTooOld
        /// The connection's cipher has too short a key.
        case keyTooShort
    }

    /// The oldest version allowed; TLS 1.2 or later.
    public let minimumTLS: TLSVersion
    /// The shortest key allowed, in bits; 128 or more.
    public let minimumKeyBits: Int

    /// TLS 1.2 or later, and 128 bits.
    public static let standard = TransportPolicy()

    /// A policy; what would be weaker than ``standard`` counts as that.
    public init(minimumTLS: TLSVersion = .tls12, minimumKeyBits: Int = 128) {
        self.minimumTLS = max(.tls12, minimumTLS)
        self.minimumKeyBits = max(128, minimumKeyBits)
    }

    /// Reads a policy; what would be weaker than ``standard`` counts as that.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            minimumTLS: try container.decode(TLSVersion.self, forKey: .minimumTLS),
            minimumKeyBits: try container.decode(Int.self, forKey: .minimumKeyBits))
    }

    /// Why an address is refused; `nil` when it is not.
    public func refusal(ofAddress address: String) -> Refusal? {
        let bytes = Array(address.utf8)
        let scheme = Array("https://".utf8)
        guard bytes.count >= scheme.count,
            zip(bytes, scheme).allSatisfy({ $0 == $1 || ((65...90).contains($0) && $0 | 0x20 == $1) })
        else { return .notHTTPS }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else { return .malformedAddress }
        let authority = bytes[scheme.count...].prefix {
            ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0)
        }
        if authority.contains(UInt8(ascii: "@")) { return .holdsCredentials }
        guard let first = authority.first, first != UInt8(ascii: ":") else { return .malformedAddress }
        return nil
    }

    /// Why a connection that was made is refused; `nil` when it is not.
    public func refusal(ofConnectionWith version: TLSVersion, keyBits: Int) -> Refusal? {
        if version < minimumTLS { return .tlsTooOld }
        return keyBits < minimumKeyBits ? .keyTooShort : nil
    }
}
