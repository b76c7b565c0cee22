// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

extension ScrubReport {
    /// Reports of files as SARIF 2.1.0 (OASIS), for tools that show findings in files: the same reports give the same bytes.
    ///
    /// What was replaced or dropped is a note, what a person must decide a warning, what blocks an error. It holds no value that was found;
    /// a part of a file's name that holds one is shown as `(personal)`. Complexity: O(findings).
    public static func sarif(_ reports: [(file: String, report: ScrubReport)]) -> [UInt8] {
        var writer = JSONWriter()
        let results = reports.flatMap { file, report in report.results(in: Self.uri(of: file)) }
        let rules = Set(results.map(\.rule)).sorted()
        writer.object { writer in
            writer.field("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
            writer.name("runs")
            writer.list([results]) { writer, results in
                writer.object { writer in
                    writer.name("results")
                    writer.list(results) { $1.write(to: &$0) }
                    writer.name("tool")
                    writer.object { writer in
                        writer.name("driver")
                        writer.object { writer in
                            writer.field("name", "Reeve")
                            writer.name("rules")
                            writer.list(rules) { writer, rule in writer.object { $0.field("id", rule) } }
                            writer.field("version", "rules \(Detection.rulesVersion)")
                        }
                    }
                }
            }
            writer.field("version", "2.1.0")
        }
        return writer.bytes
    }

    private struct Result {
        let rule: String
        let level: String
        let message: String
        let file: String
        var path: JSONPath?
        var span: Range<Int>?
        var fingerprint: Fingerprint?

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                if let fingerprint {
                    writer.name("fingerprints")
                    writer.object { $0.field("reeve/v1", fingerprint.description) }
                }
                writer.field("level", level)
                writer.name("locations")
                writer.list([self]) { writer, result in
                    writer.object { writer in
                        if let path = result.path {
                            writer.name("logicalLocations")
                            writer.list([path]) { writer, path in
                                writer.object { $0.field("fullyQualifiedName", path.description) }
                            }
                        }
                        writer.name("physicalLocation")
                        writer.object { writer in
                            writer.name("artifactLocation")
                            writer.object { $0.field("uri", result.file) }
                            if let span = result.span {
                                writer.name("region")
                                writer.object { writer in
                                    writer.field("byteLength", Int64(span.count))
                                    writer.field("byteOffset", Int64(span.lowerBound))
                                }
                            }
                        }
                    }
                }
                writer.name("message")
                writer.object { $0.field("text", message) }
                writer.field("ruleId", rule)
            }
        }
    }

    private func results(in file: String) -> [Result] {
        var results = findings.map { finding in
            let (level, done) =
                switch finding.action {
                case .replaced: ("note", "it was replaced")
                case .dropped: ("note", "it went with a value that goes by its role")
                case .review: ("warning", "a person must decide about it")
                case .approved: ("note", "a person decided that it may stay")
                case .kept: ("note", "values of its class stay at this destination")
                case .blocked: ("error", "it stands where nothing may be changed")
                }
            return Result(
                rule: finding.rule, level: level, message: "\(finding.kind.rawValue): \(done)", file: file,
                path: finding.path, span: finding.span, fingerprint: finding.fingerprint)
        }
        results += dropped.map { drop in
            Result(
                rule: "role.\(drop.role.rawValue)", level: "note", message: "\(drop.role.rawValue): it was dropped",
                file: file,
                path: drop.path, span: drop.span)
        }
        if case .blocked(let reason) = verdict {
            results.append(Result(rule: "verdict.blocked", level: "error", message: "blocked: \(reason)", file: file))
        }
        return results
    }

    /// A file's name as a reference of RFC 3986, without what a detector finds in it.
    private static func uri(of file: String) -> String {
        let parts = file.split(separator: "/", omittingEmptySubsequences: false).map { part -> String in
            guard !Reading.finds(String(part)) else { return "(personal)" }
            return String(decoding: PercentCode.encode(Array(part.utf8)), as: UTF8.self)
        }
        return parts.joined(separator: "/")
    }
}
