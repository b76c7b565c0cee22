// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ArgumentParser
import Foundation
import ReevePublishing

/// Says what personal data and secrets stand in texts, one line of JSON for each finding.
struct Scan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tells what personal data and secrets stand in texts, without the values.",
        discussion: """
            A text is a file, or with --lines each line of it, which is {"id": …, "text": "…"}; without files it is what comes in. For each \
            finding a line comes out: {"class", "confidence", "id", "rule", "scalars", "utf8"}, with its offsets in Unicode scalars and in bytes \
            of UTF-8. Exit code 0: all texts were looked into; 1: one could not be, and a line with "error" says why.
            """)

    @Argument(help: "Files; without them, what comes in.")
    var paths: [String] = []

    @Flag(help: "Each line is a JSON object with an id and a text.")
    var lines = false

    @Option(help: "Rules of your own, in a JSON file.")
    var rules: String?

    @Option(help: "What rules are less sure of than this, from 0 to 1, is not told.")
    var minimum = 0.3

    func validate() throws {
        guard (0...1).contains(minimum) else { throw ValidationError("--minimum is 0 to 1") }
    }

    func run() throws {
        let detector = Detector(rules: try rules.map(CustomRules.init(file:)) ?? .none, minimum: minimum)
        var isComplete = true
        let inputs: [(name: String, data: Data)]
        do {
            inputs =
                paths.isEmpty
                ? [("-", try FileHandle.standardInput.readToEnd() ?? Data())]
                : try paths.map { path in
                    guard let data = FileManager.default.contents(atPath: path) else {
                        throw ScanError(description: "cannot read `\(path)`")
                    }
                    return (path, data)
                }
        } catch {
            FileHandle.standardError.write(Data("recipe-scrub scan: \(error)\n".utf8))
            throw ExitCode(1)
        }
        for (name, data) in inputs {
            guard lines else {
                isComplete = scan(String(validating: data, as: UTF8.self), id: name, detector) && isComplete
                continue
            }
            for (index, line) in data.split(separator: 0x0A).enumerated() {
                let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
                let id = object?["id"] ?? "\(name):\(index + 1)"
                isComplete = scan(object?["text"] as? String, id: id, detector) && isComplete
            }
        }
        guard isComplete else { throw ExitCode(1) }
    }

    /// Writes the findings of a text; tells whether it could be looked into.
    private func scan(_ text: String?, id: Any, _ detector: Detector) -> Bool {
        guard let text else {
            write(["id": id, "error": "this is no text"])
            return false
        }
        do throws(DetectionError) {
            for finding in try detector.findings(in: text) {
                write([
                    "id": id, "class": finding.kind.rawValue, "rule": finding.rule, "confidence": finding.confidence,
                    "utf8": [finding.utf8.lowerBound, finding.utf8.upperBound],
                    "scalars": [finding.scalars.lowerBound, finding.scalars.upperBound],
                ])
            }
            return true
        } catch {
            write(["id": id, "error": "\(error)"])
            return false
        }
    }

    private func write(_ object: [String: Any]) {
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? JSONSerialization.data(withJSONObject: object, options: options) else { return }
        FileHandle.standardOutput.write(line + [0x0A])
    }
}

/// Why texts cannot be scanned.
struct ScanError: Error, CustomStringConvertible {
    let description: String
}

extension CustomRules {
    /// The rules in a file.
    init(file path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ScanError(description: "cannot read `\(path)`")
        }
        do throws(CustomRulesError) {
            self = try CustomRules(json: data)
        } catch {
            throw ScanError(description: "`\(path)` has no rules: \(error)")
        }
    }
}
