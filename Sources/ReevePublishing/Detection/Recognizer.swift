// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A host's own way to tell what is somebody's: a model for names, a directory, a service.
public protocol Recognizer: Sendable {
    /// What in the texts of a recipe is somebody's. It goes wherever it stands in the recipe, not only in the text that told it.
    ///
    /// The texts are those of all layers, decoded, each once, in the order of the document. They are personal data. What this throws is not shown.
    func identities(in texts: [String]) async throws -> KnownIdentities
}

extension Scrubber {
    /// Scrubs a recipe as ``scrub(_:as:for:knowing:review:)``, knowing also what recognizers tell.
    ///
    /// They are asked one after the other. When one of them throws, or has not answered within `limit`, the recipe is blocked
    /// (``BlockReason/recognizerFailed``); one that does not end when it is cancelled is left behind. Who is
    /// cancelled himself waits as long.
    public func scrub(
        _ input: [UInt8], as format: RecipeFormat, for destination: Destination, knowing known: KnownIdentities? = nil,
        asking recognizers: [any Recognizer], within limit: Duration = .seconds(30), review: Review? = nil
    ) async -> ScrubReport {
        var all = known ?? .none
        do throws(BlockReason) {
            // All texts, also those in which no rule would look.
            let texts = try Reading(input, format, limits, isThorough: true, shortest: KnownIdentities.shortest).texts
            for recognizer in recognizers {
                let answer = await Race(time: time, deadline: time.uptime + limit).run {
                    try await recognizer.identities(in: texts)
                }
                guard case .success(let found)? = answer else { throw .recognizerFailed }
                all = all.union(found)
            }
        } catch {
            return ScrubReport(verdict: .blocked(error), input: input)
        }
        return scrub(input, as: format, for: destination, knowing: all, review: review)
    }
}

extension Reading {
    /// The texts of all layers that stay, each once, in order.
    fileprivate var texts: [String] {
        var seen: Set<[UInt8]> = []
        return reader.pieces.filter { !$0.isDropped && !$0.isNumber && seen.insert($0.bytes).inserted }
            .map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}
