// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Keys of providers that begin with anything, and are told by what stands within them.
enum InnerKeyDetector {
    /// What stands within, how much of what stands before it, and the shape of what follows.
    private struct Rule: Sendable {
        let name: String
        let anchor: [UInt8]
        let before: KeyShape
        let after: KeyShape

        init(_ name: String, _ before: String, _ anchor: String, _ after: String) {
            self.name = "secret." + name
            self.anchor = Array(anchor.utf8)
            self.before = KeyShape(before)
            self.after = KeyShape(after)
        }
    }

    private static let rules: [Rule] = [
        Rule("azure", "{g3}{d1}", "Q~", "{g31,34}"), Rule("terraform", "{w14}", ".atlasv1.", "{p60,70}"),
        Rule("maxmind", "{w6}_{w29}", "_mmk", ""), Rule("mailchimp", "{X32}", "-us", "{d1,2}"),
        Rule("facebook", "{d15}", "|", "{t27,40}"), Rule("facebook", "{d16}", "|", "{t27,40}"),
        Rule("telegram", "{d8}", ":AA", "{t33}"), Rule("telegram", "{d9}", ":AA", "{t33}"),
        Rule("telegram", "{d10}", ":AA", "{t33}"),
    ]

    /// The first bytes of what stands within.
    static let anchors = ByteSet(rules.map { $0.anchor[0] })

    static func scan(_ text: [UInt8], _ found: inout Detected) {
        for position in text.indices where anchors.contains(text[position]) {
            for rule in rules where text[position...].starts(with: rule.anchor) {
                let start = position - rule.before.shortest
                guard start >= 0, rule.before.end(in: text, from: start) == position,
                    start == 0 || !text[start - 1].isAlphanumeric || text[..<start].suffix(3).elementsEqual("bot".utf8),
                    let end = rule.after.end(in: text, from: position + rule.anchor.count),
                    end == text.count || !text[end].isWordByte
                else { continue }
                // `xxxx…` is a placeholder.
                guard Set(text[start..<end]).count > 12 else { break }
                found.matches.append(Match(kind: .secret, range: start..<end, score: 0.95, rule: rule.name))
                break
            }
        }
    }

    /// Whether one could be in a part of a text. Complexity: O(bytes), without an allocation.
    static func mayHold(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        let anchors = Self.anchors
        for position in range {
            guard anchors.contains(unsafe text[position]), position + 1 < range.upperBound else { continue }
            switch unsafe (text[position], text[position + 1]) {
            case (UInt8(ascii: "Q"), UInt8(ascii: "~")), (UInt8(ascii: "."), UInt8(ascii: "a")),
                (UInt8(ascii: "_"), UInt8(ascii: "m")),
                (UInt8(ascii: "-"), UInt8(ascii: "u")), (UInt8(ascii: ":"), UInt8(ascii: "A")):
                return true
            case (UInt8(ascii: "|"), _):
                if unsafe position > range.lowerBound && text[position - 1].isDigit { return true }
            default: break
            }
        }
        return false
    }
}
