// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting

/// Puts values into real recipes. It knows where people write things, and nothing of the scrubber's tables.
struct Planter {
    /// How a value is written.
    enum Writing: String, CaseIterable {
        /// Last in the escapes of the document itself.
        case plain, base64, percent, unicode, concatenated, escaped

        func write(_ value: String, quote: String = "'") -> String {
            switch self {
            case .plain, .escaped: return value
            case .base64: return Data("the value is \(value)".utf8).base64EncodedString()
            case .percent:
                return value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? value
            case .unicode: return Self.escaped(value)
            case .concatenated:
                let cut = value.index(value.startIndex, offsetBy: value.count / 2)
                return "\(value[..<cut])\(quote) + \(quote)\(value[cut...])"
            }
        }

        /// A value in escapes for everything but letters and digits.
        static func escaped(_ value: String) -> String {
            value.utf8.map { byte in
                let isPlain =
                    byte >= 0x80 || Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
                return isPlain ? String(decoding: [byte], as: UTF8.self) : "\\u00" + String(byte, radix: 16)
            }.joined()
        }
    }

    /// A place in a recipe, and what stands there with a value in it.
    struct Planted {
        let place: String
        let range: Range<Int>
        let raw: [UInt8]
    }

    let bytes: [UInt8]
    let isWorkflow: Bool
    private let text: String
    /// Strings of the document that are values: where their content stands, the path, and what they say.
    private let values: [(range: Range<Int>, path: String, text: String)]

    init(_ bytes: [UInt8], isWorkflow: Bool) {
        (self.bytes, self.isWorkflow, text) = (bytes, isWorkflow, String(decoding: bytes, as: UTF8.self))
        var found: [(Range<Int>, String, String)] = []
        try? JSONTokens(bytes).forEach { token, path in
            guard token.kind == .string, let decoded = try? JSONText.unescape(bytes[token.content]) else { return }
            found.append((token.content, path.description, String(decoding: decoded, as: UTF8.self)))
        }
        values = found
    }

    /// The recipe with a value planted.
    func recipe(_ planted: Planted) -> [UInt8] {
        bytes[..<planted.range.lowerBound] + planted.raw + bytes[planted.range.upperBound...]
    }

    /// A recipe as the API answers it: its code is packed into a string.
    static func packed(_ recipe: [UInt8]) throws -> [UInt8] {
        var (start, depth, code): (Int?, Int, Range<Int>?) = (nil, 0, nil)
        try JSONTokens(recipe).forEach { token, path in
            if token.kind == .objectStart {
                if depth == 1, path.description == "code" { start = token.range.lowerBound }
                depth += 1
            } else if token.kind == .objectEnd {
                depth -= 1
                if depth == 1, let from = start {
                    code = code ?? from..<token.range.upperBound
                    start = nil
                }
            }
        }
        guard let code else { return recipe }
        return recipe[..<code.lowerBound] + Array("\"".utf8) + JSONText.escape(recipe[code]) + Array("\"".utf8)
            + recipe[code.upperBound...]
    }

    private func json(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }

    /// All plantings of a value in one writing.
    func plantings(of value: String, _ writing: Writing) -> [Planted] {
        var all: [Planted] = []
        func plant(_ place: String, _ range: Range<Int>, _ raw: String) {
            let raw = writing == .escaped ? raw.replacing(json(value), with: Writing.escaped(value)) : raw
            all.append(Planted(place: place, range: range, raw: Array(raw.utf8)))
        }
        func add(_ place: String, _ range: Range<Int>, _ content: String) { plant(place, range, json(content)) }
        func insert(_ place: String, at offset: Int, _ raw: String) { plant(place, offset..<offset, raw) }
        let written = writing.write(value)
        let inText = writing == .concatenated ? nil : written
        for (range, path, text) in values {
            let key = path.split(separator: ".").last.map(String.init) ?? ""
            if isWorkflow {
                plantWorkflow(path, key, text, range, inText, written, add)
            } else {
                plantRecipe(path, key, text, range, inText, written, add)
            }
        }
        if let inText { insertMembers(inText, insert) }
        if !isWorkflow { insertCode(written, insert) }
        if isWorkflow, writing == .plain { all += renamedSteps(value) }
        return all
    }

    /// A step's name with a value in it, in its edges and in every expression that speaks of it.
    private func renamedSteps(_ value: String) -> [Planted] {
        let names = values.filter { $0.path.wholeMatch(of: /nodes\[\d+\]\.name/) != nil }.map(\.text)
        return names.filter { $0.count > 3 && !$0.contains { "\"'\\".contains($0) } }.prefix(4).map { name in
            var renamed = text
            for (open, close) in [("\"", "\""), ("'", "'"), ("\\\"", "\\\"")] {
                renamed = renamed.replacing(open + name + close, with: open + name + " " + value + close)
            }
            return Planted(place: "step's name", range: 0..<bytes.count, raw: Array(renamed.utf8))
        }
    }

