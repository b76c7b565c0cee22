// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Reads the output again, as a stranger would: nothing personal may be left, nothing else may be different.
enum SecondPass {
    /// With a list of what was taken out of all documents of a package, none of that may stand in this one either. Gives the bytes that it
    /// read, in all layers.
    @discardableResult
    static func check(
        _ pass: FirstPass, _ format: RecipeFormat, _ limits: JSONTokens.Limits, by rules: SearchRules = .init(),
        taken: DenyList? = nil
    ) throws(BlockReason) -> Int {
        let list = taken ?? DenyList(pass.originals)
        // What has not changed has been read.
        guard !pass.edits.isEmpty || !list.isEmpty else {
            if let path = pass.reader.namedConnection(in: pass.output) { throw .survivor(path.masked(DenyList([]))) }
            return 0
        }
        var roomy = limits
        roomy.bytes = max(limits.bytes, pass.output.count)
        let reader: DocumentReader
        do throws(ReadFailure) {
            reader = try DocumentReader(
                pass.output, format: format, limits: roomy, isThorough: rules.needsAll, shortest: rules.shortest)
        } catch {
            throw .brokenRecipe
        }
        guard reader.shape == pass.reader.shape, reader.references == pass.reader.references,
            reader.pills == pass.reader.pills, Renaming.keepsReferences(pass.reader, reader)
        else {
            throw .brokenRecipe
        }

        if pass.isTangled { throw .survivor(JSONPath()) }
        if let path = reader.namedConnection(in: pass.output) { throw .survivor(path.masked(list)) }
        if let drop = reader.drops.first { throw .survivor(drop.path.masked(list)) }

        // What the first pass left on purpose is known; anything else is a survivor.
        var left = pass.left
        var clean = pass.clean
        let hits = try Hits(reader, by: rules, clean: &clean)
        for hit in hits.hits {
            let path = reader.pieces[hit.piece].path
            let place = FirstPass.Place(path: path, rule: hit.match.rule)
            guard let count = left[place], count > 0 else { throw .survivor(path.masked(list)) }
            left[place] = count - 1
        }
        let work = reader.work + hits.work
        guard !list.isEmpty else { return work }
        if list.occurs(in: pass.output) { throw .survivor(JSONPath()) }
        for (path, bytes) in reader.decoded where list.occurs(in: bytes) { throw .survivor(path.masked(list)) }
        return work + pass.output.count + reader.decoded.reduce(0) { $0 + $1.bytes.count }
    }
}
