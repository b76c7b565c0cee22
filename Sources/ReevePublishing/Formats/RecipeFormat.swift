// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A kind of recipe file: what each path in it is for, and whether its texts hold formulas and references.
public struct RecipeFormat: Hashable, Sendable {
    /// The format's name, for example `workato`.
    public let name: String
    /// Whether texts hold Ruby formulas (`=…`), interpolations (`#{…}`) and data pills.
    let hasFormulas: Bool
    private let structuralKeys: Set<String>
    private let commentKeys: Set<String>
    private let labelKeys: Set<String>
    private let codeKeys: Set<String>
    private let schemaKeys: Set<String>

    /// Recipe exports of Workato: `.recipe.json` files and connection files.
    public static let workato = RecipeFormat(
        name: "workato", hasFormulas: true,
        structuralKeys: [
            "uuid", "as", "keyword", "provider", "operand", "type", "control_type", "parse_output", "render_input",
            "pill_type", "path_element_type", "format_version", "sobject_name", "verb",
        ],
        commentKeys: ["comment", "version_comment"],
        labelKeys: ["title", "description", "label", "hint", "toggle_hint", "folder", "zip_name", "folder_full_path"],
        codeKeys: ["code"],
        schemaKeys: [
            "extended_input_schema", "extended_output_schema", "body_schema", "schema", "parameters_schema_json",
            "result_schema_json", "code_output_schema_json",
        ])

    /// Any JSON document: every text is a literal, and nothing is a formula.
    public static let plainJSON = RecipeFormat(
        name: "json", hasFormulas: false, structuralKeys: [], commentKeys: [], labelKeys: [], codeKeys: [],
        schemaKeys: [])

    /// The format of a document, when it is certain; `nil` otherwise: nothing is guessed.
    ///
    /// A Workato recipe has a `code` whose `keyword` is `trigger`, as an object (export files) or packed into a string
    /// (the API's form, also under `recipe`). A Workato connection is a `name`, a `provider` and `root_folder`.
    public static func recognize(_ document: [UInt8], limits: JSONTokens.Limits = .init()) -> RecipeFormat? {
        var keys: Set<String> = []
        var isRecipe = false
        do throws(JSONError) {
            try JSONTokens(document, limits: limits).forEach { token, path in
                guard token.kind == .key || token.kind == .string, path.elements.count <= 3 else { return }
                let name = path.description
                if token.kind == .key {
                    keys.insert(name)
                } else if name == "code.keyword" || name == "recipe.code.keyword" {
                    isRecipe = isRecipe || document[token.content].elementsEqual("trigger".utf8)
                } else if name == "code" || name == "recipe.code",
                    let packed = try? JSONText.unescape(document[token.content])
                {
                    isRecipe = isRecipe || hasTrigger(packed)
                }
            }
        } catch {
            return nil
        }
        return isRecipe || keys.isSuperset(of: ["name", "provider", "root_folder"]) ? .workato : nil
    }

    /// Whether a packed `code` is a trigger's block.
    private static func hasTrigger(_ code: [UInt8]) -> Bool {
        var found = false
        try? JSONTokens(code).forEach { token, path in
            guard token.kind == .string, path.elements == [.key("keyword")] else { return }
            found = code[token.content].elementsEqual("trigger".utf8)
        }
        return found
    }

    /// What the value at a path is for. The nearest key decides; inside a schema everything else is schema.
    public func role(of path: JSONPath) -> PathRole {
        guard let key = path.lastKey else { return .literal }
        let isInInput = path.elements.contains(.key("input"))
        if structuralKeys.contains(key), !isInInput || isInSchema(path) { return .structural }
        if commentKeys.contains(key) { return .comment }
        if isInSchema(path) { return .schema }
        if codeKeys.contains(key) { return .code }
        if labelKeys.contains(key), !isInInput { return .label }
        return path.elements == [.key("name")] ? .label : .literal
    }

    private func isInSchema(_ path: JSONPath) -> Bool {
        path.elements.contains { element in
            if case .key(let key) = element { schemaKeys.contains(key) } else { false }
        }
    }
}
