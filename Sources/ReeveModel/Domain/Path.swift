// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A dotted path in a taxonomy, for example `contact.email`: 1 to 16 elements of lower-case and upper-case ASCII
/// letters, digits, `_` and `-`, 1 to 64 bytes each.
public struct Path: Hashable, Sendable, Comparable {
    /// The elements, from the root.
    public let elements: [String]
    /// The elements' hash in this process, kept since paths are looked up much more often than made.
    private let hash: Int

    private init(elements: [String]) {
        self.elements = elements
        hash = elements.hashValue
    }

    /// Whether both have the same elements.
    public static func == (left: Self, right: Self) -> Bool {
        left.hash == right.hash && left.elements == right.elements
    }
    /// Hashes the elements.
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    /// True when `other` is this path or lies below it. Complexity: O(elements).
    public func contains(_ other: Path) -> Bool { other.elements.starts(with: elements) }

    /// True when one of the two paths contains the other.
    public func overlaps(_ other: Path) -> Bool { contains(other) || other.contains(self) }

    /// The path of the first elements; `nil` when there are not so many, or none is asked for.
    package func prefix(_ length: Int) -> Path? {
        (1...elements.count).contains(length) ? Path(elements: Array(elements.prefix(length))) : nil
    }

    /// Orders element by element.
    public static func < (left: Self, right: Self) -> Bool {
        left.elements.lexicographicallyPrecedes(right.elements)
    }
}

extension Path: LosslessStringConvertible, TextCodable {
    /// The elements joined by dots.
    public var description: String { elements.joined(separator: ".") }

    /// Reads a dotted path; `nil` for an empty element, a foreign character or too many elements.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 16, omittingEmptySubsequences: false)
        let valid = parts.allSatisfy { part in
            (1...64).contains(part.utf8.count)
                && part.utf8.allSatisfy {
                    (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 45
                }
        }
        guard (1...16).contains(parts.count), valid else { return nil }
        self.init(elements: parts.map(String.init))
    }
}

/// What kind of data something is, for example `contact.email`.
public struct DataCategory: Hashable, Sendable, TextCodable {
    /// The category's place in the taxonomy.
    public let path: Path
    /// The dotted path.
    public var description: String { path.description }
    /// Reads a dotted path.
    public init?(_ text: String) {
        guard let path = Path(text) else { return nil }
        self.path = path
    }
    /// True when `other` is this category or a narrower one.
    public func contains(_ other: DataCategory) -> Bool { path.contains(other.path) }
    /// True when one of the two contains the other.
    public func overlaps(_ other: DataCategory) -> Bool { path.overlaps(other.path) }
}

/// What data is used for, for example `service.operate`.
public struct Purpose: Hashable, Sendable, TextCodable {
    /// The purpose's place in the taxonomy.
    public let path: Path
    /// The dotted path.
    public var description: String { path.description }
    /// Reads a dotted path.
    public init?(_ text: String) {
        guard let path = Path(text) else { return nil }
        self.path = path
    }
    /// True when `other` is this purpose or a narrower one.
    public func contains(_ other: Purpose) -> Bool { path.contains(other.path) }
    /// True when one of the two contains the other.
    public func overlaps(_ other: Purpose) -> Bool { path.overlaps(other.path) }
}

/// A numbered clause of the source documents, for example `P1.4` or `S3.2`.
public struct ClauseReference: Hashable, Sendable, TextCodable {
    /// The clause's number.
    public let description: String
    /// Reads `P` or `S`, then 1 to 10 letters, digits and dots.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard let first = bytes.first, first == UInt8(ascii: "P") || first == UInt8(ascii: "S"),
            (2...11).contains(bytes.count),
            bytes.dropFirst().allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 46 })
        else { return nil }
        description = text
    }
}
