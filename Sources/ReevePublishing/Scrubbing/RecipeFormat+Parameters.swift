// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

extension RecipeFormat {
    /// What has to be filled in before a recipe runs, in the order of classes and numbers.
    ///
    /// Throws ``RecipeParameterError/unreadable`` for what is no recipe of this format. Complexity: O(bytes).
    public func parameters(
        of recipe: [UInt8], limits: JSONTokens.Limits = .init()
    ) throws(RecipeParameterError) -> [RecipeParameter] {
        let found = try reader(of: recipe, limits).pieces.flatMap {
            RecipeParameter.find(in: $0.bytes).map(\.parameter)
        }
        let order = Dictionary(uniqueKeysWithValues: DataClass.allCases.enumerated().map { ($0.element, $0.offset) })
        return Set(found).sorted {
            (order[$0.kind, default: 0], $0.number) < (order[$1.kind, default: 0], $1.number)
        }
    }

    /// A recipe with values in the place of its parameters; those without a value stay, and so does every other byte.
    ///
    /// A value is text and never code of a formula or a script: 1 to 1,024 bytes without control characters, braces, backslashes, backticks, `<`
    /// and `>`, not beginning with `=` or `@` and not ending with `#` or `$`. Within code it has letters, digits, spaces and `. _ + - / : , = @`
    /// alone. What a service makes of a text, as of a query or a command, is not looked at. A parameter that stands in code itself, in a key or in
    /// what keeps the recipe together is not filled in. Throws ``RecipeParameterError``, which never shows a value.
    /// Complexity: O(bytes log parameters).
    public func fill(
        _ values: [RecipeParameter: String], in recipe: [UInt8], limits: JSONTokens.Limits = .init()
    ) throws(RecipeParameterError) -> [UInt8] {
        let ordered = values.sorted { $0.key.description < $1.key.description }
        for (parameter, value) in ordered where !Self.isText(value) { throw .notText(parameter) }
        let reader = try reader(of: recipe, limits)
        var edits = EditTree(reader, recipe)
        var (filled, others): (Set<Place>, [Place]) = ([], [])
        for piece in reader.pieces {
            for (parameter, range) in RecipeParameter.find(in: piece.bytes) {
                guard let value = values[parameter] else { continue }
                let place = Place(parameter, piece.source(range), in: piece.seal)
                guard Self.isText(piece) else {
                    others.append(place)
                    continue
                }
                guard Self.isText(value, in: piece, at: range) else { throw .notText(parameter) }
                filled.insert(place)
                let match = Match(kind: parameter.kind, range: range, score: 1, rule: "")
                edits.add(match, in: piece, replacement: Array(value.utf8))
            }
        }
        if let place = others.first(where: { !filled.contains($0) }) { throw .notFillable(place.parameter) }
        let known = Set(filled.map(\.parameter))
        if let parameter = ordered.map(\.key).first(where: { !known.contains($0) }) { throw .notInRecipe(parameter) }
        let result = EditTree.splice(recipe, edits.resolved())
        let after = try self.reader(of: result, limits)
        guard !edits.isTangled, after.shape == reader.shape, after.structure == reader.structure,
            after.references == reader.references, after.pills == reader.pills,
            Renaming.keepsReferences(reader, after), Set(after.names).count == Set(reader.names).count
        else { throw .unreadable }
        return result
    }

    /// Where a parameter stands in a recipe.
    private struct Place: Hashable {
        let parameter: RecipeParameter
        let span: Range<Int>
        let seal: Int?

        init(_ parameter: RecipeParameter, _ span: Range<Int>, in seal: Int?) {
            self.parameter = parameter
            self.span = span
            self.seal = seal
        }
    }

    private func reader(
        of recipe: [UInt8], _ limits: JSONTokens.Limits
    ) throws(RecipeParameterError) -> DocumentReader {
        do throws(ReadFailure) {
            return try DocumentReader(recipe, format: self, limits: limits, isThorough: true)
        } catch {
            throw .unreadable
        }
    }

    /// Whether a piece is text as its author wrote it, or a step's name and what refers to it, and nothing in it is read as something else.
    private static func isText(_ piece: TextPiece) -> Bool {
        guard !piece.isWhole, piece.joints.isEmpty, !piece.isDropped, !piece.encodings.contains(.regex) else {
            return false
        }
        guard !piece.isUse, !piece.isName else { return true }
        return !piece.isKey && !piece.isNumber && [.literal, .label, .comment, .schema].contains(piece.role)
    }

    /// Whether a value can be text anywhere.
    private static func isText(_ value: String) -> Bool {
        guard (1...1024).contains(value.utf8.count), let first = value.utf8.first, let last = value.utf8.last,
            !"=@".utf8.contains(first), !"#$".utf8.contains(last), RecipeParameter.find(in: Array(value.utf8)).isEmpty
        else { return false }
        return value.unicodeScalars.allSatisfy { scalar in
            // What joins letters, as in Persian, has no width.
            if scalar == "\u{200C}" || scalar == "\u{200D}" { return true }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                return false
            default: return !"{}\\`<>".unicodeScalars.contains(scalar)
            }
        }
    }

    /// Whether a value is text at a place of a piece.
    private static func isText(_ value: String, in piece: TextPiece, at range: Range<Int>) -> Bool {
        guard piece.isInCode else { return true }
        // `*/` ends a comment.
        if range.lowerBound > 0, piece.bytes[range.lowerBound - 1] == UInt8(ascii: "*"), value.hasPrefix("/") {
            return false
        }
        // A space parts the elements of `%w( )`.
        if case .script(let quote)? = piece.encodings.first, !"'\"`".utf8.contains(quote), value.contains(" ") {
            return false
        }
        return value.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
                .spacingMark, .decimalNumber:
                true
            default: " ._+-/:,=@".unicodeScalars.contains(scalar)
            }
        }
    }
}

/// Why a recipe's parameters were not filled in.
public enum RecipeParameterError: Error, Hashable, Sendable {
    /// It is no recipe of this format, or would no longer be the same one.
    case unreadable
    /// The recipe has no such parameter.
    case notInRecipe(RecipeParameter)
    /// The parameter stands in code, in a key or in what keeps the recipe together, where a value could be more than text.
    case notFillable(RecipeParameter)
    /// The value could be read as more than text, or is empty or longer than 1,024 bytes.
    case notText(RecipeParameter)
}

extension RecipeParameterError: CustomStringConvertible {
    /// What is wrong and what to do; without the value.
    public var description: String {
        switch self {
        case .unreadable:
            "this is no recipe of the format, or would no longer be the same one; fill in what was published, as its own format"
        case .notInRecipe(let parameter): "the recipe has no \(parameter); ask for its parameters"
        case .notFillable(let parameter):
            "\(parameter) stands in code, in a key or in what keeps the recipe together; put the value there in the recipe editor"
        case .notText(let parameter):
            "the value for \(parameter) has signs that could be more than text, or is empty or too long; put it there in the recipe editor"
        }
    }
}
