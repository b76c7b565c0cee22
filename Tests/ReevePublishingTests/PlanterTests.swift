// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Values planted in real recipes: none survives in any writing, and what keeps the recipe together does.
@Suite struct PlanterProperties {
    /// Where values are planted: all of these, in each run.
    private static let places: Set<String> = [
        "n8n cached label", "n8n code comment", "n8n code in quotes", "n8n code literal", "n8n code template",
        "n8n credential", "n8n expression literal", "n8n label", "n8n literal", "n8n nested document",
        "n8n pinned data", "n8n step's name", "n8n template text", "workato code", "workato code literal",
        "workato comment", "workato description", "workato formula in quotes", "workato formula literal",
        "workato hint", "workato interpolated text", "workato label", "workato literal", "workato nested document",
        "workato nested example", "workato nested hint", "workato pick list", "workato script literal",
        "workato code with a pill",
    ]

    static let files =
        (Vectors.recipes("workato") ?? []).filter { $0.hasSuffix(".recipe.json") } + (Vectors.recipes("n8n") ?? [])

    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder")) func nothingPlantedSurvives() throws {
        var generator = Scale.current.generator(for: "planter")
        var places: [String: Int] = [:]
        let wanted = Scale.current.cases(ci: 4000, soak: 100_000)
        var cases = 0
        let sources = try Self.files.map { try Source($0) }
        var open = Self.cover(sources)
        while cases < wanted {
            // Each recipe in turn, so that no place is left out.
            if open.isEmpty { open = sources.shuffled(using: &generator) }
            let source = open.removeLast()
            // One of each class, and one of the other keys.
            let others = Sample.all.filter { $0.kind == .secret && !$0.value.contains("\n") }
            for sample in Sample.onePerClass + [try #require(others.randomElement(using: &generator))] {
                let writing = try #require(Planter.Writing.allCases.randomElement(using: &generator))
                // One of each place, at random.
                var seen: Set<String> = []
                for planted in source.planter.plantings(of: sample.value, writing).shuffled(using: &generator)
                where seen.insert(planted.place).inserted {
                    cases += 1
                    let isPacked = source.format == .workato && Int.random(in: 0..<4, using: &generator) == 0
                    if let defect = try source.defect(planted, sample, isPacked: isPacked) {
                        Issue.record(
                            "\(source.name): \(sample.rule) \(writing) in \(planted.place)\(isPacked ? ", packed" : ""), seed \(Scale.current.seed): \(defect)"
                        )
                    }
                    places["\(source.format.name) \(planted.place)", default: 0] += 1
                }
            }
        }
        let kinds = Set(places.keys)
        #expect(kinds == Self.places, "\(kinds.symmetricDifference(Self.places).sorted())")
        print("planter: \(cases) cases in \(places.count) places")
    }

    /// Few recipes that have all places between them: the next is the one that has most of those that are missing.
    private static func cover(_ sources: [Source]) -> [Source] {
        let all = sources.map { source in
            let places = Planter.Writing.allCases.flatMap { source.planter.plantings(of: "value", $0) }.map(\.place)
            return (source, Set(places.map { "\(source.format.name) \($0)" }))
        }
        var (missing, chosen): (Set<String>, [Source]) = (Self.places, [])
        while let next = all.max(by: { $0.1.intersection(missing).count < $1.1.intersection(missing).count }),
            !next.1.isDisjoint(with: missing)
        {
            missing.subtract(next.1)
            chosen.append(next.0)
        }
        return chosen
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
    func defect(_ planted: Planter.Planted, _ sample: Sample, isPacked: Bool) throws -> String? {
        let plain = planter.recipe(planted)
        let input = isPacked ? try Planter.packed(plain) : plain
        let report = scrub(input, as: format)
        // No report shows the value, whatever the verdict is.
        let reports =
            [report.html(title: name), "\(report)", String(reflecting: report)]
            + [report.json(), ScrubReport.sarif([(name, report)])].map { String(decoding: $0, as: UTF8.self) }
        if reports.contains(where: sample.isIn) { return "a report shows it" }
        guard case .publishable(let recipe) = report.verdict else {
            // A name in code may be one of the code, and code may speak of a step: a person decides, and nothing is published before.
            let isName = [.person, .organization, .domain].contains(sample.kind)
            let isInCode = ["code", "script", "formula", "expression", "step's name"].contains {
                planted.place.contains($0)
            }
            return isName && isInCode && !report.findings.isEmpty ? nil : report.summary
        }
        let after = recipe.bytes
        guard RecipeFormat.recognize(after) == format else { return "no longer of its format" }
        let spans = report.findings.map(\.span) + report.dropped.map(\.span)
        // A step's new name stands wherever somebody speaks of it.
        if planted.place != "step's name", !isIdentical(input, after, outside: joined(spans)) {
            return "other bytes differ"
        }
        guard !report.findings.isEmpty || !report.dropped.isEmpty else { return "nothing found" }
        if String(decoding: after, as: UTF8.self).contains(sample.part) { return "survives" }
        for text in Self.readings(of: try strings(after).filter { !known.contains($0) }) where sample.isIn(text) {
            return "survives"
        }
        if format == .workato, try pills(after) != pills(input) { return "pills differ" }
        let (old, new) = (
            try JSONSerialization.jsonObject(with: Data(input)), try JSONSerialization.jsonObject(with: Data(after))
        )
        // What may differ: what was found or dropped, in the outermost document.
        let touched = Set(
            (report.findings.map(\.path) + report.dropped.map(\.path)).map { path in
                String(path.description.prefix { $0 != "→" })
            })
        if let path = Self.difference(old, new, "", touched) { return "another value at \(path)" }
        if format == .n8n, Self.edges(old) != Self.edges(new) { return "edges differ" }
        let again = scrub(after, as: format)
        guard again.findings.isEmpty, again.dropped.isEmpty, try output(again) == after else {
            return "a second scrub changes it"
        }
        return nil
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

    /// Where two documents differ in more than what was found or dropped; names of steps are looked at as edges.
    private static func difference(_ old: Any, _ new: Any, _ path: String, _ touched: Set<String>) -> String? {
        let isTouched = touched.contains(path)
        switch (old, new) {
        case (let old as [String: Any], let new as [String: Any]):
            if isTouched, new.isEmpty { return nil }
            guard path != "connections" else { return nil }
            guard Set(old.keys) == Set(new.keys) else { return path }
            for (key, value) in old {
                let inside = path.isEmpty ? key : path + "." + key
                if let found = difference(value, new[key] ?? NSNull(), inside, touched) { return found }
            }
            return nil
        case (let old as [Any], let new as [Any]):
            if isTouched, new.isEmpty { return nil }
            guard old.count == new.count else { return path }
            for (index, pair) in zip(old, new).enumerated() {
                if let found = difference(pair.0, pair.1, path + "[\(index)]", touched) { return found }
            }
            return nil
        case (let old as String, let new as String):
            return old == new || isTouched || path.hasSuffix("].name") ? nil : path
        case (is NSNull, is NSNull): return nil
        case (let old as NSNumber, let new as NSNumber):
            let isSameKind = String(cString: old.objCType) == String(cString: new.objCType)
            return old == new || isTouched && isSameKind && !path.hasSuffix(".number") ? nil : path
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
        if text.contains(value) || text.contains(part) { return true }
        let digits = value.filter(\.isNumber)
        return digits.count >= 9 && !value.contains(where: \.isLetter) && text.contains(digits)
    }
}
