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

    /// Why an address is refused; `nil` when it is not. International names come in their ASCII form. Whether a host may be
    /// called at all, such as one in a private network, is not for this policy to say.
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
        return Self.isHostAndPort(authority) ? nil : .malformedAddress
    }

    /// A name of labels, or an address in brackets, and a port or none. One spelling for all parsers: letters, digits and
    /// hyphens, nothing encoded, nothing left out.
    private static func isHostAndPort(_ authority: ArraySlice<UInt8>) -> Bool {
        var rest = authority
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = rest[rest.index(after: rest.startIndex)..<end]
            guard address.contains(UInt8(ascii: ":")),
                address.allSatisfy({ isDigit($0) || (97...102).contains($0 | 0x20) || $0 == 0x3A || $0 == 0x2E })
            else { return false }
            rest = rest[(end + 1)...]
        } else {
            let host = rest.prefix { $0 != UInt8(ascii: ":") }
            let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard host.count <= 253, labels.allSatisfy(isLabel), let last = labels.last else { return false }
            // An address in numbers has four of them; parsers read others in different ways.
            if last.allSatisfy(isDigit), labels.count != 4 || !labels.allSatisfy({ $0.allSatisfy(isDigit) }) {
                return false
            }
            rest = rest[host.endIndex...]
        }
        guard let colon = rest.popFirst() else { return true }
        guard colon == UInt8(ascii: ":"), (1...5).contains(rest.count), rest.allSatisfy(isDigit) else { return false }
        return (1...65_535).contains(rest.reduce(0) { $0 * 10 + Int($1 - 48) })
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
            && label.allSatisfy { isDigit($0) || (97...122).contains($0 | 0x20) || $0 == 0x2D }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    /// Why a connection that was made is refused; `nil` when it is not.
    public func refusal(ofConnectionWith version: TLSVersion, keyBits: Int) -> Refusal? {
        if version < minimumTLS { return .tlsTooOld }
        return keyBits < minimumKeyBits ? .keyTooShort : nil
    }
}
