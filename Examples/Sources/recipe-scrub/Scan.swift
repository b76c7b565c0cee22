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
        var output = Output()
        for (name, data) in inputs {
            guard lines else {
                isComplete =
                    scan(String(validating: data, as: UTF8.self), id: .text(name), detector, &output) && isComplete
                continue
            }
            for (index, line) in data.split(separator: 0x0A).enumerated() {
                let object = try? JSONDecoder().decode(Line.self, from: line)
                isComplete =
                    scan(object?.text, id: object?.id ?? .text("\(name):\(index + 1)"), detector, &output)
                    && isComplete
            }
        }
        output.flush()
        guard isComplete else { throw ExitCode(1) }
    }

    /// Writes the findings of a text; tells whether it could be looked into.
    private func scan(_ text: String?, id: Identifier, _ detector: Detector, _ output: inout Output) -> Bool {
        guard let text else {
            output.write(Failure(id: id, error: "this is no text"))
            return false
        }
        do throws(DetectionError) {
            for finding in try detector.findings(in: text) { output.write(Finding(finding, id: id)) }
            return true
        } catch {
            output.write(Failure(id: id, error: "\(error)"))
            return false
        }
    }
}

/// What a line of input is.
private struct Line: Decodable {
    let id: Identifier?
    let text: String?

    private enum CodingKeys: String, CodingKey { case id, text }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        // An id that is no string or number is none.
        id = try? values.decodeIfPresent(Identifier.self, forKey: .id)
        text = try? values.decodeIfPresent(String.self, forKey: .text)
    }
}

/// The id of a text: it comes out as it came in.
private enum Identifier: Codable {
    case text(String)
    case integer(Int)
    case number(Decimal)

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let integer = try? value.decode(Int.self) {
            self = .integer(integer)
        } else {
            self = .number(try value.decode(Decimal.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        }
    }
}

/// A line of output for something that was found.
private struct Finding: Encodable {
    let id: Identifier
    let `class`, rule: String
    let confidence: Double
    let utf8, scalars: [Int]

    init(_ finding: TextFinding, id: Identifier) {
        self.id = id
        (self.class, rule, confidence) = (finding.kind.rawValue, finding.rule, finding.confidence)
        utf8 = [finding.utf8.lowerBound, finding.utf8.upperBound]
        scalars = [finding.scalars.lowerBound, finding.scalars.upperBound]
    }
}

/// A line of output for a text that could not be looked into.
private struct Failure: Encodable {
    let id: Identifier
    let error: String
}

/// Lines that go out many at a time.
private struct Output {
    private let encoder = JSONEncoder()
    private var lines = Data()

    init() { encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes] }

    mutating func write(_ line: some Encodable) {
        guard let line = try? encoder.encode(line) else { return }
        lines += line
        lines.append(0x0A)
        if lines.count > 1 << 16 { flush() }
    }

    mutating func flush() {
        FileHandle.standardOutput.write(lines)
        lines.removeAll(keepingCapacity: true)
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
