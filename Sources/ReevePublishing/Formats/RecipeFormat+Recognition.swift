// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

extension RecipeFormat {
    /// The format of a document, when it is certain; `nil` otherwise: nothing is guessed.
    ///
    /// A Workato recipe has a `code` whose `keyword` is `trigger`, as an object (export files) or packed into a string
    /// (the API's form, also under `recipe`). A Workato connection is a `name`, a `provider` and `root_folder`; a manifest has `assets` in an
    /// array, also under `export_manifest` or `result`, each with a `type` and a `zip_name` that ends with it. An n8n workflow has `nodes` in an array, each with a `type`, and an object of `connections`. A document that fits two
    /// formats fits none.
    public static func recognize(_ document: [UInt8], limits: JSONTokens.Limits = .init()) -> RecipeFormat? {
        var sight = Sight()
        do throws(JSONError) {
            try JSONTokens(document, limits: limits).forEach { token, path in
                sight.look(at: token, path, of: document)
            }
        } catch {
            return nil
        }
        let found = sight.formats
        return found.count == 1 ? found.first : nil
    }

    /// What is seen of a document's first levels.
    private struct Sight {
        private var keys: Set<String> = []
        private var isRecipe = false
        private var hasConnections = false
        private var nodes = 0
        private var types = 0
        private var assets = 0
        /// Assets whose file is called by its type.
        private var files = 0
        private var (assetType, assetFile): ([UInt8]?, [UInt8]?) = (nil, nil)
        /// Open objects and arrays.
        private var depth = 0

        var formats: [RecipeFormat] {
            var formats: [RecipeFormat] = []
            if isRecipe { formats.append(.workato) }
            if keys.isSuperset(of: ["name", "provider", "root_folder"]) { formats.append(.workatoConnection) }
            if hasConnections, nodes > 0, types == nodes { formats.append(.n8n) }
            if assets > 0, files == assets { formats.append(.workatoManifest) }
            return formats
        }

        mutating func look(at token: JSONTokens.Token, _ path: JSONPath, of document: [UInt8]) {
            switch token.kind {
            case .objectStart, .arrayStart: depth += 1
            case .objectEnd, .arrayEnd: depth -= 1
            default: break
            }
            // Deeper down nothing tells.
            guard depth <= 4 else { return }
            look(at: token, path.elements, of: document)
        }

        private mutating func look(
            at token: JSONTokens.Token, _ path: [JSONPath.Element], of document: [UInt8]
        ) {
            guard case .key(let first)? = path.first else { return }
            lookForAsset(
                token, document, first == "export_manifest" || first == "result" ? path.dropFirst() : path[...])
            guard path.count <= 3 else { return }
            switch (token.kind, path.count) {
            case (.key, 1): keys.insert(first)
            case (.objectStart, 1): hasConnections = hasConnections || first == "connections"
            case (.objectStart, 2):
                if first == "nodes", case .index = path[1] { nodes += 1 }
            case (.string, _):
                if path.last == .key("type"), first == "nodes", path.count == 3, case .index = path[1] { types += 1 }
                lookForTrigger(document[token.content], path.first == .key("recipe") ? path.dropFirst() : path[...])
            default: break
            }
        }

        private mutating func lookForAsset(
            _ token: JSONTokens.Token, _ document: [UInt8], _ path: ArraySlice<JSONPath.Element>
        ) {
            guard path.first == .key("assets"), case .index? = path.dropFirst().first else { return }
            if token.kind == .objectStart, path.count == 2 {
                assets += 1
                (assetType, assetFile) = (nil, nil)
            }
            guard token.kind == .string, path.count == 3, let text = try? JSONText.unescape(document[token.content])
            else { return }
            if path.last == .key("type") { assetType = text }
            if path.last == .key("zip_name") { assetFile = text }
            guard let assetType, let assetFile, path.last == .key("type") || path.last == .key("zip_name") else {
                return
            }
            let ending = Array(".".utf8) + assetType + Array(".json".utf8)
            if assetFile.count > ending.count, assetFile.suffix(ending.count).elementsEqual(ending) { files += 1 }
        }

        private mutating func lookForTrigger(_ content: ArraySlice<UInt8>, _ path: ArraySlice<JSONPath.Element>) {
            if path == [.key("code"), .key("keyword")] {
                isRecipe = isRecipe || content.elementsEqual("trigger".utf8)
            } else if path == [.key("code")], let packed = try? JSONText.unescape(content) {
                isRecipe = isRecipe || Self.hasTrigger(packed)
            }
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
    }
}
