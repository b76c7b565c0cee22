// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Names of parts that hold personal data: the names change, and everything that refers to them with them.
struct Renaming {
    private let reader: DocumentReader
    private var parts: [Int: [(range: Range<Int>, replacement: [UInt8], label: String)]] = [:]
    /// The new name of each old one.
    private var names: [[UInt8]: [UInt8]] = [:]
    private var labels: [[UInt8]: String] = [:]
    /// Old names in which something is left that a report must not show.
    private var doubtful: Set<[UInt8]> = []
    /// The pieces that are names or refer to them, and change.
    private var changed: Set<Int> = []

    init(_ reader: DocumentReader) {
        self.reader = reader
    }

    /// Notes what becomes of a part of the name that a piece is; parts come in order.
    mutating func note(_ match: Match, replacement: [UInt8]?, in piece: Int) {
        if let replacement {
            parts[piece, default: []].append((match.range, replacement, match.kind.rawValue))
        } else {
            doubtful.insert(reader.pieces[piece].bytes)
        }
    }

    /// Notes that something in the name that a piece is stays.
    mutating func noteKept(in piece: Int) { doubtful.insert(reader.pieces[piece].bytes) }

    /// Whether a piece changes as a whole.
    func changes(_ piece: Int) -> Bool { changed.contains(piece) }

    /// The edits of names and of what refers to them. Names that differ stay different.
    mutating func edits(of input: [UInt8]) -> [ScrubReport.Edit] {
        guard !parts.isEmpty else { return [] }
        var taken = Set(reader.names)
        var numbers: [[UInt8]: Int] = [:]
        for (index, parts) in parts.sorted(by: { $0.key < $1.key }) {
            let old = reader.pieces[index].bytes
            guard names[old] == nil else { continue }
            let name = Self.spliced(old, parts.map { ($0.range, $0.replacement) })
            var (unique, number) = (name, numbers[name] ?? 2)
            while !taken.insert(unique).inserted {
                unique = name + Array(" \(number)".utf8)
                number += 1
            }
            numbers[name] = number
            names[old] = unique
            labels[old] = parts.first?.label
        }
        var edits: [ScrubReport.Edit] = []
        for (index, piece) in reader.pieces.enumerated() where piece.isName || piece.isUse {
            guard !piece.isDropped, piece.seal == nil, let name = names[piece.bytes] else { continue }
            changed.insert(index)
            let whole = 0..<piece.bytes.count
            edits.append(
                .init(
                    range: piece.source(whole), label: labels[piece.bytes] ?? "name",
                    replacement: piece.encode(name), isShown: !doubtful.contains(piece.bytes)))
        }
        return edits
    }

    private static func spliced(_ text: [UInt8], _ parts: [(range: Range<Int>, replacement: [UInt8])]) -> [UInt8] {
        var (name, position): ([UInt8], Int) = ([], 0)
        for (range, replacement) in parts where range.lowerBound >= position {
            name += text[position..<range.lowerBound] + replacement
            position = range.upperBound
        }
        return name + text[position...]
    }

    /// Whether everything refers to the same names as before, by their number in the document.
    static func keepsReferences(_ before: DocumentReader, _ after: DocumentReader) -> Bool {
        guard before.names.count == after.names.count, before.uses.count == after.uses.count else { return false }
        let (old, new) = (numbers(of: before.names), numbers(of: after.names))
        return zip(before.uses, after.uses).allSatisfy { use, changed in
            old[use] == new[changed] && (old[use] != nil || use == changed)
        }
    }

    private static func numbers(of names: [[UInt8]]) -> [[UInt8]: Int] {
        Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    }
}
