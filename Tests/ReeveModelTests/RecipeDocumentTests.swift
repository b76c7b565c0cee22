// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@Suite struct RecipeDocumentTests {
    private static let recipe = #"""
        {"name":"r","code":{"number":0,"keyword":"trigger","provider":"crm","name":"new_lead","as":"aa","input":{},
        "block":[
         {"number":1,"keyword":"if","as":"bb","input":{"conditions":[{"lhs":"#{_dp('{\"pill_type\":\"output\",\"line\":\"aa\",\"path\":[\"contact\",{\"path_element_type\":\"current_item\"},\"it\\'s\"]}')}"}]},
          "block":[{"number":2,"keyword":"action","provider":"mail","name":"send","as":"cc","input":{"to":"=_('data.crm.aa.Email') + \"_dp('\"","n":1}}]},
         {"number":3,"keyword":"else","as":"dd","block":[{"number":4,"keyword":"foreach","as":"ee","source":"#{_dp('{\"line\":\"zz\",\"path\":[]}')}","block":[
           {"number":5,"keyword":"action","provider":"workato_recipe_function","name":"call_recipe","as":"ff"},
           {"number":6,"keyword":"elsif"},{"number":7,"keyword":"try"},{"number":8,"keyword":"catch"},{"number":9,"keyword":"stop"},
           {"number":10,"keyword":"new_word","input":{"a":"#{_dp('{\"pill_type\":\"project_property\",\"path\":[\"p\"]}')}"}}]}]}]},
        "config":[{"keyword":"application","provider":"crm"},{"keyword":"application","provider":"mail"},{"keyword":"x"}]}
        """#

    @Test func theOutlineIsWhatTheRecipeDoes() throws {
        let bytes = Array(Self.recipe.utf8)
        let document = try RecipeDocument(workato: bytes)
        #expect(document.bytes == bytes)
        let outline = document.outline
        #expect(outline.connections == ["crm", "mail"])
        let steps = outline.allSteps
        #expect(steps.compactMap(\.number) == Array(0...10))
        #expect(
            steps.map(\.kind) == [
                .trigger, .condition, .action, .otherwise, .loop, .call, .alternative, .attempt, .failure, .stop,
                .other,
            ])
        #expect(steps[1].steps.map(\.alias) == ["cc"] && steps[10].operation == "new_word")
        #expect(steps[1].pills == [.init(source: "aa", path: ["contact", "[]", "it's"])])
        #expect(steps[2].pills == [.init(source: "aa", path: ["Email"])])
        #expect(steps[10].pills == [.init(source: nil, path: ["p"])])
        #expect(outline.unresolvedPills == [.init(source: "zz", path: [])])
    }

    @Test func theFormOfTheInterfaceForProgramsIsRead() throws {
        let whole = try #require(JSONSerialization.jsonObject(with: Data(Self.recipe.utf8)) as? [String: Any])
        var form = whole
        form["code"] = String(
            decoding: try JSONSerialization.data(withJSONObject: try #require(whole["code"])), as: UTF8.self)
        let bytes = Array(try JSONSerialization.data(withJSONObject: form))
        let (one, other) = (try RecipeDocument(workato: bytes), try RecipeDocument(workato: Array(Self.recipe.utf8)))
        #expect(one.outline == other.outline)
    }

    @Test func whatIsNoRecipeIsRefused() {
        for text in ["{}", "[]", "1", #"{"code":{}}"#, #"{"code":1}"#, #"{"code":"{}"}"#, #"{"code":{"keyword":1}}"#] {
            #expect(throws: RecipeDocumentError.noRecipe) { try RecipeDocument(workato: Array(text.utf8)) }
        }
        #expect(throws: RecipeDocumentError.malformed(JSONError(.truncated, at: 1))) {
            try RecipeDocument(workato: [0x7B])
        }
        #expect(throws: RecipeDocumentError.malformed(JSONError(.unexpectedByte, at: 0))) {
            try RecipeDocument(workato: Array(#"{"code":"x"}"#.utf8))
        }
    }

    @Test func aDocumentShowsNothingOfItself() throws {
        let document = try RecipeDocument(workato: Array(Self.recipe.utf8))
        var text = "\(document)"
        dump(document, to: &text)
        #expect(!text.contains("Email") && !text.contains("crm") && text.contains("11 steps"))
    }

    /// In real recipes every pill comes from a step of the recipe, and the steps are numbered as they stand.
    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder"))
    func realRecipesHoldTogether() throws {
        var (recipes, pills) = (0, 0)
        for path in Vectors.recipes("workato") ?? [] {
            let bytes = Array(try Data(contentsOf: URL(filePath: path)))
            guard let document = try? RecipeDocument(workato: bytes) else {
                #expect(!path.hasSuffix(".recipe.json"), "\(path)")
                continue
            }
            recipes += 1
            let steps = document.outline.allSteps
            #expect(steps.compactMap(\.number) == Array(0..<steps.count), "\(path)")
            #expect(document.outline.unresolvedPills.isEmpty, "\(path)")
            pills += steps.reduce(0) { $0 + $1.pills.count }
        }
        #expect(recipes >= 20 && pills > 500)
    }

    /// Mutated recipes are read or refused, never a crash.
    @Test func mutationsAreReadOrRefused() {
        var generator = SeededGenerator(seed: 11)
        let seed = Array(Self.recipe.utf8)
        for _ in 0..<3000 {
            var bytes = seed
            for _ in 0..<3 {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                if Bool.random(using: &generator) {
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                } else {
                    bytes.remove(at: index)
                }
            }
            if let document = try? RecipeDocument(workato: bytes) { #expect(document.bytes == bytes) }
        }
    }
}
