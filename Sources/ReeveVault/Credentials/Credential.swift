// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel

/// A credential on its way into the vault: a method and its secret fields.
///
///     let credential = try Credential.apiKey(SecretBytes(copying: bytes))
public struct Credential: ~Copyable, Sendable {
    /// How the app authenticates.
    public let method: Connector.Method
    let content: SecretBytes

    private init(method: Connector.Method, content: consuming SecretBytes) {
        self.method = method
        self.content = content
    }

    /// A credential without fields yet; add them with ``adding(_:_:)``.
    public init(_ method: Connector.Method) throws(CryptoError) {
        self.init(method: method, content: try SecretBytes(copying: []))
    }

    /// This credential and one field more. Names are 1 to 255 bytes of UTF-8, values at most 64 KiB.
    public consuming func adding(_ name: String, _ value: borrowing SecretBytes) throws(CryptoError) -> Credential {
        let label = Array(name.utf8)
        guard (1...255).contains(label.count), value.count <= 64 << 10 else { throw CryptoError(.invalidLength) }
        var prefix: [UInt8] = [UInt8(label.count)] + label
        prefix.appendBigEndian(UInt64(value.count))
        let labelled = try content.appending(prefix)
        let method = method
        let content = try value.withLiveBytes { (span) throws(CryptoError) in try labelled.appending(span) }
        return Credential(method: method, content: content)
    }

    /// An API key in the field `key`.
    public static func apiKey(_ key: borrowing SecretBytes) throws(CryptoError) -> Credential {
        try Credential(.apiKey).adding("key", key)
    }

    /// A bearer token in the field `token`.
    public static func bearer(_ token: borrowing SecretBytes) throws(CryptoError) -> Credential {
        try Credential(.bearer).adding("token", token)
    }

    /// An OAuth 2.0 access token in the field `access_token`.
    public static func oauth2(accessToken: borrowing SecretBytes) throws(CryptoError) -> Credential {
        try Credential(.oauth2).adding("access_token", accessToken)
    }

    /// OAuth 2.0 tokens (RFC 6749 §5.1) in the fields `access_token` and `refresh_token`.
    public static func oauth2(
        accessToken: borrowing SecretBytes, refreshToken: borrowing SecretBytes
    ) throws(CryptoError) -> Credential {
        try oauth2(accessToken: accessToken).adding("refresh_token", refreshToken)
    }

    /// A user name and a password (RFC 7617) in the fields `user` and `password`.
    public static func basic(
        user: borrowing SecretBytes, password: borrowing SecretBytes
    ) throws(CryptoError) -> Credential {
        try Credential(.basic).adding("user", user).adding("password", password)
    }

    /// A TLS client certificate with its chain, and its private key, in the fields `certificate` and `private_key`, each in
    /// whatever form the app's client reads.
    public static func clientCertificate(
        _ certificate: borrowing SecretBytes, privateKey: borrowing SecretBytes
    ) throws(CryptoError) -> Credential {
        try Credential(.clientCertificate).adding("certificate", certificate).adding("private_key", privateKey)
    }
}

/// An opened credential, lent to the body of `withCredential`; its memory is wiped when the body ends.
public struct Secret: ~Copyable, Sendable {
    /// How the app authenticates.
    public let method: Connector.Method
    let content: SecretBytes

    init(method: Connector.Method, content: consuming SecretBytes) {
        self.method = method
        self.content = content
    }

    /// The names of the fields, in the order in which they were added.
    public var fieldNames: [String] { content.isAlive ? content.withBytes { Self.fields($0).map(\.name) } : [] }

    /// Lends a field's bytes to `body`; `nil` when there is no such field.
    public func withField<R, E: Error>(_ name: String, _ body: (RawSpan) throws(E) -> R) throws(E) -> R? {
        guard content.isAlive else { return nil }
        return try content.withBytes { (span) throws(E) in
            guard let range = Self.range(of: name, in: span) else { return nil }
            return try body(span.extracting(range))
        }
    }

    /// Where a field's bytes are in the content of a credential.
    static func range(of name: String, in content: RawSpan) -> Range<Int>? {
        fields(content).first { $0.name.isIdentical(to: name) }?.range
    }

    /// None when the content is not what a credential's is: somebody sealed it who has the key.
    private static func fields(_ span: RawSpan) -> [(name: String, range: Range<Int>)] {
        var (fields, position): ([(String, Range<Int>)], Int) = ([], 0)
        while position < span.byteCount {
            let start = position + 1
            let end = start + Int(span.byte(position))
            guard end + 8 <= span.byteCount,
                let name = String(validating: (start..<end).map { span.byte($0) }, as: UTF8.self)
            else { return [] }
            let count = (0..<8).reduce(UInt64(0)) { $0 << 8 | UInt64(span.byte(end + $1)) }
            guard count <= UInt64(span.byteCount - end - 8) else { return [] }
            position = end + 8 + Int(count)
            fields.append((name, end + 8..<position))
        }
        return fields
    }
}
