// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A JSON document as a tree, for code that looks around in a small one: built from ``JSONTokens``, so as strict.
package indirect enum JSONTree: Hashable, Sendable {
    case object([String: JSONTree])
    case array([JSONTree])
    case string(String)
    /// The number as it is written.
    case number(String)
    case literal(String)

    package init(_ bytes: [UInt8], limits: JSONTokens.Limits = .init()) throws(JSONError) {
        var builder = Builder()
        try JSONTokens(bytes, limits: limits).forEach { token, _ in builder.add(token, bytes) }
        self = builder.root ?? .literal("null")
    }

    package subscript(_ name: String) -> JSONTree? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }
    package var elements: [JSONTree] { if case .array(let elements) = self { elements } else { [] } }

    /// The values that are open, each with the name that the next member has.
    private struct Builder {
        var root: JSONTree?
        private var open: [(value: JSONTree, name: String?)] = []

        mutating func add(_ token: JSONTokens.Token, _ bytes: [UInt8]) {
            func raw() -> String { String(decoding: bytes[token.range], as: UTF8.self) }
            // The tokeniser has checked the escapes.
            func text() -> String {
                String(decoding: (try? JSONText.unescape(bytes[token.content])) ?? [], as: UTF8.self)
            }
            switch token.kind {
            case .objectStart: open.append((.object([:]), nil))
            case .arrayStart: open.append((.array([]), nil))
            case .objectEnd, .arrayEnd: if let closed = open.popLast() { close(closed.value) }
            case .key: open[open.count - 1].name = text()
            case .string: close(.string(text()))
            case .number: close(.number(raw()))
            case .literal: close(.literal(raw()))
            }
        }

        private mutating func close(_ value: JSONTree) {
            guard let last = open.indices.last else { return root = value }
            let name = open[last].name
            switch open[last].value {
            case .object(var members):
                // Taken out and put back, so that the dictionary has one owner and is changed in place.
                open[last].value = .literal("null")
                if let name { members[name] = value }
                open[last].value = .object(members)
            case .array(var elements):
                open[last].value = .literal("null")
                elements.append(value)
                open[last].value = .array(elements)
            default: break
            }
        }
    }
}
