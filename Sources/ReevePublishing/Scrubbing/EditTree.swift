// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Edits of a document and of what is packed into it as a whole, down to edits of its own bytes.
struct EditTree {
    private let reader: DocumentReader
    private let input: [UInt8]
    private var own: [ScrubReport.Edit] = []
    private var sealed: [Int: [ScrubReport.Edit]] = [:]
    /// Whether two edits share a part, so that something of the later one would be left.
    private(set) var isTangled = false

    init(_ reader: DocumentReader, _ input: [UInt8]) {
        self.reader = reader
        self.input = input
    }

    /// Adds an edit of the document, or of what is packed under a number.
    mutating func add(_ edit: ScrubReport.Edit, in seal: Int?) {
        if let seal { sealed[seal, default: []].append(edit) } else { own.append(edit) }
    }

    /// Adds what is done about a match: a replacement, or a mask where there is none.
    mutating func add(_ match: Match, in piece: TextPiece, replacement: [UInt8]?) {
        for (range, text) in piece.edits(of: match.range, replacement) {
            add(.init(range: range, label: match.kind.rawValue, replacement: text), in: piece.seal)
        }
    }

    /// The edits of the document's own bytes, in order: what is packed is packed again. Complexity: O(edits log edits + packed bytes).
    mutating func resolved() -> [ScrubReport.Edit] {
        // What is packed within another comes after it.
        for seal in reader.seals.indices.reversed() where sealed[seal] != nil {
            let (outer, content) = (reader.seals[seal].outer, reader.seals[seal].content)
            let edits = ordered(sealed[seal] ?? [])
            let whole = 0..<outer.bytes.count
            let isChanged = edits.contains { $0.replacement != nil }
            let text = content.encode(Self.splice(content.bytes, edits))
            add(
                .init(
                    range: outer.source(whole), label: edits.first?.label ?? "",
                    replacement: isChanged ? outer.encode(text) : nil,
                    isShown: edits.allSatisfy { $0.replacement != nil && $0.isShown }), in: outer.seal)
        }
        return ordered(own)
    }

    /// In the order of their places, the longer of two at one place first.
    private mutating func ordered(_ edits: [ScrubReport.Edit]) -> [ScrubReport.Edit] {
        let ordered = edits.sorted {
            ($0.range.lowerBound, -$0.range.upperBound) < ($1.range.lowerBound, -$1.range.upperBound)
        }
        var position = 0
        for edit in ordered where edit.replacement != nil {
            if edit.range.lowerBound < position, edit.range.upperBound > position { isTangled = true }
            position = max(position, edit.range.upperBound)
        }
        return ordered
    }

    /// A text with edits in it; one inside another is left out.
    static func splice(_ text: [UInt8], _ edits: [ScrubReport.Edit]) -> [UInt8] {
        guard !edits.isEmpty else { return text }
        var (output, position): ([UInt8], Int) = ([], 0)
        output.reserveCapacity(text.count)
        for edit in edits {
            guard let replacement = edit.replacement, edit.range.lowerBound >= position else { continue }
            output += text[position..<edit.range.lowerBound]
            output += replacement
            position = edit.range.upperBound
        }
        output += text[position...]
        return output
    }
}
