// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where a value stands in a JSON document: the keys and indices from the root.
///
/// Paths share their beginnings: keeping a million of them costs one small node each, however deep they are.
/// Complexity: appending and the parent O(1), everything else O(depth).
public struct JSONPath: Hashable, Sendable {
    /// One step.
    public enum Element: Hashable, Sendable {
        /// The value of a key in an object.
        case key(String)
        /// An element of an array, from 0.
        case index(Int)
        /// The document inside a string value.
        case decoded

        /// Whether both are the same step; keys compare by their bytes, as JSON's do.
        public static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.key(let left), .key(let right)): left.isIdentical(to: right)
            case (.index(let left), .index(let right)): left == right
            case (.decoded, .decoded): true
            default: false
            }
        }

        /// Hashes the bytes of a key, or the index.
        public func hash(into hasher: inout Hasher) {
            switch self {
            case .key(let key): for byte in key.utf8 { hasher.combine(byte) }
            case .index(let index): hasher.combine(index)
            case .decoded: hasher.combine(-1)
            }
        }
    }

    private final class Node: Sendable {
        let element: Element
        let parent: Node?

        init(_ element: Element, _ parent: Node?) {
            self.element = element
            self.parent = parent
        }
    }
    private let last: Node?

    private init(last: Node?) {
        self.last = last
    }

    /// A path of steps; the root without any.
    public init(_ elements: [Element] = []) {
        last = elements.reduce(nil) { Node($1, $0) }
    }

    /// The steps from the root.
    public var elements: [Element] {
        var (elements, node): ([Element], Node?) = ([], last)
        while let current = node {
            elements.append(current.element)
            node = current.parent
        }
        return elements.reversed()
    }

    /// The last step; `nil` at the root.
    public var lastElement: Element? { last?.element }

    /// The last key on the way, skipping indices and decodings.
    public var lastKey: String? {
        var node = last
        while let current = node {
            if case .key(let key) = current.element { return key }
            node = current.parent
        }
        return nil
    }

    /// This path without its last step; the root's is the root.
    public var parent: JSONPath { JSONPath(last: last?.parent) }

    /// This path and one step more.
    public func appending(_ element: Element) -> JSONPath { JSONPath(last: Node(element, last)) }

    /// Whether both have the same steps.
    public static func == (left: Self, right: Self) -> Bool {
        var (left, right) = (left.last, right.last)
        while left !== right {
            guard let one = left, let other = right, one.element == other.element else { return false }
            (left, right) = (one.parent, other.parent)
        }
        return true
    }

    /// Hashes the steps.
    public func hash(into hasher: inout Hasher) {
        var node = last
        while let current = node {
            hasher.combine(current.element)
            node = current.parent
        }
    }
}

extension JSONPath: CustomStringConvertible {
    /// For example `code.block[2].input.message`; a document in a string is shown as `→`.
    ///
    /// Keys are shown as they are: whoever prints a path that may hold personal data in its keys uses a masked one.
    public var description: String {
        var text = ""
        for element in elements {
            switch element {
            case .key(let key): text += (text.isEmpty ? "" : ".") + key
            case .index(let index): text += "[\(index)]"
            case .decoded: text += "→"
            }
        }
        return text.isEmpty ? "(root)" : text
    }
}
