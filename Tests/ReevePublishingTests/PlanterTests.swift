// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Values planted in real recipes: none survives in any writing, and what keeps the recipe together does.
@Suite struct PlanterProperties {
    static let files =
        (Vectors.recipes("workato") ?? []).filter { $0.hasSuffix(".recipe.json") } + (Vectors.recipes("n8n") ?? [])

    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder")) func nothingPlantedSurvives() throws {
        var generator = Scale.current.generator(for: "planter")
        var places: [String: Int] = [:]
        let wanted = Scale.current.cases(ci: 1500, soak: 100_000)
        var cases = 0
        let sources = try Self.files.map { try Source($0) }
        while cases < wanted {
            let source = try #require(sources.randomElement(using: &generator))
            for sample in Sample.onePerClass {
                let writing = try #require(Planter.Writing.allCases.randomElement(using: &generator))
                // One of each place, at random.
                var seen: Set<String> = []
                for planted in source.planter.plantings(of: sample.value, writing).shuffled(using: &generator)
                where seen.insert(planted.place).inserted {
                    cases += 1
                    if let defect = try source.defect(planted, sample) {
                        Issue.record(
                            "\(source.name): \(sample.rule) \(writing) in \(planted.place), seed \(Scale.current.seed): \(defect)"
                        )
                    }
                    places["\(source.format.name) \(planted.place)", default: 0] += 1
                }
            }
        }
        let kinds = Set(places.keys)
        #expect(kinds.count >= 24, "\(kinds.sorted())")
        print("planter: \(cases) cases in \(places.count) places")
    }
}

/// A real recipe that values are planted in.
private struct Source {
    let name: String
    let format: RecipeFormat
    let planter: Planter
    /// What it says without any.
    private let known: Set<String>

    init(_ file: String) throws {
        let bytes = Array(try #require(FileManager.default.contents(atPath: file)))
        name = URL(fileURLWithPath: file).lastPathComponent
        format = try #require(RecipeFormat.recognize(bytes))
        planter = Planter(bytes, isWorkflow: format == .n8n)
        known = Set(try strings(bytes))
    }

    /// What is wrong with a scrub; `nil` when nothing is.
    func defect(_ planted: Planter.Planted, _ sample: Sample) throws -> String? {
        let input = planter.recipe(planted)
        let report = scrub(input, as: format)
        guard case .publishable(let recipe) = report.verdict else { return report.summary }
        let after = recipe.bytes
        guard !report.findings.isEmpty || !report.dropped.isEmpty else { return "nothing found" }
        if String(decoding: after, as: UTF8.self).contains(sample.value) { return "survives" }
        for text in Self.readings(of: try strings(after).filter { !known.contains($0) }) where sample.isIn(text) {
            return "survives"
        }
        if format == .workato, try pills(after) != Self.keptPills(input, report) {
            return "pills differ"
        }
        let (old, new) = (
            try JSONSerialization.jsonObject(with: Data(input)), try JSONSerialization.jsonObject(with: Data(after))
        )
        if let path = Self.difference(old, new, "") { return "another shape at \(path)" }
        if format == .n8n, Self.edges(old) != Self.edges(new) { return "edges differ" }
        let again = scrub(after, as: format)
        guard again.findings.isEmpty, again.dropped.isEmpty, try output(again) == after else {
            return "a second scrub changes it"
        }
        return nil
    }

    /// Pills of the input, but for those in values that go by their role.
    private static func keptPills(_ input: [UInt8], _ report: ScrubReport) throws -> [String] {
        var kept: [UInt8] = []
        var position = 0
        for drop in report.dropped where drop.span.lowerBound >= position {
            kept += input[position..<drop.span.lowerBound]
            position = drop.span.upperBound
        }
        kept += input[position...]
        return try pills(kept)
    }

    /// Texts in all writings in which somebody could read them.
    private static func readings(of texts: [String]) -> Set<String> {
        var (all, open) = (Set<String>(), texts)
        let (code, joint, run) = (/\\u([0-9a-fA-F]{4})/, /(' \+ ')|(" \+ ")/, /[A-Za-z0-9+\/]{16,}={0,2}/)
        while let text = open.popLast() {
            guard all.insert(text).inserted, all.count < 20_000 else { continue }
            if text.first == "{" || text.first == "[", let inner = try? strings(Array(text.utf8)) { open += inner }
            if text.contains("%"), let decoded = text.removingPercentEncoding { open.append(decoded) }
            if text.contains("\\u") {
                open.append(
                    text.replacing(code) { match in
                        UInt32(match.1, radix: 16).flatMap(Unicode.Scalar.init).map { String(Character($0)) } ?? ""
                    })
            }
            if text.contains("' + '") || text.contains("\" + \"") {
                open.append(text.replacing(joint, with: ""))
            }
            guard text.utf8.count < 5000 else { continue }
            for run in text.matches(of: run) {
                guard let data = Data(base64Encoded: String(run.output)),
                    let decoded = String(data: data, encoding: .utf8)
                else { continue }
                open.append(decoded)
            }
        }
        return all
    }

    /// Where two documents differ in more than texts, numbers and what was emptied.
    private static func difference(_ old: Any, _ new: Any, _ path: String) -> String? {
        switch (old, new) {
        case (let old as [String: Any], let new as [String: Any]):
            if new.isEmpty { return nil }
            guard old.count == new.count else { return path }
            // Names of steps are keys; they may be other ones.
            if path == ".connections" { return nil }
            for (key, value) in old {
                guard let other = new[key] else { return path + "." + key }
                if let found = difference(value, other, path + "." + key) { return found }
            }
            return nil
        case (let old as [Any], let new as [Any]):
            if new.isEmpty { return nil }
            guard old.count == new.count else { return path }
            for (index, pair) in zip(old, new).enumerated() {
                if let found = difference(pair.0, pair.1, path + "[\(index)]") { return found }
            }
            return nil
        case (is String, is String), (is NSNull, is NSNull): return nil
        case (let old as NSNumber, let new as NSNumber):
            // A block's number stays what it is.
            return path.hasSuffix(".number") && old != new ? path : nil
        default: return path
        }
    }

    /// The edges of a workflow, by the numbers of their steps.
    private static func edges(_ workflow: Any) -> [String] {
        guard let workflow = workflow as? [String: Any], let nodes = workflow["nodes"] as? [[String: Any]],
            let connections = workflow["connections"] as? [String: Any]
        else { return [] }
        let names = nodes.map { $0["name"] as? String ?? "" }
        var found: [String] = []
        for (name, outputs) in connections {
            let from = names.firstIndex(of: name) ?? -1
            for (kind, lists) in outputs as? [String: Any] ?? [:] {
                for (output, list) in (lists as? [Any] ?? []).enumerated() {
                    for edge in list as? [[String: Any]] ?? [] {
                        let to = names.firstIndex(of: edge["node"] as? String ?? "") ?? -1
                        found.append("\(from) \(kind) \(output) \(to) \(edge["index"] ?? "")")
                    }
                }
            }
        }
        return found.sorted()
    }
}

extension Sample {
    /// Whether a text has the value, or its digits in a row where it is mostly digits.
    func isIn(_ text: String) -> Bool {
        if text.contains(value) { return true }
        let digits = value.filter(\.isNumber)
        return digits.count >= 9 && !value.contains(where: \.isLetter) && text.contains(digits)
    }
}
