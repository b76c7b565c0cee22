// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Reads what ``JSONWriter`` wrote, field by field in the same order, and refuses everything else.
///
/// Records are written by tables alone, so the reader takes one spelling: no spaces, no unknown field, no other order,
/// each field once. Complexity: O(bytes).
///
/// What takes a closure is inlinable: every room would pay for a generic call of each object otherwise.
///
///     let count = try reader.integer("count"), name = try reader.text("name")
public struct JSONReader: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    @usableFromInline var isFirst = true
    /// Whether the string that was read last has a backslash.
    private var hasEscapes = false

    /// A reader at the start of a record's JSON.
    public init(_ bytes: [UInt8]) {
        self.init(bytes, in: 0..<bytes.count)
    }

    /// A reader at the start of a part of some bytes; `range` must lie in them.
    package init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        (position, end) = (range.lowerBound, range.upperBound)
    }

    /// An object whose fields `body` reads.
    @inlinable public mutating func object<Value>(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try take(UInt8(ascii: "{"))
        isFirst = true
        let value = try body(&self)
        try endObject()
        return value
    }

    /// The start of an object and its first field, an integer.
    mutating func object(openEnded name: StaticString) throws(JSONError) -> Int64 {
        try take(UInt8(ascii: "{"))
        isFirst = true
        return try integer(name)
    }

    /// The end of an object.
    @usableFromInline mutating func endObject() throws(JSONError) {
        try take(UInt8(ascii: "}"))
        isFirst = false
    }

    /// A list whose elements `body` reads.
    @inlinable public mutating func list<Element>(
        _ body: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        var elements: [Element] = []
        try take(UInt8(ascii: "["))
        if skip(UInt8(ascii: "]")) { return [] }
        repeat { elements.append(try body(&self)) } while skip(UInt8(ascii: ","))
        try take(UInt8(ascii: "]"))
        return elements
    }

    /// An object whose names are data, in the order of their bytes: calls `body` to read each value.
    public mutating func dictionary<Value>(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> [String: Value] {
        var members: [String: Value] = [:]
        var last: String?
        try take(UInt8(ascii: "{"))
        isFirst = false
        if skip(UInt8(ascii: "}")) { return [:] }
        repeat {
            let start = position
            let name = try text()
            if let last, !last.utf8.lexicographicallyPrecedes(name.utf8) { throw JSONError(.duplicateKey, at: start) }
            last = name
            try take(UInt8(ascii: ":"))
            members[name] = try body(&self)
        } while skip(UInt8(ascii: ","))
        try endObject()
        return members
    }

    /// Whether the next field has this name; its value is read next then.
    public mutating func hasField(_ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        var cursor = position
        if !isFirst {
            guard cursor < end, bytes[cursor] == UInt8(ascii: ",") else { return false }
            cursor += 1
        }
        guard cursor + count + 3 <= end, bytes[cursor] == UInt8(ascii: "\""),
            bytes[cursor + count + 1] == UInt8(ascii: "\""), bytes[cursor + count + 2] == UInt8(ascii: ":")
        else { return false }
        let start = unsafe name.utf8Start
        for index in 0..<count where unsafe bytes[cursor + 1 + index] != start[index] { return false }
        position = cursor + count + 3
        isFirst = false
        return true
    }

    /// Reads a field's name, which must be this.
    public mutating func name(_ name: StaticString) throws(JSONError) {
        guard hasField(name) else { throw JSONError(position < end ? .unexpectedByte : .truncated, at: position) }
    }

    /// An integer without a leading zero.
    public mutating func integer() throws(JSONError) -> Int64 {
        let start = position
        let isNegative = skip(UInt8(ascii: "-"))
        let first = position
        var value: Int64 = 0
        while position < end, (48...57).contains(bytes[position]) {
            let digit = Int64(bytes[position] - 48)
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.addingReportingOverflow(isNegative ? -digit : digit)
            guard !overflow, !overflow2 else { throw JSONError(.invalidNumber, at: start) }
            value = sum
            position += 1
        }
        let digits = position - first
        guard digits > 0, digits == 1 || bytes[first] != 48, !(isNegative && value == 0) else {
            throw JSONError(.invalidNumber, at: start)
        }
        return value
    }

    /// A text.
    public mutating func text() throws(JSONError) -> String {
        let content = try string()
        guard let value = String(validating: bytes[content], as: UTF8.self) else {
            throw JSONError(.invalidUTF8, at: content.lowerBound)
        }
        guard hasEscapes else { return value }
        let text = try JSONText.unescape(bytes[content], at: content.lowerBound)
        // One spelling: what the writer would escape, and in its way.
        guard JSONText.escape(text).elementsEqual(bytes[content]) else {
            throw JSONError(.invalidEscape, at: content.lowerBound)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A value from its text; `init?(_:)` decides what is one.
    public mutating func text<Value: LosslessStringConvertible>(as _: Value.Type) throws(JSONError) -> Value {
        let start = position
        guard let value = Value(try text()) else { throw JSONError(.unexpectedByte, at: start) }
        return value
    }

    /// An identifier.
    public mutating func text<Entity>(as _: Identifier<Entity>.Type) throws(JSONError) -> Identifier<Entity> {
        let content = try string()
        guard let value = Identifier<Entity>(utf8: bytes[content]) else {
            throw JSONError(.unexpectedByte, at: content.lowerBound)
        }
        return value
    }

    /// A digest.
    public mutating func text(as _: Digest.Type) throws(JSONError) -> Digest {
        let content = try string()
        guard let value = Digest(utf8: bytes[content]) else {
            throw JSONError(.unexpectedByte, at: content.lowerBound)
        }
        return value
    }

    /// A field that holds a digest.
    public mutating func text(_ name: StaticString, as type: Digest.Type) throws(JSONError) -> Digest {
        try self.name(name)
        return try text(as: type)
    }

    /// An instant.
    public mutating func text(as _: Timestamp.Type) throws(JSONError) -> Timestamp {
        let content = try string()
        guard let value = Timestamp(utf8: bytes[content]) else {
            throw JSONError(.unexpectedByte, at: content.lowerBound)
        }
        return value
    }

    /// Bytes from base64url.
    public mutating func byteString() throws(JSONError) -> [UInt8] {
        let content = try string()
        guard let value = Base64URL.decode(bytes[content]) else {
            throw JSONError(.unexpectedByte, at: content.lowerBound)
        }
        return value
    }

    /// `true` or `false`.
    public mutating func bool() throws(JSONError) -> Bool {
        let isTrue = position < end && bytes[position] == UInt8(ascii: "t")
        for byte in (isTrue ? "true" : "false").utf8 { try take(byte) }
        return isTrue
    }

    /// A field that holds an integer.
    public mutating func integer(_ name: StaticString) throws(JSONError) -> Int64 {
        try self.name(name)
        return try integer()
    }

    /// A field that holds a number of things: 0 to `limit`, by default to 2^62, so that one more is still a number.
    public mutating func count(_ name: StaticString, upTo limit: Int64 = 1 << 62) throws(JSONError) -> Int64 {
        let value = try integer(name)
        guard (0...limit).contains(value) else { throw JSONError(.invalidNumber, at: position) }
        return value
    }

    /// A field that holds a text.
    public mutating func text(_ name: StaticString) throws(JSONError) -> String {
        try self.name(name)
        return try text()
    }

    /// A field that holds a value's text.
    public mutating func text<Value: LosslessStringConvertible>(
        _ name: StaticString, as type: Value.Type
    ) throws(JSONError) -> Value {
        try self.name(name)
        return try text(as: type)
    }

    /// A field that holds a value's text, if it is there.
    public mutating func optionalText<Value: LosslessStringConvertible>(
        _ name: StaticString, as type: Value.Type
    ) throws(JSONError) -> Value? {
        hasField(name) ? try text(as: type) : nil
    }

    /// A field that holds an identifier.
    public mutating func text<Entity>(
        _ name: StaticString, as type: Identifier<Entity>.Type
    ) throws(JSONError) -> Identifier<Entity> {
        try self.name(name)
        return try text(as: type)
    }

    /// A field that holds an identifier, if it is there.
    public mutating func optionalText<Entity>(
        _ name: StaticString, as type: Identifier<Entity>.Type
    ) throws(JSONError) -> Identifier<Entity>? {
        hasField(name) ? try text(as: type) : nil
    }

    /// A field that holds an instant.
    public mutating func text(_ name: StaticString, as type: Timestamp.Type) throws(JSONError) -> Timestamp {
        try self.name(name)
        return try text(as: type)
    }

    /// One of a type's cases, by its text.
    public mutating func choice<Value: RawRepresentable<String>>(as _: Value.Type) throws(JSONError) -> Value {
        let start = position
        guard let value = Value(rawValue: try text()) else { throw JSONError(.unexpectedByte, at: start) }
        return value
    }

    /// A field that holds one of a type's cases.
    public mutating func choice<Value: RawRepresentable<String>>(
        _ name: StaticString, as type: Value.Type
    ) throws(JSONError) -> Value {
        try self.name(name)
        return try choice(as: type)
    }

    /// A field that holds bytes.
    public mutating func byteString(_ name: StaticString) throws(JSONError) -> [UInt8] {
        try self.name(name)
        return try byteString()
    }

    /// A field that holds `true` or `false`.
    public mutating func bool(_ name: StaticString) throws(JSONError) -> Bool {
        try self.name(name)
        return try bool()
    }

    /// A field that holds an object whose fields `body` reads.
    @inlinable public mutating func object<Value>(
        _ name: StaticString, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try self.name(name)
        return try object(body)
    }

    /// The bytes of an object, without looking at what it holds beyond its braces and strings.
    package mutating func rawObject() throws(JSONError) -> [UInt8] {
        let start = position
        guard position < end, bytes[position] == UInt8(ascii: "{") else { throw unexpected() }
        var depth = 0
        repeat {
            guard position < end else { throw JSONError(.truncated, at: end) }
            switch bytes[position] {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            default: break
            }
            position += 1
        } while depth > 0
        isFirst = false
        return Array(bytes[start..<position])
    }

    /// The error for a value that is well formed, and is none that can stand here.
    public func unexpected() -> JSONError { JSONError(.unexpectedByte, at: position) }

    /// Checks that everything was read.
    public func finish() throws(JSONError) {
        guard position == end else { throw JSONError(.trailingData, at: position) }
    }

    /// The content of a string between its quotes, which must not hold a raw control character.
    private mutating func string() throws(JSONError) -> Range<Int> {
        try take(UInt8(ascii: "\""))
        let (start, end) = (position, end)
        // One look at each byte, without a check of the bounds for each: `end` lies in the bytes.
        let (stop, sawEscape) = unsafe bytes.withUnsafeBufferPointer { bytes in
            var (cursor, sawEscape) = (start, false)
            let raw = UnsafeRawBufferPointer(bytes)
            while cursor < end {
                // Eight at a time while none of them ends the string, escapes or must not be there.
                while cursor + 8 <= end,
                    !Self.isTelling(unsafe raw.loadUnaligned(fromByteOffset: cursor, as: UInt64.self))
                {
                    cursor += 8
                }
                guard cursor < end else { break }
                let byte = unsafe bytes[cursor]
                if byte == UInt8(ascii: "\"") || byte < 0x20 { break }
                if byte == UInt8(ascii: "\\") {
                    sawEscape = true
                    cursor += 1
                }
                cursor += 1
            }
            return (cursor, sawEscape)
        }
        hasEscapes = sawEscape
        guard stop < end else { throw JSONError(.truncated, at: end) }
        guard bytes[stop] == UInt8(ascii: "\"") else { throw JSONError(.controlCharacter, at: stop) }
        position = stop + 1
        return start..<stop
    }

    /// Whether one of eight bytes may be a quote, a backslash or a control character: never wrong when it says no.
    private static func isTelling(_ word: UInt64) -> Bool {
        let (ones, highs) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
        func hasZero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }
        let quote = hasZero(word ^ (ones &* 0x22))
        let backslash = hasZero(word ^ (ones &* 0x5C))
        let control = (word &- ones &* 0x20) & ~word & highs
        return quote | backslash | control != 0
    }

    @usableFromInline mutating func skip(_ byte: UInt8) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    @usableFromInline mutating func take(_ byte: UInt8) throws(JSONError) {
        guard position < end else { throw JSONError(.truncated, at: end) }
        guard bytes[position] == byte else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
    }
}
