// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A recipe as its platform exported it: the exact bytes, and the outline that was read from them.
///
/// The bytes may hold anything that its author typed, so a document shows none of them when it is printed.
public struct RecipeDocument: Hashable, Sendable {
    /// The bytes, as they came.
    public let bytes: [UInt8]
    /// What the recipe is made of.
    public let outline: RecipeOutline

    /// Reads a recipe that Workato exported: a file of a package, or the answer of its interface for programs, where the
    /// code is a document in a string.
    ///
    /// Throws ``RecipeDocumentError``. Complexity: O(bytes).
    public init(workato bytes: [UInt8], limits: JSONTokens.Limits = .init()) throws(RecipeDocumentError) {
        self.bytes = bytes
        outline = try WorkatoOutline(limits: limits).read(bytes)
    }
}

extension RecipeDocument: CustomStringConvertible, CustomReflectable {
    /// The sizes.
    public var description: String { "recipe of \(bytes.count) bytes and \(outline.allSteps.count) steps" }
    /// The sizes.
    public var customMirror: Mirror {
        Mirror(self, children: ["bytes": bytes.count, "steps": outline.allSteps.count])
    }
}

/// Why bytes are no recipe that can be read.
public enum RecipeDocumentError: Error, Hashable, Sendable {
    /// The document, or the code inside it, is no JSON that Reeve accepts.
    case malformed(JSONError)
    /// The document is JSON and no recipe: it has no `code` with a step.
    case noRecipe
}

extension RecipeDocumentError: CustomStringConvertible {
    /// What is wrong; never a piece of the document.
    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .noRecipe: "the document is no recipe: it has no member `code` with a first step"
        }
    }
}
