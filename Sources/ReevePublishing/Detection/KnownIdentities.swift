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

    /// Less than that of an address, which goes as a whole.
    private static let score = 0.94

    private struct Name: Hashable {
        let kind: DataClass
        let letters: [UInt8]
    }

    /// By the first letters.
    private let names: [UInt32: [Name]]

    /// What is known. Throws ``KnownIdentitiesError/tooShort(_:at:)`` for a name of fewer than three letters and digits, which would be found
    /// everywhere. Complexity: O(bytes of all names).
    public init(people: [String] = [], organizations: [String] = [], domains: [String] = [])
        throws(KnownIdentitiesError)
    {
        var names: Set<Name> = []
        for (kind, texts) in [(DataClass.person, people), (.organization, organizations), (.domain, domains)] {
            for (index, text) in texts.enumerated() {
                let letters = Self.letters(of: text)
                guard letters.count >= Self.shortest else { throw .tooShort(kind, at: index) }
                names.insert(Name(kind: kind, letters: letters))
                let words = text.split(separator: " ")
                guard kind == .person, words.count > 1, let last = words.last else { continue }
                let turned = ([last] + words.dropLast()).joined(separator: " ")
                names.insert(
                    Name(kind: kind, letters: Self.letters(of: turned)))
            }
        }
        self.names = Dictionary(grouping: names) { Self.start(of: $0.letters[...]) }.mapValues { Self.ordered(Set($0)) }
    }

    /// As a text is read.
    private static func letters(of text: String) -> [UInt8] {
        PlainLetters(FoldedText(Array(text.utf8)).bytes).bytes.filter { $0 != PlainLetters.gap }
    }

    /// Nothing.
    public static let none = KnownIdentities(names: [:])

    private init(names: [UInt32: [Name]]) { self.names = names }

    /// What either knows.
    public func union(_ other: KnownIdentities) -> KnownIdentities {
        KnownIdentities(
            names: names.merging(other.names) { mine, others in Self.ordered(Set(mine + others)) })
    }

    /// The longest first.
    private static func ordered(_ names: Set<Name>) -> [Name] {
        names.sorted { left, right in
            left.letters.count == right.letters.count
                ? left.letters.lexicographicallyPrecedes(right.letters) : left.letters.count > right.letters.count
        }
    }

    private static func start(of letters: ArraySlice<UInt8>) -> UInt32 {
        letters.prefix(shortest).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Adds what of it stands in a text. Complexity: O(bytes · letters of the names that begin alike).
    func scan(_ text: [UInt8], _ found: inout Detected) {
        let plain = PlainLetters(text)
        var position = 0
        while position + Self.shortest <= plain.bytes.count {
            let rest = plain.bytes[position...]
            let name = names[Self.start(of: rest)]?.first { name in
                rest.starts(with: name.letters) && plain.isWord(position..<position + name.letters.count, in: text)
            }
            if let name {
                let range = plain.place(position..<position + name.letters.count)
                found.matches.append(
                    Match(kind: name.kind, range: range, score: Self.score, rule: "known.\(name.kind.rawValue)"))
                position += name.letters.count
            } else {
                position += 1
            }
        }
        found.surrogates += Surrogates.names(in: text)
    }
}

extension KnownIdentities: CustomStringConvertible, CustomReflectable {
    /// How many names there are; never one of them.
    public var description: String { "\(names.values.reduce(0) { $0 + $1.count }) known identities" }
    /// Nothing of what is known.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why a list of names is not taken.
public enum KnownIdentitiesError: Error, Hashable, Sendable {
    /// A name has fewer than three letters and digits; its place is that in its list, from 0.
    case tooShort(DataClass, at: Int)
}

extension KnownIdentitiesError: CustomStringConvertible {
    /// What is wrong and what to do; without the name.
    public var description: String {
        switch self {
        case .tooShort(let kind, let index):
            "number \(index + 1) of the known names (\(kind.rawValue)) has fewer than three letters and digits; give the whole name"
        }
    }
}
