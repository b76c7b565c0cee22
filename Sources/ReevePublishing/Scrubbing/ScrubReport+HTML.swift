// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension ScrubReport {
    /// A page for people: the verdict, a table of what was found by path with what became of it, and the recipe before and after.
    ///
    /// What was found is masked in "before"; the page runs no script, loads nothing and can be used with the keyboard alone. A title that
    /// holds personal data is shown as `(personal)`. Complexity: O(bytes + findings log findings).
    public func html(title: String) -> String {
        let isPersonal = Reading.finds(title)
        let name = isPersonal ? "(personal)" : title
        return Markup.page(
            title: name, style: Self.sheet,
            [
                .element(
                    "header", [:],
                    [
                        .element("h1", [:], [.text(name)]),
                        .element("p", ["class": "verdict \(verdictClass)"], [.text(summary)]),
                    ] + (warning.map { [.element("p", [:], [.text("Before you publish: \($0).")])] } ?? [])),
                .element("main", [:], [table, sides]),
            ])
    }

    /// The verdict in one line, with counts.
    public var summary: String {
        let count = findings.count == 1 ? "1 finding" : "\(findings.count) findings"
        let gone = dropped.isEmpty ? "" : dropped.count == 1 ? ", 1 value dropped" : ", \(dropped.count) values dropped"
        return switch verdict {
        case .publishable:
            findings.isEmpty ? "publishable: nothing found\(gone)" : "publishable: \(count), \(staying)\(gone)"
        case .needsReview: "needs review: \(count)\(gone)"
        case .blocked(let reason): "blocked: \(reason)"
        }
    }

    /// How many of the findings are still there.
    private var staying: String {
        let count = findings.reduce(0) { $0 + ($1.action == .approved || $1.action == .kept ? 1 : 0) }
        return count == 0 ? "all replaced" : count == 1 ? "1 stays" : "\(count) stay"
    }

    /// What its author should know before it is published.
    private var warning: String? {
        guard case .publishable(let recipe) = verdict else { return nil }
        return recipe.audience.warning
    }

    private var verdictClass: String {
        switch verdict {
        case .publishable: "publishable"
        case .needsReview: "review"
        case .blocked: "blocked"
        }
    }

    // MARK: The table

    /// A line of the table: something that was found, or that went by its role.
    private struct Row {
        let path: JSONPath
        let kind: String
        let role: PathRole
        let action: ScrubFinding.Action
        let span: Range<Int>
    }

    private var table: Markup {
        let rows =
            (findings.map {
                Row(path: $0.path, kind: $0.kind.rawValue, role: $0.role, action: $0.action, span: $0.span)
            }
            + dropped.map { Row(path: $0.path, kind: "any", role: $0.role, action: .dropped, span: $0.span) })
            .sorted { ($0.span.lowerBound, -$0.span.upperBound) < ($1.span.lowerBound, -$1.span.upperBound) }
        guard !rows.isEmpty else { return .group([]) }
        let head = ["Path", "Class", "Role", "Action", "Before", "After"].map {
            Markup.element("th", ["scope": "col"], [.text($0)])
        }
        return .group([
            filters(rows),
            .element(
                "div", ["class": "table", "tabindex": "0", "role": "region", "aria-label": "Findings"],
                [
                    .element(
                        "table", [:],
                        [
                            .element("thead", [:], [.element("tr", [:], head)]),
                            .element("tbody", [:], rows.map(line)),
                        ])
                ]),
        ])
    }

    /// A box for each action that there is: the style sheet hides the lines of those that are not checked.
    private func filters(_ rows: [Row]) -> Markup {
        let actions = ScrubFinding.Action.allCases.compactMap { action -> Markup? in
            let count = rows.reduce(0) { $0 + ($1.action == action ? 1 : 0) }
            guard count > 0 else { return nil }
            return .element(
                "label", [:],
                [
                    .void("input", ["type": "checkbox", "checked": "", "id": "show-\(action.rawValue)"]),
                    .text(" \(action.rawValue) (\(count))"),
                ])
        }
        return .element("fieldset", [:], [.element("legend", [:], [.text("Show")])] + actions)
    }

    private func line(_ row: Row) -> Markup {
        let next = edits.firstIndex(notBefore: { $0.range.upperBound <= row.span.lowerBound })
        let edit = next < edits.count && edits[next].range.lowerBound <= row.span.lowerBound ? edits[next] : nil
        let after: String
        switch row.action {
        case .replaced, .dropped: after = edit.flatMap(shown).map { $0.isEmpty ? "(empty)" : $0 } ?? "(masked)"
        case .review: after = "a person decides"
        case .approved: after = "stays, as a person decided"
        case .kept: after = "stays, as the policy says"
        case .blocked: after = "cannot be changed here"
        }
        let path = Markup.text(row.path.description)
        let isLinked = isCertain && edit != nil
        let cells: [Markup] = [
            isLinked ? .element("a", ["href": "#at-\(next)"], [path]) : path, .text(row.kind), .text(row.role.rawValue),
            .text(row.action.rawValue), .text("▒▒▒"), .text(after),
        ]
        return .element("tr", ["class": row.action.rawValue], cells.map { .element("td", [:], [$0]) })
    }

    /// A replacement, where it may be shown.
    private func shown(_ edit: Edit) -> String? {
        guard isCertain, edit.isShown else { return nil }
        return edit.replacement.map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: The recipe

    /// Both sides; nothing when it is not certain that every finding is masked.
    private var sides: Markup {
        isCertain && !showsMore
            ? .element("div", ["class": "sides"], [side("Before", after: false), side("After", after: true)])
            : .element("p", [:], [.text("The recipe is not shown, because it may hold more than was found.")])
    }

    /// Whether a value that is masked stands somewhere else, too, where nothing was found.
    private var showsMore: Bool {
        let values = edits.filter { $0.replacement == nil }.map { Array(input[$0.range]) }
        guard !values.isEmpty else { return false }
        var (position, rest) = (0, [UInt8]())
        for edit in edits where edit.range.lowerBound >= position {
            // A byte that stands in no value parts what is shown.
            rest += input[position..<edit.range.lowerBound] + [0]
            position = edit.range.upperBound
        }
        rest += input[max(position, edits.map(\.range.upperBound).max() ?? 0)...]
        // What is too short for a list counts where it is all of a string.
        let short = Set(values.filter { (3..<6).contains($0.count) }).map { [0x22] + $0 + [0x22] }
        return DenyList(values).occurs(in: rest) || short.contains(where: rest.holds)
    }

    private func side(_ heading: String, after: Bool) -> Markup {
        var (parts, position): ([Markup], Int) = ([], 0)
        for (index, edit) in edits.enumerated() where edit.range.upperBound > position {
            // What lies across an earlier one is masked as far as it goes beyond it.
            let isWhole = edit.range.lowerBound >= position
            if isWhole { parts.append(text(position..<edit.range.lowerBound)) }
            let mask = "▒▒▒ \(edit.label) ▒▒▒"
            let text = Markup.text(after && isWhole ? shown(edit) ?? mask : mask)
            parts.append(
                after
                    ? .element("ins", [:], [text])
                    : .element("del", ["id": "at-\(index)"], [text]))
            position = edit.range.upperBound
        }
        parts.append(text(position..<input.count))
        return .element(
            "section", [:],
            [
                .element("h2", [:], [.text(heading)]),
                .element("pre", ["tabindex": "0", "aria-label": heading], parts),
            ])
    }

    private func text(_ range: Range<Int>) -> Markup { .text(String(decoding: input[range], as: UTF8.self)) }

    private static let sheet: StaticString = """
        :root{--ink:#1c2430;--paper:#fff;--faint:#5a6472;--line:#d5dae1;--box:#f5f7fa;--old:#ffd9d6;--old-ink:#7a1712;\
        --new:#cdeed5;--new-ink:#0f4a22;--wait:#ffeab5;--wait-ink:#5c4300}
        @media (prefers-color-scheme:dark){:root{--ink:#e3e8ef;--paper:#12161c;--faint:#9aa5b4;--line:#333c48;--box:#1b212a;\
        --old:#5a1f1b;--old-ink:#ffd9d6;--new:#123f22;--new-ink:#cdeed5;--wait:#4d3c0c;--wait-ink:#ffeab5}}
        body{font:15px system-ui,sans-serif;margin:0 auto;max-width:90rem;padding:1.5rem;color:var(--ink);background:var(--paper)}
        h1{font-size:1.4rem;margin:0 0 .6rem;overflow-wrap:anywhere}h2{font-size:1rem}
        .verdict{font-weight:600;padding:.7rem 1rem;border-radius:6px;margin:0 0 1rem}
        .publishable{background:var(--new);color:var(--new-ink)}p.review{background:var(--wait);color:var(--wait-ink)}
        p.blocked{background:var(--old);color:var(--old-ink)}
        fieldset{border:0;padding:0;margin:0 0 .5rem}legend{float:left;margin-right:1rem;color:var(--faint)}label{margin-right:1.2rem;white-space:nowrap;display:inline-block}
        .table{overflow-x:auto;max-height:60vh}table{border-collapse:collapse;width:100%;font-size:13px}
        th{text-align:left;position:sticky;top:0;background:var(--paper)}
        th,td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        td:first-child{overflow-wrap:anywhere;min-width:12rem}a{color:inherit}:focus-visible{outline:2px solid currentColor;outline-offset:2px}
        body:has(#show-replaced:not(:checked)) tr.replaced,body:has(#show-dropped:not(:checked)) tr.dropped,\
        body:has(#show-review:not(:checked)) tr.review,body:has(#show-approved:not(:checked)) tr.approved,\
        body:has(#show-kept:not(:checked)) tr.kept,\
        body:has(#show-blocked:not(:checked)) tr.blocked{display:none}
        .sides{display:grid;grid-template-columns:1fr 1fr;gap:1rem}section{min-width:0}
        pre{white-space:pre-wrap;overflow-wrap:anywhere;overflow:auto;max-height:80vh;background:var(--box);padding:1rem;\
        border-radius:6px;font-size:12px}
        del,ins{text-decoration:none;border-radius:3px;padding:0 .15rem}del{background:var(--old);color:var(--old-ink)}
        ins{background:var(--new);color:var(--new-ink)}del:target{outline:2px solid currentColor}
        @media (max-width:700px){body{padding:.8rem}.sides{grid-template-columns:1fr}}
        """
}