    private func plantRecipe(
        _ path: String, _ key: String, _ text: String, _ range: Range<Int>, _ inText: String?, _ written: String,
        _ add: (String, Range<Int>, String) -> Void
    ) {
        let isSchema = path.contains("schema")
        if ["hint", "label", "title", "description", "comment"].contains(key), let inText {
            add(key, range, text + " " + inText)
        }
        guard path.contains(".input."), !isSchema else {
            if isSchema, text.hasPrefix("[{\""), let inText {
                // A document in a string: a label and an example in it.
                let inner = json(inText)
                add("nested hint", range, text.replacingFirst("{\"", with: "{\"hint\":\"ask \(inner)\",\"x-"))
                add("nested example", range, text.replacingFirst("{\"", with: "{\"example\":\"\(inner)\",\"x-"))
            }
            return
        }
        guard !["operand", "uuid", "zip_name", "type"].contains(key) else { return }
        if text.hasPrefix("=") {
            add("formula literal", range, text + " + '\(written)'")
            add("formula in quotes", range, text + " + \"\(written.replacing("'", with: "\""))\"")
        } else if let inText, text.contains("#{") {
            add("interpolated text", range, text + " " + inText)
        } else if let inText, !text.hasPrefix("[") {
            add("literal", range, text + " " + inText)
        }
    }

    private func plantWorkflow(
        _ path: String, _ key: String, _ text: String, _ range: Range<Int>, _ inText: String?, _ written: String,
        _ add: (String, Range<Int>, String) -> Void
    ) {
        if path.hasSuffix(".notes") || path == "name" || path.hasPrefix("tags["), key == "name" || key == "notes" {
            if let inText { add("label", range, text + " " + inText) }
            return
        }
        if path.contains(".credentials."), let inText { return add("credential", range, text + " " + inText) }
        guard path.hasPrefix("nodes["), path.contains("].parameters.") else { return }
        switch key {
        case "jsCode", "functionCode":
            add("code literal", range, text + "\nconst planted = '\(written)';")
            add("code in quotes", range, text + "\nconst planted = \"\(written.replacing("'", with: "\""))\";")
            if let inText {
                add("code comment", range, text + "\n// ask \(inText)")
                add(
                    "code template", range,
                    text + "\nconst planted = `ask ${1 + 1} ${inText} now`;".replacing("${inText}", with: inText))
            }
        case "pythonCode":
            add("code literal", range, text + "\nplanted = '\(written)'")
            if let inText { add("code comment", range, text + "\n# ask \(inText)") }
        case "cachedResultName", "cachedResultUrl":
            if let inText { add("cached label", range, text + " " + inText) }
        case "id", "type", "mode", "operation", "resource", "method", "typeVersion": return
        default:
            if text.hasPrefix("="), let open = text.range(of: "{{") {
                add("expression literal", range, text.replacingCharacters(in: open, with: "{{ '\(written)' + "))
            }
            if let inText { add(text.hasPrefix("=") ? "template text" : "literal", range, text + " " + inText) }
        }
    }

    /// The places behind a text.
    private func offsets(after opening: String) -> [Int] {
        text.ranges(of: opening).map { text.utf8.distance(from: text.utf8.startIndex, to: $0.upperBound) }
    }

    /// What parts a member that is inserted at a place from the next one.
    private func separator(at offset: Int) -> String {
        text.utf8.dropFirst(offset).first { $0 > 0x20 } == UInt8(ascii: "}") ? "" : ","
    }

    /// Source code in a language that nothing says.
    private func insertCode(_ written: String, _ insert: (String, Int, String) -> Void) {
        for offset in offsets(after: "\"input\": {").prefix(4) {
            for (place, code) in [
                ("code literal", "m = '\(written)' # it's so"), ("script literal", "const m = '\(written)' // it's so"),
                ("code with a pill", "x = '#{_('data.crm.start.Email')}'\nm = '\(written)'"),
            ] {
                insert(place, offset, "\"code\":\"\(json(code))\"" + separator(at: offset))
            }
        }
    }

    /// Members that are not there in every recipe.
    private func insertMembers(_ written: String, _ insert: (String, Int, String) -> Void) {
        let value = json(written)
        if isWorkflow {
            for offset in offsets(after: "\"pinData\": {").prefix(1) {
                insert(
                    "pinned data", offset,
                    "\"Planted\":[{\"json\":{\"v\":\"\(value)\"}}]"
                        + separator(at: offset))
            }
            for offset in offsets(after: "\"parameters\": {").prefix(3) {
                let end = separator(at: offset)
                insert(
                    "nested document", offset, "\"planted\":\"\(json(#"{"a":[{"note":"\#(value)"}],"n":1}"#))\"" + end)
            }
            return
        }
        for offset in offsets(after: "\"input\": {").prefix(4) {
            let end = separator(at: offset)
            insert("code", offset, "\"code\":\"\(json("print('ask \(written)')\n# and \(written)"))\"" + end)
            insert("nested document", offset, "\"planted\":\"\(json(#"{"a":[{"note":"\#(value)"}],"n":1}"#))\"" + end)
        }
        for offset in offsets(after: "\"keyword\": \"action\",").prefix(4) {
            insert("comment", offset, "\"comment\":\"ask \(value)\",")
            insert("pick list", offset, "\"planted\":{\"dynamicPickListSelection\":{\"channel\":\"\(value)\"}},")
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ part: String, with other: String) -> String {
        guard let range = range(of: part) else { return self }
        return replacingCharacters(in: range, with: other)
    }
}
