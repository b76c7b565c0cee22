// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A number or code by which somebody or something is known: how it is written, what tells a true one, and how sure that makes it.
struct IDRule: Sendable {
    /// The name of its rule, for example `id.us.ssn`.
    let name: String
    let kind: DataClass
    /// Its groups: `d` a digit, `a` a letter, `x` either, and upper-case letters and digits themselves; a space where groups part.
    let shapes: [Shape]
    /// What may part its groups.
    let signs: [UInt8]
    /// Whether its check digits and its parts are right, without separators and in upper case; always, where it has none.
    let isValid: @Sendable ([UInt8]) -> Bool
    /// How sure a valid one is by itself, where its groups are parted, and where a word for it stands beside it.
    let (bare, grouped, named): (Double, Double, Double)
    /// How sure one is that is not valid, where a word for it stands beside it: people mistype.
    let mistyped: Double
    /// Words for it, in lower case.
    let words: WordSet

    struct Shape: Sendable {
        let mask: [UInt8]
        let groups: [Int]

        init(_ text: String) {
            let parts = text.split(separator: " ")
            mask = Array(parts.joined().utf8)
            groups = parts.map(\.utf8.count)
        }

        /// How many digits it has at least.
        var leastDigits: Int { mask.count { $0 == UInt8(ascii: "d") || $0.isDigit } }

        /// Whether a text without separators, in upper case, is of this shape.
        func fits(_ text: [UInt8]) -> Bool {
            for position in mask.indices {
                let (sign, byte) = (mask[position], text[position])
                switch sign {
                case UInt8(ascii: "d"): guard byte.isDigit else { return false }
                case UInt8(ascii: "a"): guard byte.isUpper else { return false }
                case UInt8(ascii: "x"): break
                default: guard byte == sign else { return false }
                }
            }
            return true
        }
    }

    init(
        _ name: String, _ kind: DataClass, _ shapes: [String], signs: String = " -.", bare: Double,
        grouped: Double? = nil,
        named: Double = 0.85, mistyped: Double = 0, words: WordSet,
        isValid: @escaping @Sendable ([UInt8]) -> Bool = { _ in true }
    ) {
        self.name = "id." + name
        self.kind = kind
        self.shapes = shapes.map(Shape.init)
        self.signs = Array(signs.utf8)
        self.isValid = isValid
        (self.bare, self.grouped, self.named) = (bare, grouped ?? bare, named)
        self.mistyped = mistyped
        self.words = words
    }

    /// A shape with its rule; one object for both, which costs nothing to hand on.
    final class Entry: Sendable {
        let rule: IDRule
        let shape: Shape

        init(_ rule: IDRule, _ shape: Shape) { (self.rule, self.shape) = (rule, shape) }
    }

    /// All that are known, by the number of digits and letters.
    static let byLength: [[Entry]] = {
        var table = [[Entry]](repeating: [], count: longest + 1)
        for rule in american + british + european + eurasian + general {
            for shape in rule.shapes { table[shape.mask.count].append(Entry(rule, shape)) }
        }
        return table
    }()
    static let longest = 24
    static let mostGroups = 7
}
