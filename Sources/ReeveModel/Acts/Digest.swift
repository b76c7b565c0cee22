// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A SHA-256 digest (FIPS 180-4): 32 bytes that stand for a document, a policy or a decision.
///
/// This is the value alone; ReeveCrypto computes it. Its text, also in JSON, is 64 lower-case hexadecimal digits.
public struct Digest: Hashable, Sendable {
    // In the value itself: digests are compared, looked up and copied much more often than their bytes are asked for.
    private let words: Words

    private struct Words: Hashable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0
        var fourth: UInt64 = 0
    }

    /// The 32 bytes. Complexity: a copy of them.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    /// A digest of exactly 32 bytes; `nil` for any other count.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        unsafe self.init { target in unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) } }
    }

    /// The digest whose 32 bytes `body` writes; they are zero before.
    package init(writing body: (UnsafeMutableRawBufferPointer) -> Void) {
        var words = Words()
        unsafe withUnsafeMutableBytes(of: &words) { unsafe body($0) }
        self.words = words
    }

    /// Appends the bytes.
    package func append(to bytes: inout [UInt8]) {
        unsafe withUnsafeBytes(of: words) { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends the text.
    package func appendText(to text: inout [UInt8]) {
        unsafe withUnsafeBytes(of: words) { unsafe Hex.append($0, to: &text) }
    }

    /// Reads the UTF-8 of the text.
    package init?(utf8 text: ArraySlice<UInt8>) {
        guard text.count == 64 else { return nil }
        var isHex = false
        unsafe self.init { target in isHex = unsafe Hex.decode(text, into: target) }
        guard isHex else { return nil }
    }
}

extension Digest: LosslessStringConvertible, TextCodable {
    /// 64 lower-case hexadecimal digits.
    public var description: String {
        var text: [UInt8] = []
        appendText(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads 64 lower-case hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 64 else { return nil }
        self.init(utf8: Array(text.utf8)[...])
    }
}
