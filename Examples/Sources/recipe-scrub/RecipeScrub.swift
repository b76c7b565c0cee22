// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ArgumentParser
import Foundation
import ReeveModel
import ReevePublishing
import Terminal

/// Scrubs recipes, or scans texts.
@main
struct RecipeScrub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe-scrub", abstract: "Takes personal data and secrets out of recipe files.",
        subcommands: [Scrub.self, Scan.self], defaultSubcommand: Scrub.self)
}

/// Scrubs files and folders of recipes.
struct Scrub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes personal data and secrets out of recipe files; what is done without a command.",
        discussion: """
            Prints the verdict for each file; with --output it writes those that are publishable, under the same names. Exit code 0: all \
            are publishable; 2: a person must decide about one; 3: one is blocked; 1: something could not be read or written.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case automatic, workato, workatoConnection = "workato-connection", workatoManifest = "workato-manifest", n8n
        case json

        var format: RecipeFormat? {
            switch self {
            case .automatic: nil
            case .workato: .workato
            case .workatoConnection: .workatoConnection
            case .workatoManifest: .workatoManifest
            case .n8n: .n8n
            case .json: .plainJSON
            }
        }
    }
    enum Report: String, ExpressibleByArgument, CaseIterable {
        case json, sarif, html
    }

    @Argument(help: "Files, or folders whose .json files are taken.")
    var paths: [String]

    @Option(help: "The files' format; what is not recognised is an error.")
    var format = Format.automatic

    @Option(help: "The table of roles of your own format: a JSON file with its zones.")
    var roles: String?

    @Option(help: "Who will read the recipes: everyone, partner, organization, or a policy of your own in a JSON file.")
    var policy = "everyone"

    @Option(
        help:
            "Names that are known to be somebody's, in a JSON file: {\"people\": [], \"organizations\": [], \"domains\": []}; they go wherever they stand."
    )
    var known: String?

    @Option(help: "Rules of your own, in a JSON file: what else goes, what stays, and what always goes.")
    var rules: String?

    @Option(help: "The folder for scrubbed files; it must not exist yet.")
    var output: String?

    @Option(help: "The kind of report that is written.")
    var report: Report?

    @Option(help: "The file for a report of JSON or SARIF, the folder for pages; it must not exist yet.")
    var reportTo: String?

    @Option(help: "Files that are read at the same time.")
    var jobs = 2

    @Flag(
        help:
            "The files belong together, as those of an export: one value has one stand-in in all of them and in their names."
    )
    var package = false

    @Flag(help: "Shows no progress.")
    var quiet = false

    func validate() throws {
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs is 1 to 64") }
        guard (report == nil) == (reportTo == nil) else {
            throw ValidationError("give --report and --report-to together")
        }
        guard roles == nil || format == .automatic else {
            throw ValidationError("--roles is a format: leave --format out")
        }
        for path in [output, reportTo].compactMap(\.self) where FileManager.default.fileExists(atPath: path) {
            throw ValidationError("`\(path)` is there already")
        }
    }

    func run() async throws {
        let results: [ScrubbedFile]
        do {
            let scrubber = Scrubber(
                policies: [Self.destination: try policyToUse()], rules: try rules.map(CustomRules.init(file:)) ?? .none)
            let known = try known.map(Self.identities)
            let chosen = try format.format ?? roles.map(Self.table)
            let files = try RecipeFile.all(in: paths, mayHoldPersonalNames: package)
            results =
                package ? together(files, as: chosen, scrubber, known) : await scrub(files, as: chosen, scrubber, known)
            try write(results)
        } catch {
            FileHandle.standardError.write(Data("recipe-scrub: \(error)\n".utf8))
            throw ExitCode(1)
        }
        for result in results { print("\(result.name): \(result.summary)") }
        let codes = results.map(\.exitCode)
        let code = codes.contains(1) ? 1 : codes.max() ?? 0
        guard code == 0 else { throw ExitCode(code) }
    }

    static let destination = Destination("recipe-scrub") ?? .publicLibrary

    private func policyToUse() throws -> PublishingPolicy {
        switch policy {
        case "everyone": return .everyone
        case "partner": return .partner
        case "organization": return .organization
        default: break
        }
        do {
            return try JSONDecoder().decode(PublishingPolicy.self, from: contents(of: policy))
        } catch let error as DecodingError {
            throw FileError(description: "`\(policy)` is no policy: \(Self.place(of: error, items: "class"))")
        } catch let error as PublishingPolicyError {
            throw FileError(description: "`\(policy)` is no policy: \(error)")
        }
    }

    private struct Known: Decodable {
        let people, organizations, domains: [String]?
    }

    private static func identities(at path: String) throws -> KnownIdentities {
        do {
            let known = try JSONDecoder().decode(Known.self, from: contents(of: path))
            return try KnownIdentities(
                people: known.people ?? [], organizations: known.organizations ?? [], domains: known.domains ?? [])
        } catch let error as DecodingError {
            throw FileError(description: "`\(path)` is no list of names: \(place(of: error, items: "name"))")
        } catch let error as KnownIdentitiesError {
            throw FileError(description: "`\(path)`: \(error)")
        }
    }

    private static func table(at path: String) throws -> RecipeFormat {
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let zones: [RoleZone]
        do {
            zones = try JSONDecoder().decode([RoleZone].self, from: contents(of: path))
        } catch let error as DecodingError {
            throw FileError(description: "`\(path)` is no table of roles: \(Self.place(of: error, items: "zone"))")
        }
        return try RecipeFormat(name: name, zones: zones)
    }

    /// Where a file is wrong; what its lists have is called `item`.
    private static func place(of error: DecodingError, items item: String) -> String {
        let (context, missing): (DecodingError.Context, String?) =
            switch error {
            case .keyNotFound(let key, let context): (context, key.stringValue)
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context, nil)
            @unknown default: (.init(codingPath: [], debugDescription: ""), nil)
            }
        let path = context.codingPath.map { $0.intValue.map { "\(item) \($0 + 1)" } ?? $0.stringValue }.joined(
            separator: ", ")
        guard let missing else { return path.isEmpty ? "it is no JSON" : "\(path) is not what it has to be" }
        return "\(path.isEmpty ? "it" : path) has no `\(missing)`"
    }

    /// Scrubs the files, so many at a time; the results come in their order.
    private func scrub(
        _ files: [RecipeFile], as format: RecipeFormat?, _ scrubber: Scrubber, _ known: KnownIdentities?
    ) async -> [ScrubbedFile] {
        var bar = ProgressBar(total: files.count, unit: "files", isShown: !quiet)
        defer { bar.end() }
        var results: [Int: ScrubbedFile] = [:]
        await withTaskGroup(of: (Int, ScrubbedFile).self) { group in
            var next = 0
            func start() {
                let (number, file) = (next, files[next])
                group.addTask { (number, ScrubbedFile(file, format, scrubber, known)) }
                next += 1
            }
            while next < min(jobs, files.count) { start() }
            while let (number, result) = await group.next() {
                results[number] = result
                bar.show(results.count)
                if next < files.count { start() }
            }
        }
        return files.indices.compactMap { results[$0] }
    }

    /// Scrubs the files of a package; when one of them cannot be read, each says so.
    private func together(
        _ files: [RecipeFile], as format: RecipeFormat?, _ scrubber: Scrubber, _ known: KnownIdentities?
    ) -> [ScrubbedFile] {
        var package: [PackageFile] = []
        for (number, file) in files.enumerated() {
            do {
                let bytes = Array(try contents(of: file.path))
                package.append(
                    PackageFile(path: file.name, bytes: bytes, format: try RecipeFile.format(of: bytes, format)))
            } catch {
                return [ScrubbedFile(name: "file \(number + 1)", report: nil, summary: "error: \(error)")]
            }
        }
        return scrubber.scrub(package, for: Self.destination, knowing: known).files.map {
            ScrubbedFile(name: $0.path, report: $0.report, summary: $0.report.summary)
        }
    }

    private func write(_ results: [ScrubbedFile]) throws {
        if let output {
            for result in results {
                guard case .publishable(let recipe) = result.report?.verdict else { continue }
                try Self.write(recipe.bytes, to: output + "/" + result.name)
            }
        }
        guard let report, let reportTo else { return }
        let reports = results.compactMap { result in result.report.map { (file: result.name, report: $0) } }
        switch report {
        case .json:
            // One line for each file: its name, and its report.
            let lines = reports.map { file, report in
                Array("{\"file\":\"".utf8) + JSONText.escape(file.utf8) + Array("\",\"report\":".utf8) + report.json()
                    + Array("}\n".utf8)
            }
            try Self.write(lines.flatMap(\.self), to: reportTo)
        case .sarif: try Self.write(ScrubReport.sarif(reports), to: reportTo)
        case .html:
            for (file, report) in reports {
                try Self.write(Array(report.html(title: file).utf8), to: "\(reportTo)/\(file).html")
            }
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url, options: .atomic)
    }
}

/// A file that could not be read.
struct FileError: Error, CustomStringConvertible {
    let description: String
}

private func contents(of path: String) throws -> Data {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw FileError(description: "cannot read `\(path)`")
    }
    return data
}

/// A recipe's file, and the name under which it is written.
struct RecipeFile: Sendable {
    let path: String
    let name: String

    /// The files of paths: of a folder its `.json` files, in the order of their names.
    static func all(in paths: [String], mayHoldPersonalNames: Bool) throws -> [RecipeFile] {
        var files: [RecipeFile] = []
        for path in paths {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw FileError(description: "cannot read `\(path)`")
            }
            guard isFolder.boolValue else {
                files.append(RecipeFile(path: path, name: URL(fileURLWithPath: path).lastPathComponent))
                continue
            }
            let names = (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted()
            files += names.filter { $0.hasSuffix(".json") }.map { RecipeFile(path: path + "/" + $0, name: $0) }
        }
        // A name is published with the file.
        for (number, file) in files.enumerated() where !mayHoldPersonalNames && !isClean(file.name) {
            throw FileError(description: "the name of file \(number + 1) holds personal data: rename it")
        }
        guard Set(files.map(\.name)).count == files.count else {
            throw FileError(description: "two files have the same name")
        }
        guard !files.isEmpty else { throw FileError(description: "there are no .json files") }
        return files
    }

    /// The format that was asked for, or the one that a file certainly has.
    static func format(of bytes: [UInt8], _ wanted: RecipeFormat?) throws -> RecipeFormat {
        guard let format = wanted ?? RecipeFormat.recognize(bytes) else {
            throw FileError(description: "its format is not certain: give it with --format")
        }
        return format
    }
}

/// Whether nothing is found in a text.
private func isClean(_ text: String) -> Bool {
    let document = Array("[\"".utf8) + JSONText.escape(text.utf8) + Array("\"]".utf8)
    return Scrubber().scrub(document, as: .plainJSON, for: .publicLibrary).findings.isEmpty
}

/// A file that was scrubbed, or why it was not.
struct ScrubbedFile: Sendable {
    /// The name under which it is shown and written.
    let name: String
    let report: ScrubReport?
    let summary: String

    init(name: String, report: ScrubReport?, summary: String) {
        self.name = name
        self.report = report
        self.summary = summary
    }

    init(_ file: RecipeFile, _ format: RecipeFormat?, _ scrubber: Scrubber, _ known: KnownIdentities?) {
        name = file.name
        do {
            let bytes = Array(try contents(of: file.path))
            let format = try RecipeFile.format(of: bytes, format)
            let report = scrubber.scrub(bytes, as: format, for: Scrub.destination, knowing: known)
            (self.report, summary) = (report, report.summary)
        } catch {
            (report, summary) = (nil, "error: \(error)")
        }
    }

    var exitCode: Int32 {
        switch report?.verdict {
        case nil: 1
        case .publishable: 0
        case .needsReview: 2
        case .blocked: 3
        }
    }
}
