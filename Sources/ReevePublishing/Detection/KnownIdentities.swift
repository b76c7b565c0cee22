// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Names of people, organisations and domains that a host knows to be somebody's: they go wherever they stand in a recipe, in every layer,
/// however they are spelled.
///
///     let known = try KnownIdentities(people: ["Dana Whitfield"], organizations: ["Northwind Traders"], domains: ["northwind.example"])
///     let report = scrubber.scrub(bytes, as: .workato, for: .publicLibrary, knowing: known)
///
/// A name is found in upper and lower case, with other signs between its words or none, without its accents, in letters of other scripts that look
/// the same, and a person's also with the last word first. It is not found within a longer word. In code a name may be one of the code, so a person
/// decides. Give the names of people and customers, and not those of the apps that a recipe connects: their ids would block it.
public struct KnownIdentities: Hashable, Sendable {
    /// Letters and digits of the shortest name: 3.
    public static let shortest = 3
    /// Letters and digits of the longest name: 256.
    public static let longest = 256
    /// Nothing.
    public static let none = KnownIdentities([:])

    /// Less than that of an address, which goes as a whole.
    private static let score = 0.94

    /// The class of each name, by its letters.
    private let kinds: [[UInt8]: DataClass]
    /// The names as a tree: the node behind a node and a letter, the root is 0; and the class of a name that ends at a node.
    private let children: [UInt64: Int]
    private let ends: [Int: DataClass]

    /// What is known. A name in two lists is of the first. Throws ``KnownIdentitiesError`` for a name of fewer than three letters and digits,
    /// which would be found everywhere, and for one of more than 256. Complexity: O(bytes of all names).
    public init(people: [String] = [], organizations: [String] = [], domains: [String] = [])
        throws(KnownIdentitiesError)
    {
        var kinds: [[UInt8]: DataClass] = [:]
        for (kind, texts) in [(DataClass.person, people), (.organization, organizations), (.domain, domains)] {
            for (index, text) in texts.enumerated() {
                let letters = Self.letters(of: text)
                guard letters.count >= Self.shortest else { throw .tooShort(kind, at: index) }
                guard letters.count <= Self.longest else { throw .tooLong(kind, at: index) }
                kinds[letters] = kinds[letters] ?? kind
                let words = text.split(separator: " ")
                guard kind == .person, words.count > 1, let last = words.last else { continue }
                let turned = Self.letters(of: ([last] + words.dropLast()).joined(separator: " "))
                kinds[turned] = kinds[turned] ?? kind
            }
        }
        self.init(kinds)
    }

    private init(_ kinds: [[UInt8]: DataClass]) {
        self.kinds = kinds
        var (children, ends): ([UInt64: Int], [Int: DataClass]) = ([:], [:])
        for (letters, kind) in kinds {
            var node = 0
            for letter in letters {
                let edge = Self.edge(node, letter)
                node = children[edge] ?? children.count + 1
                children[edge] = node
            }
            ends[node] = kind
        }
        (self.children, self.ends) = (children, ends)
    }

    private static func edge(_ node: Int, _ letter: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(letter) }

    /// As a text is read.
    private static func letters(of text: String) -> [UInt8] {
        PlainLetters(FoldedText(Array(text.utf8)).bytes).bytes.filter { $0 != PlainLetters.gap }
    }

    /// Whether nothing is known.
    public var isEmpty: Bool { kinds.isEmpty }

    /// What either knows; a name of both is of the class that it has here.
    public func union(_ other: KnownIdentities) -> KnownIdentities {
        KnownIdentities(kinds.merging(other.kinds) { mine, _ in mine })
    }

    /// Whether both know the same.
    public static func == (left: Self, right: Self) -> Bool { left.kinds == right.kinds }
    /// Hashes what is known.
    public func hash(into hasher: inout Hasher) { hasher.combine(kinds) }

    /// Adds what of it stands in a text, the longest name at each place. Complexity: O(bytes · letters of the longest name), however many there are.
    func scan(_ text: [UInt8], _ found: inout Detected) {
        let plain = PlainLetters(text)
        var position = 0
        while position < plain.bytes.count {
            guard let (kind, end) = name(in: plain, from: position, text) else {
                position += 1
                continue
            }
            found.matches.append(
                Match(kind: kind, range: plain.place(position..<end), score: Self.score, rule: "known.\(kind.rawValue)")
            )
            position = end
        }
    }

    private func name(in plain: PlainLetters, from start: Int, _ text: [UInt8]) -> (kind: DataClass, end: Int)? {
        var (node, position, longest): (Int, Int, (DataClass, Int)?) = (0, start, nil)
        while position < plain.bytes.count, let next = children[Self.edge(node, plain.bytes[position])] {
            (node, position) = (next, position + 1)
            if let kind = ends[node], plain.isWord(start..<position, in: text) { longest = (kind, position) }
        }
        return longest
    }
}

extension KnownIdentities: CustomStringConvertible, CustomReflectable {
    /// How many spellings of names there are; never one of them.
    public var description: String { "\(kinds.count) known identities" }
    /// Nothing of what is known.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why a list of names is not taken.
public enum KnownIdentitiesError: Error, Hashable, Sendable {
    /// A name has fewer than three letters and digits; its place is that in its list, from 0.
    case tooShort(DataClass, at: Int)
    /// A name has more than 256 letters and digits; its place is that in its list, from 0.
    case tooLong(DataClass, at: Int)
}

extension KnownIdentitiesError: CustomStringConvertible {
    /// What is wrong and what to do; without the name.
    public var description: String {
        switch self {
        case .tooShort(let kind, let index):
            "number \(index + 1) of the known names (\(kind.rawValue)) has fewer than three letters and digits; give the whole name"
        case .tooLong(let kind, let index):
            "number \(index + 1) of the known names (\(kind.rawValue)) has more than 256 letters and digits; give a name, and not a text"
        }
    }
}
