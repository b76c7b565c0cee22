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

extension PackageFile: CustomStringConvertible, CustomReflectable {
    /// How large it is; neither its bytes nor its path, which may hold anything.
    public var description: String { "file of \(bytes.count) bytes" }
    /// The format.
    public var customMirror: Mirror { Mirror(self, children: ["format": format]) }
}

/// What a ``Scrubber`` made of files that belong together.
public struct PackageReport: Sendable {
    /// One file.
    public struct File: Sendable {
        /// Its path afterwards: without names of connections and without anything else that was found in it; `(not shown)` for one
        /// that blocks.
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
    /// ``scrub(_:as:for:knowing:review:)`` for each file, and for each the values taken out of all.
    public func scrub(
        _ files: [PackageFile], for destination: Destination, knowing known: KnownIdentities? = nil,
        review: Review? = nil
    ) -> PackageReport {
        let policy = policy(for: destination)
        let rules = SearchRules(kept: policy.kept, known: known, custom: custom)
        let readings = files.map { file -> Result<Reading, BlockReason> in
            Result { () throws(BlockReason) in try Reading(file.bytes, file.format, limits, by: rules) }
        }
        let given = files.map { PackagePath($0.path) }
        var occupied = Set(given.compactMap { $0 }.flatMap(\.standIns))
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
            paths[index] = given[index]?.scrubbed(&pool, by: rules)
        }
        // One list for all files.
        let taken = DenyList(passes.values.flatMap(\.originals))
        let shared = PackagePath.shared(Array(paths.values))
        return PackageReport(
            files: files.indices.map { index in
                let path = paths[index]
                let isAlone = path.map { !shared.contains($0) && !taken.occurs(in: Array($0.utf8)) } ?? false
                return PackageReport.File(
                    path: isAlone ? path ?? "" : "(not shown)",
                    report: isAlone
                        ? report(of: readings[index], passes[index], files[index], destination, rules, taken)
                        : ScrubReport(verdict: .blocked(.fileName), input: files[index].bytes))
            })
    }

    private func report(
        of reading: Result<Reading, BlockReason>, _ pass: FirstPass?, _ file: PackageFile, _ destination: Destination,
        _ rules: SearchRules, _ taken: DenyList
    ) -> ScrubReport {
        if let pass { return report(of: pass, file.format, destination, rules, taken: taken) }
        guard case .failure(let reason) = reading else {
            return ScrubReport(verdict: .blocked(.brokenRecipe), input: [])
        }
        return ScrubReport(verdict: .blocked(reason), input: file.bytes)
    }
}
