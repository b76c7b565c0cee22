// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// HTML or SVG that is escaped by default: text becomes safe text, and only elements made here become tags.
///
/// Names of elements and attributes are code, not input; everything else is escaped, so that no value from a recipe can
/// become markup.
public struct Markup: Hashable, Sendable {
    /// The rendered text.
    public let rendered: String

    private init(rendered: String) {
        self.rendered = rendered
    }

    /// A text, with `&`, `<`, `>`, `"` and `'` escaped. Control characters that HTML forbids become U+FFFD.
    public static func text(_ text: String) -> Markup { Markup(rendered: escape(text)) }

    /// An element with attributes and contents.
    public static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ contents: [Markup] = []
    ) -> Markup {
        Markup(rendered: open(name, attributes) + contents.map(\.rendered).joined() + "</\(name)>")
    }

    /// An element without contents or end tag, such as `meta`.
    public static func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]) -> Markup {
        Markup(rendered: open(name, attributes))
    }

    /// A style sheet that is part of the program, never input.
    public static func style(_ sheet: StaticString) -> Markup { Markup(rendered: "<style>\(sheet)</style>") }

    /// Several pieces, one after the other.
    public static func group(_ parts: [Markup]) -> Markup { Markup(rendered: parts.map(\.rendered).joined()) }

    /// A whole HTML page with a title, a style sheet and a body. It runs no script and loads nothing (Content Security Policy 3).
    public static func page(title: String, style sheet: StaticString, _ body: [Markup]) -> String {
        let head: [Markup] = [
            .void("meta", ["charset": "utf-8"]),
            .void(
                "meta",
                [
                    "http-equiv": "Content-Security-Policy",
                    "content": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
                ]),
            .void("meta", ["name": "color-scheme", "content": "light dark"]),
            .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .element("title", [:], [.text(title)]), .style(sheet),
        ]
        let page = Markup.element("html", ["lang": "en"], [.element("head", [:], head), .element("body", [:], body)])
        return "<!DOCTYPE html>\n" + page.rendered + "\n"
    }

    private static func open(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>) -> String {
        "<\(name)" + attributes.map { " \($0.key)=\"\(escape($0.value))\"" }.joined() + ">"
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
