// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// What is found in recipes that others published.
@Suite struct FoundInRecipesTests {
    @Test(.enabled(if: Vectors.folder != nil, "needs the recipes beside the vectors"))
    func findings() throws {
        var bytes = 0
        for (kind, format) in [("workato", RecipeFormat.workato), ("n8n", .n8n)] {
            for path in try #require(Vectors.recipes(kind)) where path.hasSuffix(".json") {
                let document = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
                bytes += document.count
                let reading = try Reading(document, path.contains("connection.json") ? .workato : format, .init())
                for hit in reading.found.hits {
                    print(
                        "real \(URL(fileURLWithPath: path).lastPathComponent.prefix(30)) \(hit.match.rule) \(hit.match.score) \(reading.reader.pieces[hit.piece].path) \(reading.reader.pieces[hit.piece].isDropped ? "dropped" : "") :: \(String(decoding: hit.match.text.prefix(60), as: UTF8.self))"
                    )
                }
            }
        }
        print("real bytes \(bytes)")
    }
}
