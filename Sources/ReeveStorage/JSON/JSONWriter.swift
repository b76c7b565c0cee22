// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Writes a record's JSON by hand: about ten times as fast as `Codable`.
///
/// Fields are written in the order of their names' bytes, as every record has them; ``JSONReader`` reads nothing else,
/// so a wrong order shows in the first test that reads back. Absent values are left out.
///
///     writer.object { $0.field("count", 3); $0.field("name", "a") }
public struct JSONWriter: Sendable {
    /// The JSON so far.
    public private(set) var bytes: [UInt8] = []
    private var isFirst = true

    /// Nothing yet.
    public init() {
        bytes.reserveCapacity(512)
    }

    /// An object with the fields that `body` writes.
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
        body(&self)
        isFirst = false
        bytes.append(UInt8(ascii: "}"))
    }

    /// A list with one value for each element, written by `body`.
    @inlinable public mutating func list<Element>(_ elements: [Element], _ body: (inout JSONWriter, Element) -> Void) {
        append(UInt8(ascii: "["))
        for index in elements.indices {
            if index > 0 { append(UInt8(ascii: ",")) }
            body(&self, elements[index])
        }
        append(UInt8(ascii: "]"))
    }

    /// An integer.
    public mutating func integer(_ value: Int64) {
        var digits: (UInt64, UInt64, UInt32) = (0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &digits) { buffer in
            var rest = value.magnitude
            var index = 20
            repeat {
                index -= 1
                unsafe buffer[index] = UInt8(truncatingIfNeeded: rest % 10) + 48
                rest /= 10
            } while rest > 0
            if value < 0 { bytes.append(UInt8(ascii: "-")) }
            unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[index..<20]))
        }
    }

    /// A text.
    public mutating func text(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        bytes.append(contentsOf: value.utf8)
        for index in start..<bytes.count where bytes[index] < 0x20 || bytes[index] == 0x22 || bytes[index] == 0x5C {
            let escaped = JSONText.escape(bytes[index...])
            bytes.removeLast(bytes.count - index)
            bytes += escaped
            break
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// A value whose JSON is its text.
    public mutating func text(_ value: some TextCodable) { text(value.description) }

    /// An identifier's text.
    public mutating func text(_ value: Identifier<some IdentifiedEntity>) {
        bytes.append(UInt8(ascii: "\""))
        value.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// An instant.
    public mutating func text(_ value: Timestamp) {
        bytes.append(UInt8(ascii: "\""))
        value.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Bytes, as base64url without padding.
    public mutating func bytes(_ value: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        Base64URL.append(value, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// `true` or `false`.
    public mutating func bool(_ value: Bool) { bytes.append(contentsOf: value ? "true".utf8 : "false".utf8) }

    /// A field's name; its value follows.
    public mutating func name(_ name: StaticString) {
        open()
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        close()
    }

    /// A field's name that is data, such as a key of a dictionary; its value follows.
    public mutating func name(data name: String) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        text(name)
        bytes.append(UInt8(ascii: ":"))
    }

    /// A field that holds an integer; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: Int64?) {
        guard let value else { return }
        self.name(name)
        integer(value)
    }

    /// A field that holds an integer; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: Int?) { field(name, value.map(Int64.init)) }

    /// A field that holds a text; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        self.name(name)
        text(value)
    }

    /// A field that holds a value's text; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: (some TextCodable)?) {
        field(name, value?.description)
    }

    /// A field that holds an identifier's text; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: Identifier<some IdentifiedEntity>?) {
        guard let value else { return }
        self.name(name)
        text(value)
    }

    /// A field that holds a digest; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: Digest?) {
        guard let value else { return }
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        value.appendText(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// A field that holds an instant; left out when there is none.
    public mutating func field(_ name: StaticString, _ value: Timestamp?) {
        guard let value else { return }
        self.name(name)
        text(value)
    }

    /// A field that holds bytes; left out when there are none.
    public mutating func field(_ name: StaticString, _ value: [UInt8]?) {
        guard let value else { return }
        self.name(name)
        bytes(value)
    }

    /// A field that holds `true` or `false`; left out when there is neither.
    public mutating func field(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        self.name(name)
        bool(value)
    }

    /// A field that holds an object with the fields that `body` writes.
    public mutating func field(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.name(name)
        object(body)
    }

    /// A field that holds an object of texts, in the order of their names' bytes.
    public mutating func field(_ name: StaticString, _ texts: [String: String]) {
        field(name) { writer in
            for (name, value) in texts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                writer.name(data: name)
                writer.text(value)
            }
        }
    }

    /// A value that is JSON already, as this writer or a record wrote it.
    package mutating func raw(_ json: [UInt8]) { bytes.append(contentsOf: json) }

    @usableFromInline mutating func append(_ byte: UInt8) { bytes.append(byte) }

    private mutating func open() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func close() {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }
}
