// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A key: a tuple of elements whose encoding keeps their order.
///
/// The first element is the partition: a workspace's id, or `platform`. Elements are escaped and terminated, so no
/// choice of values makes two tuples equal, and a range over a prefix holds whole elements only. Integers order
/// before texts; texts order by their UTF-8 bytes.
public struct Key: Hashable, Sendable, Comparable {
    /// One part of a key.
    public enum Element: Hashable, Sendable {
        /// A signed integer.
        case integer(Int64)
        /// A text; compared by UTF-8 bytes, without normalisation.
        case text(String)

        /// The bytes of its encoding, but for what is escaped.
        fileprivate var leastCount: Int {
            switch self {
            case .integer: 9
            case .text(let value): value.utf8.count + 2
            }
        }

        /// Whether both are the same integer, or the same bytes of text.
        public static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.integer(let left), .integer(let right)): left == right
            case (.text(let left), .text(let right)): left.isIdentical(to: right)
            default: false
            }
        }

        /// Hashes the integer or the bytes.
        public func hash(into hasher: inout Hasher) {
            switch self {
            case .integer(let value): hasher.combine(value)
            case .text(let value): value.utf8.forEach { hasher.combine($0) }
            }
        }
    }

    /// The encoding; bytes compare as the tuples do.
    public let bytes: [UInt8]
    /// Of the bytes, by this process's seed: a key is looked up several times in each commit.
    private let hash: Int

    /// A key of elements, the partition first.
    public init(_ elements: [Element]) { self.init([], elements) }

    /// A key in a partition.
    public init(_ partition: Partition, _ elements: [Element] = []) {
        self.init([.text(partition.name)] + elements)
    }

    /// The key of a table's record.
    init(_ partition: Partition, table: String, _ ids: [String]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            ids.reduce(partition.name.utf8.count + table.utf8.count + 4) { $0 + $1.utf8.count + 2 })
        Self.append(partition.name, to: &bytes)
        Self.append(table, to: &bytes)
        for id in ids { Self.append(id, to: &bytes) }
        self.init(encoded: bytes)
    }

    /// This key with more elements.
    public func appending(_ elements: [Element]) -> Key { Key(bytes, elements) }

    private init(_ start: [UInt8], _ elements: [Element]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(start.count + elements.reduce(0) { $0 + $1.leastCount })
        bytes += start
        for element in elements { Self.append(element, to: &bytes) }
        self.init(encoded: bytes)
    }

    /// A key with an encoding that an adapter has read back.
    public init(encoded bytes: [UInt8]) {
        self.bytes = bytes
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        hash = hasher.finalize()
    }

    /// Orders by the elements.
    public static func < (left: Self, right: Self) -> Bool { left.bytes.precedes(right.bytes) }

    /// Whether both are the same bytes.
    public static func == (left: Self, right: Self) -> Bool { left.hash == right.hash && left.bytes == right.bytes }

    /// Hashes what stands for the bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    /// The elements; `nil` when the bytes are no key's encoding.
    public var elements: [Element]? {
        var elements: [Element] = []
        var rest = bytes[...]
        while let tag = rest.popFirst() {
            switch tag {
            case Self.integerTag:
                guard rest.count >= 8 else { return nil }
                let raw = rest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                elements.append(.integer(Int64(bitPattern: raw ^ (1 << 63))))
                rest = rest.dropFirst(8)
            case Self.textTag:
                var text: [UInt8] = []
                while true {
                    guard let byte = rest.popFirst() else { return nil }
                    if byte != 0 {
                        text.append(byte)
                    } else if rest.first == 0xFF {
                        rest.removeFirst()
                        text.append(0)
                    } else {
                        break
                    }
                }
                guard let value = String(validating: text, as: UTF8.self) else { return nil }
                elements.append(.text(value))
            default: return nil
            }
        }
        return elements
    }

    private static let integerTag: UInt8 = 0x10
    private static let textTag: UInt8 = 0x20

    private static func append(_ element: Element, to bytes: inout [UInt8]) {
        switch element {
        case .integer(let value):
            bytes.append(integerTag)
            bytes.appendBigEndian(UInt64(bitPattern: value) ^ (1 << 63))
        case .text(let value): append(value, to: &bytes)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(textTag)
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        if bytes[start...].contains(0) {
            // Seldom: each zero is followed by a byte that no text holds.
            bytes.removeLast(bytes.count - start)
            for byte in text.utf8 {
                bytes.append(byte)
                if byte == 0 { bytes.append(0xFF) }
            }
        }
        bytes.append(0)
    }
}

extension Key: CustomStringConvertible {
    /// The elements, separated by slashes.
    public var description: String {
        guard let elements else { return "malformed key" }
        return elements.map { element in
            switch element {
            case .integer(let value): String(value)
            case .text(let value): value
            }
        }.joined(separator: "/")
    }
}

/// The part of a store that a key lies in: one workspace, or the platform.
public struct Partition: Hashable, Sendable {
    /// The first element of the partition's keys.
    public let name: String

    /// The partition of what belongs to no workspace.
    public static let platform = Partition(name: "platform")

    /// The partition of a workspace.
    public init(_ workspace: Identifier<Workspace>) {
        self.init(name: workspace.description)
    }

    /// The partition of a scope's workspace, or the platform's.
    public init(_ scope: Scope) {
        self = scope.workspace.map(Partition.init) ?? .platform
    }

    /// The partition of this name; `nil` when no scope has it.
    package init?(named name: String) {
        guard name == Self.platform.name || Identifier<Workspace>(name) != nil else { return nil }
        self.init(name: name)
    }

    private init(name: String) {
        self.name = name
    }
}

/// A half-open range of keys.
public struct KeyRange: Hashable, Sendable {
    /// The first key's encoding; in the range.
    public let lowerBound: [UInt8]
    /// The first encoding after the range.
    public let upperBound: [UInt8]

    /// The keys whose first elements are the prefix's, the prefix itself among them.
    public init(under prefix: Key) {
        lowerBound = prefix.bytes
        upperBound = prefix.bytes + [0xFF]
    }

    /// The keys of a prefix that are not before a key.
    package init(from first: Key, under prefix: Key) {
        self.init(lowerBound: first.bytes, upperBound: prefix.bytes + [0xFF])
    }

    /// The part of this range after a key, to read the next page.
    public func after(_ key: Key) -> KeyRange {
        KeyRange(
            lowerBound: lowerBound.precedes(key.bytes + [0]) ? key.bytes + [0] : lowerBound, upperBound: upperBound)
    }

    /// Whether a key lies in the range.
    public func contains(_ key: Key) -> Bool { !key.bytes.precedes(lowerBound) && key.bytes.precedes(upperBound) }

    private init(lowerBound: [UInt8], upperBound: [UInt8]) {
        self.lowerBound = lowerBound
        self.upperBound = upperBound
    }
}

extension [UInt8] {
    /// Whether these bytes come before others: by the first that differs, else by length.
    func precedes(_ other: [UInt8]) -> Bool {
        let shorter = Swift.min(count, other.count)
        let order = unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard shorter > 0, let left = left.baseAddress, let right = right.baseAddress else { return 0 }
                return Int(unsafe memcmp(left, right, shorter))
            }
        }
        return order == 0 ? count < other.count : order < 0
    }
}
