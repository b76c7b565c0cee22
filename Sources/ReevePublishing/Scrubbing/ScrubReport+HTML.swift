// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension ScrubReport {
    /// A page that shows the recipe before and after, side by side. What was found is masked in "before".
    public func html(title: String) -> String {
        let found = findings.map { [$0.path.description, $0.kind.rawValue, $0.role.rawValue, $0.action.rawValue] }
        let gone = dropped.map { [$0.path.description, "any", $0.role.rawValue, "dropped"] }
        let rows = (found + gone).map { row in
            Markup.element("tr", [:], row.map { .element("td", [:], [.text($0)]) })
        }
        let head = ["Path", "Class", "Role", "Action"].map { Markup.element("th", [:], [.text($0)]) }
        return Markup.page(
            title: title, style: Self.sheet,
            [
                .element("h1", [:], [.text(title)]), .element("p", [:], [.text(summary)]),
                .element("table", [:], [.element("tr", [:], head)] + rows), sides,
            ])
    }

    /// The verdict in one line, with counts.
    public var summary: String {
        let count = findings.count == 1 ? "1 finding" : "\(findings.count) findings"
        let gone = dropped.isEmpty ? "" : dropped.count == 1 ? ", 1 value dropped" : ", \(dropped.count) values dropped"
        return switch verdict {
        case .publishable:
            findings.isEmpty ? "publishable: nothing found\(gone)" : "publishable: \(count), all replaced\(gone)"
        case .needsReview: "needs review: \(count)\(gone)"
        case .blocked(let reason): "blocked: \(reason)"
        }
    }

    /// Both sides; nothing when it is not certain that every finding is masked.
    private var sides: Markup {
        isCertain
            ? .element("div", ["class": "sides"], [side("Before", after: false), side("After", after: true)])
            : .element("p", [:], [.text("The recipe is not shown, because it may hold more than was found.")])
    }

    private func side(_ heading: String, after: Bool) -> Markup {
        var (parts, position): ([Markup], Int) = ([], 0)
        for edit in edits where edit.range.lowerBound >= position {
            parts.append(text(position..<edit.range.lowerBound))
            let mask = "▒▒▒ \(edit.label) ▒▒▒"
            let replacement = after && edit.isShown ? edit.replacement : nil
            let shown = replacement.map { String(decoding: $0, as: UTF8.self) } ?? mask
            parts.append(.element("mark", ["class": after ? "new" : "old"], [.text(shown)]))
            position = edit.range.upperBound
        }
        parts.append(text(position..<input.count))
        return .element("section", [:], [.element("h2", [:], [.text(heading)]), .element("pre", [:], parts)])
    }

    private func text(_ range: Range<Int>) -> Markup { .text(String(decoding: input[range], as: UTF8.self)) }

    private static let sheet: StaticString = """
        body{font:15px system-ui,sans-serif;margin:2rem;color:#1c2430;background:#fff}
        table{border-collapse:collapse;margin:1rem 0}th,td{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #d5dae1}
        .sides{display:grid;grid-template-columns:1fr 1fr;gap:1rem}section{min-width:0}
        pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f7fa;padding:1rem;border-radius:6px;font-size:12px}
        .old{background:#ffd9d6;color:#7a1712}.new{background:#cdeed5;color:#0f4a22}
        """
}
