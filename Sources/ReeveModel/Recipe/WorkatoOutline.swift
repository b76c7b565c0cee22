// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Reads the outline of a recipe in Workato's export format.
struct WorkatoOutline {
    let limits: JSONTokens.Limits

    func read(_ bytes: [UInt8]) throws(RecipeDocumentError) -> RecipeOutline {
        let document = try tree(bytes)
        guard var code = document["code"] else { throw .noRecipe }
        // The interface for programs answers with the code as a document in a string.
        if let text = code.text { code = try tree(Array(text.utf8)) }
        guard code["keyword"]?.text != nil else { throw .noRecipe }
        var outline = RecipeOutline(trigger: step(code))
        for entry in document["config"]?.elements ?? [] {
            if entry["keyword"]?.text == "application", let provider = entry["provider"]?.text {
                outline.connections.append(provider)
            }
        }
        return outline
    }

    private func tree(_ bytes: [UInt8]) throws(RecipeDocumentError) -> JSONTree {
        do {
            return try JSONTree(bytes, limits: limits)
        } catch {
            throw .malformed(error)
        }
    }

    private func step(_ block: JSONTree) -> RecipeOutline.Step {
        let (keyword, operation) = (block["keyword"]?.text ?? "", block["name"]?.text)
        let provider = block["provider"]?.text
        var step = RecipeOutline.Step(
            kind(keyword, provider, operation), number: block["number"]?.integer, alias: block["as"]?.text,
            provider: provider, operation: operation ?? keyword)
        for name in ["input", "filter", "source", "repeat_mode"] {
            if let value = block[name] { collect(value, &step.pills) }
        }
        step.steps = (block["block"]?.elements ?? []).map(self.step)
        return step
    }

    private func kind(_ keyword: String, _ provider: String?, _ operation: String?) -> RecipeOutline.Step.Kind {
        switch keyword {
        case "trigger": .trigger
        case "action":
            provider == "workato_recipe_function" && operation?.contains("call") == true
                || provider == "workato_callable_recipe" ? .call : .action
        case "if": .condition
        case "elsif": .alternative
        case "else": .otherwise
        case "foreach", "repeat", "while_condition": .loop
        case "try": .attempt
        case "catch": .failure
        case "stop": .stop
        default: .other
        }
    }

    /// The pills in every text of a value; members in the order of their names.
    private func collect(_ value: JSONTree, _ pills: inout [RecipeOutline.Pill]) {
        switch value {
        case .string(let text): pills += Self.pills(in: text)
        case .array(let elements): for element in elements { collect(element, &pills) }
        case .object(let members):
            for (_, member) in members.sorted(by: { $0.key < $1.key }) { collect(member, &pills) }
        case .number, .literal: break
        }
    }

    /// Both spellings: `_dp('<JSON>')`, and the older `_('data.<provider>.<alias>.<field>…')`.
    static func pills(in text: String) -> [RecipeOutline.Pill] {
        let bytes = Array(text.utf8)
        var pills: [RecipeOutline.Pill] = []
        var position = 0
        while let start = bytes[position...].firstIndex(of: UInt8(ascii: "_")) {
            position = start + 1
            let rest = bytes[position...]
            let isNew = rest.starts(with: Array("dp('".utf8))
            guard isNew || rest.starts(with: Array("('".utf8)) else { continue }
            var content: [UInt8] = []
            var cursor = position + (isNew ? 4 : 2)
            while cursor < bytes.count, bytes[cursor] != UInt8(ascii: "'") {
                // Inside Ruby's single quotes a backslash stands for itself, but before a quote or another one.
                if bytes[cursor] == UInt8(ascii: "\\"), cursor + 1 < bytes.count,
                    [UInt8(ascii: "'"), UInt8(ascii: "\\")].contains(bytes[cursor + 1])
                {
                    cursor += 1
                }
                content.append(bytes[cursor])
                cursor += 1
            }
            guard cursor < bytes.count else { return pills }
            position = cursor + 1
            if let pill = isNew ? newPill(content) : oldPill(content) { pills.append(pill) }
        }
        return pills
    }

    private static func newPill(_ content: [UInt8]) -> RecipeOutline.Pill? {
        guard let tree = try? JSONTree(content), case .object = tree else { return nil }
        let path = (tree["path"]?.elements ?? []).map { element in
            element.text ?? (element["path_element_type"] == nil ? "?" : "[]")
        }
        return RecipeOutline.Pill(source: tree["line"]?.text, path: path)
    }

    private static func oldPill(_ content: [UInt8]) -> RecipeOutline.Pill? {
        let parts = String(decoding: content, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "data" else { return nil }
        return RecipeOutline.Pill(source: String(parts[2]), path: parts[3...].map(String.init))
    }
}
