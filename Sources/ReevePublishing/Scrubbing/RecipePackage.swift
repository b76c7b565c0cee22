// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A file of a package, as it was exported.
public struct PackageFile: Hashable, Sendable {
    /// Its path in the package, with `/` between folders.
    public let path: String
    /// Its bytes.
    public let bytes: [UInt8]
    /// Its format, see ``RecipeFormat/recognize(_:limits:)``.
    public let format: RecipeFormat

    /// A file of a package.
    public init(path: String, bytes: [UInt8], format: RecipeFormat) {
        self.path = path
        self.bytes = bytes
        self.format = format
    }
}

/// What a ``Scrubber`` made of files that belong together.
public struct PackageReport: Sendable {
    /// One file.
    public struct File: Sendable {
        /// Its path afterwards: without names of connections and without anything else that was found in it.
        public let path: String
        /// What was found in it and done.
        public let report: ScrubReport
    }

    /// The files, in the order in which they were given.
    public let files: [File]

    /// All files with their paths when every one of them may be published; `nil` otherwise.
    public var recipes: [(path: String, recipe: ScrubbedRecipe)]? {
        var recipes: [(path: String, recipe: ScrubbedRecipe)] = []
        for file in files {
            guard case .publishable(let recipe) = file.report.verdict else { return nil }
            recipes.append((file.path, recipe))
        }
        return recipes
    }
}

extension Scrubber {
    /// Scrubs files that refer to each other, as those of an export: the same value has the same stand-in in all of them, and in their names.
    ///
    /// A value that was taken out of one file must not stand in another one; two files of one path block each other. Complexity: as that of
    /// ``scrub(_:as:for:review:)`` for each file, and for each the values taken out of all.
    public func scrub(
        _ files: [PackageFile], for destination: Destination, review: Review? = nil
    ) -> PackageReport {
        let policy = policy(for: destination)
        let readings = files.map { file -> Result<Reading, BlockReason> in
            Result { () throws(BlockReason) in try Reading(file.bytes, file.format, limits, keeping: policy.kept) }
        }
        var occupied: Set<String> = []
        for case .success(let reading) in readings { occupied.formUnion(reading.found.surrogates) }
        var pool = Surrogates(occupied: occupied, policy.replacement)
        let reviewed = reviewed(review, destination)
        // In the order of the paths, so that the order in which files are given is no matter.
        var passes: [Int: FirstPass] = [:]
        var paths: [Int: String] = [:]
        for index in files.indices.sorted(by: { files[$0].path.utf8.lexicographicallyPrecedes(files[$1].path.utf8) }) {
            if case .success(let reading) = readings[index] {
                passes[index] = FirstPass(reading, &pool, review: reviewed)
            }
            paths[index] = PackagePath(files[index].path)?.scrubbed(&pool, keeping: policy.kept)
        }
        let originals = passes.values.flatMap(\.originals)
        let counts = paths.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        return PackageReport(
            files: files.indices.map { index in
                let path = paths[index]
                let isAlone = path.map { counts[$0] == 1 } ?? false
                return PackageReport.File(
                    path: path ?? "(personal)",
                    report: isAlone
                        ? report(of: readings[index], passes[index], files[index], destination, originals)
                        : ScrubReport(verdict: .blocked(.fileName), input: files[index].bytes))
            })
    }

    private func report(
        of reading: Result<Reading, BlockReason>, _ pass: FirstPass?, _ file: PackageFile, _ destination: Destination,
        _ originals: [[UInt8]]
    ) -> ScrubReport {
        if let pass { return report(of: pass, file.format, destination, originals: originals) }
        guard case .failure(let reason) = reading else {
            return ScrubReport(verdict: .blocked(.brokenRecipe), input: [])
        }
        return ScrubReport(verdict: .blocked(reason), input: file.bytes)
    }
}

/// The path of a file in a package.
private struct PackagePath {
    private let parts: [[UInt8]]

    /// A path as files have them; `nil` for one that leads out of the package, or that is no path everywhere: with a backslash, a control
    /// character, a part without a name or of dots alone.
    init?(_ path: String) {
        parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
        let isPath = parts.allSatisfy { part in
            part.contains { $0 != UInt8(ascii: ".") }
                && part.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
        }
        guard isPath else { return nil }
    }

    /// The path without what is found in it; `nil` when something cannot be replaced.
    func scrubbed(_ pool: inout Surrogates, keeping kept: Set<DataClass>) -> String? {
        var scrubbed: [[UInt8]] = []
        for part in parts {
            let stem = Surrogates.connectionStem(of: part)
            if stem.count < part.count {
                // As in the recipes that refer to it.
                let isStandIn = Surrogates.connection(from: part[stem]) != nil
                let name = isStandIn ? Array(part[stem]) : pool.connection(Array(part[stem]), isFile: true)
                scrubbed.append(name + part[stem.upperBound...])
                continue
            }
            guard let text = Self.scrubbed(part, &pool, kept) else { return nil }
            scrubbed.append(text)
        }
        return String(decoding: Array(scrubbed.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
    }

    private static func scrubbed(_ part: [UInt8], _ pool: inout Surrogates, _ kept: Set<DataClass>) -> [UInt8]? {
        let found = Detection.scan(TextPiece(text: String(decoding: part, as: UTF8.self)), keeping: kept)
        var (text, position): ([UInt8], Int) = ([], 0)
        for match in found.matches.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard match.score >= Match.replaceFrom, match.range.lowerBound >= position,
                let standIn = pool.replacement(for: match.kind, match.text, isNumber: false)
            else { return nil }
            text += part[position..<match.range.lowerBound] + standIn
            position = match.range.upperBound
        }
        return text + part[position...]
    }
}
