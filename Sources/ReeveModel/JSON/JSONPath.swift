// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where a value stands in a JSON document: the keys and indices from the root.
public struct JSONPath: Hashable, Sendable {
    /// One step.
    public enum Element: Hashable, Sendable {
        /// The value of a key in an object.
        case key(String)
        /// An element of an array, from 0.
        case index(Int)
        /// The document inside a string value.
        case decoded
    }

    /// The steps from the root.
    public var elements: [Element]

    /// A path of steps; the root without any.
    public init(_ elements: [Element] = []) {
        self.elements = elements
    }

    /// The last key on the way, skipping indices and decodings.
    public var lastKey: String? {
        for element in elements.reversed() {
            if case .key(let key) = element { return key }
        }
        return nil
    }

    /// This path and one step more.
    public func appending(_ element: Element) -> JSONPath { JSONPath(elements + [element]) }
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
