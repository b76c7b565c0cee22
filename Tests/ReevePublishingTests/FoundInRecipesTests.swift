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
        var (bytes, rules) = (0, [String]())
        for (kind, format) in [("workato", RecipeFormat.workato), ("n8n", .n8n)] {
            for path in try #require(Vectors.recipes(kind)) where path.hasSuffix(".json") {
                let document = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
                bytes += document.count
                let reading = try Reading(document, format, .init())
                rules += reading.found.hits.filter { !reading.reader.pieces[$0.piece].isDropped }.map(\.match.rule)
            }
        }
        print("recipes: \(rules.count) findings in \(bytes) bytes")
        #expect(bytes > 1_000_000)
        // All of them were looked at: three times a workflow names who wrote it, once it has the address of a webhook, and two have hosts that
        // a service gave their authors. At most one in 100 kB may be wrong.
        #expect(
            rules.count <= bytes / 100_000
                && rules.allSatisfy { ["name.list", "secret.webhook", "host.tenant"].contains($0) },
            "\(rules)")
    }
}
