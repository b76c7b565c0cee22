// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// An injective encoding of a sequence of fields, for digests and for the additional data of sealed values.
///
/// It starts with a label that says what is encoded, so that two uses never give equal bytes. Every field is preceded
/// by a tag for its type and, where its length varies, by that length as eight big-endian bytes: no choice of field
/// values makes two different sequences equal.
public struct CanonicalBytes: Hashable, Sendable {
    private enum Tag: UInt8 {
        case label = 1
        case bytes, text, integer, nothing, list
    }

    /// The encoding so far.
    public private(set) var bytes: [UInt8] = []

    /// An encoding of the use that `label` names, for example `reeve/vault/envelope/1`.
    public init(label: String) {
        // Most have room in this.
        self.init(label: label, capacity: 256)
    }

    /// An encoding that will have about so many bytes.
    package init(label: String, capacity: Int) {
        bytes.reserveCapacity(capacity)
        append(.label, label.utf8)
    }

    /// Adds bytes.
    public mutating func add(_ value: [UInt8]) { append(.bytes, value) }
    /// Adds a text, as UTF-8 without normalisation.
    public mutating func add(_ value: String) { append(.text, value.utf8) }
    /// Adds an integer, as eight bytes.
    public mutating func add(_ value: Int64) {
        bytes.append(Tag.integer.rawValue)
        bytes.appendBigEndian(UInt64(bitPattern: value))
    }
    /// Adds an identifier's text.
    public mutating func add(_ value: Identifier<some IdentifiedEntity>) {
        bytes.append(Tag.text.rawValue)
        // The length stands before the text, which has one for each kind.
        let start = bytes.count
        bytes.appendBigEndian(0)
        value.append(to: &bytes)
        let count = UInt64(bytes.count - start - 8)
        for index in 0..<8 { bytes[start + index] = UInt8(truncatingIfNeeded: count >> UInt64(56 - 8 * index)) }
    }
    /// Adds a digest's bytes.
    public mutating func add(_ value: Digest) {
        bytes.append(Tag.bytes.rawValue)
        bytes.appendBigEndian(32)
        value.append(to: &bytes)
    }
    /// Adds a text, or that there is none; the empty text and none differ.
    public mutating func add(_ value: String?) {
        guard let value else { return bytes.append(Tag.nothing.rawValue) }
        add(value)
    }
    /// Adds the number of elements, then each element by `body`.
    public mutating func addList<Element>(_ elements: [Element], _ body: (inout CanonicalBytes, Element) -> Void) {
        bytes.append(Tag.list.rawValue)
        bytes.appendBigEndian(UInt64(elements.count))
        for element in elements { body(&self, element) }
    }

    private mutating func append(_ tag: Tag, _ value: some Collection<UInt8>) {
        bytes.append(tag.rawValue)
        bytes.appendBigEndian(UInt64(value.count))
        bytes.append(contentsOf: value)
    }
}

extension [UInt8] {
    package mutating func appendBigEndian(_ value: UInt64) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }
}
