// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A subject's data, for the subject alone: whoever has this has the data. It is in no description, mirror or dump of it, and nothing of it is stored.
public struct SubjectExport: Sendable {
    /// What is at a place of a record.
    public struct Item: Sendable {
        /// The record.
        public let record: Identifier<DataRecord>
        /// Its category.
        public let category: DataCategory
        /// The place.
        public let location: String
        /// Its content, as the place gave it.
        public let content: [UInt8]
    }

    /// The request that it answers.
    public let request: Identifier<SubjectRequestRecord>
    /// When it was made.
    public let at: Timestamp
    /// What there is, by category, record and place.
    public let items: [Item]
    /// Where to turn, as far as the settings say.
    public let contacts: ContactDirectory?

    init(
        _ request: Identifier<SubjectRequestRecord>, at now: Timestamp, _ items: [Item], _ contacts: ContactDirectory?
    ) {
        self.request = request
        at = now
        self.items = items.sorted {
            ($0.category.description, $0.record.description, $0.location)
                < ($1.category.description, $1.record.description, $1.location)
        }
        self.contacts = contacts
    }

    /// The data as one JSON document (RFC 8259): what a place gave as JSON stands as such, anything else as base64.
    public func json() -> [UInt8] {
        var text = Array(#"{"request":"\#(request)","made":"\#(at)","records":["#.utf8)
        for (number, item) in items.enumerated() {
            if number > 0 { text.append(UInt8(ascii: ",")) }
            text += #"{"record":"\#(item.record)","category":"\#(item.category)","place":""#.utf8
            text += JSONText.escape(item.location.utf8)
            if item.isJSON {
                text += #"","content":"#.utf8
                text += item.content
            } else {
                text += #"","base64":""#.utf8
                text += Base64.encode(item.content).utf8
                text.append(UInt8(ascii: "\""))
            }
            text.append(UInt8(ascii: "}"))
        }
        text += "]}".utf8
        return text
    }

    /// The data as an HTML page for people: it runs no script and loads nothing.
    public func html() -> String {
        let rows = items.map { item in
            Markup.element(
                "section", [:],
                [
                    .element("h2", [:], [.text(item.category.description)]),
                    .element("p", [:], [.text("\(item.record), kept at \(item.location)")]),
                    .element(
                        "pre", [:],
                        [.text(String(validating: item.content, as: UTF8.self) ?? "\(item.content.count) bytes")]),
                ])
        }
        let whom = contacts.map { "Questions: \($0.privacy), or by post: \($0.postal)" }
        return Markup.page(
            title: "Your data",
            style: "body{font:16px/1.5 sans-serif;margin:2em auto;max-width:48em}pre{white-space:pre-wrap}",
            [
                .element("h1", [:], [.text("Your data")]),
                .element("p", [:], [.text("Request \(request), answered at \(at). Records: \(items.count).")]),
            ] + rows + [.element("p", [:], [.text(whom ?? "")])])
    }
}

extension SubjectExport.Item {
    /// Whether a strict reader takes the content as one document.
    fileprivate var isJSON: Bool { (try? JSONTree(content)) != nil }
}

extension SubjectExport: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// How much there is.
    public var description: String { "\(items.count) items for \(request)" }
    /// How much there is.
    public var debugDescription: String { description }
    /// Nothing of the data.
    public var customMirror: Mirror { Mirror(self, children: ["items": items.count]) }
}

extension SubjectExport.Item: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What it is, and where.
    public var description: String { "\(record) (\(category)) at \(location)" }
    /// What it is, and where.
    public var debugDescription: String { description }
    /// Nothing of the data.
    public var customMirror: Mirror { Mirror(self, children: ["item": description]) }
}
