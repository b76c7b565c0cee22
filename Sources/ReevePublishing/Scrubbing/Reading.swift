// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A document taken apart, with what was found in it.
struct Reading {
    let input: [UInt8]
    let reader: DocumentReader
    let found: Hits
    /// In which of its texts nothing was.
    let clean: CleanTexts

    /// Takes a document apart and searches it; a thorough reading passes no string over.
    init(
        _ input: [UInt8], _ format: RecipeFormat, _ limits: JSONTokens.Limits, by rules: SearchRules = .init(),
        isThorough: Bool = false, shortest: Int? = nil
    ) throws(BlockReason) {
        self.input = input
        do throws(ReadFailure) {
            reader = try DocumentReader(
                input, format: format, limits: limits, isThorough: isThorough || rules.needsAll,
                shortest: shortest ?? rules.shortest)
        } catch {
            switch error {
            case .json(let error): throw .malformed(error)
            case .tooManyLayers: throw .tooManyLayers
            case .ambiguous(let path): throw .ambiguous(path.masked(DenyList([])))
            case .unknownVersion(let path): throw .unknownVersion(path.masked(DenyList([])))
            }
        }
        if let path = reader.suppression(in: input) { throw .suppression(path.masked(DenyList([]))) }
        var clean = CleanTexts()
        found = try Hits(reader, by: rules, clean: &clean)
        self.clean = clean
    }

    /// Whether anything is found in a text by itself, in any layer of it.
    static func finds(_ text: String, by rules: SearchRules = .init()) -> Bool {
        let document = Array("[\"".utf8) + JSONText.escape(text.utf8) + Array("\"]".utf8)
        // What cannot be read may hold anything.
        guard let reading = try? Reading(document, .plainJSON, .init(), by: rules, isThorough: true) else {
            return true
        }
        return !reading.found.hits.isEmpty
    }
}
