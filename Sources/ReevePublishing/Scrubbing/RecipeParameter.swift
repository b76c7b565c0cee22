// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A value that whoever installs a recipe fills in; in the recipe stands its name, for example `REPLACE_WITH_EMAIL_1`.
public struct RecipeParameter: Hashable, Sendable, TextCodable {
    /// The class of the value.
    public let kind: DataClass
    /// 1 for the first of its class, up to 999,999.
    public let number: Int

    /// Its name, as it stands in the recipe.
    public var description: String { String(decoding: Self.prefix, as: UTF8.self) + "\(kind.parameterWord)_\(number)" }

    init(_ kind: DataClass, _ number: Int) {
        self.kind = kind
        self.number = number
    }

    /// Reads a name as it stands in a recipe; `nil` for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let (parameter, range) = Self.find(in: bytes).first, range.count == bytes.count else { return nil }
        self = parameter
    }

    static let prefix = Array("REPLACE_WITH_".utf8)

    private static let words = DataClass.allCases.map { ($0, Array("\($0.parameterWord)_".utf8)) }

    /// The names in a text, in order. Complexity: O(bytes).
    static func find(in text: [UInt8]) -> [(parameter: RecipeParameter, range: Range<Int>)] {
        var found: [(parameter: RecipeParameter, range: Range<Int>)] = []
        var position = 0
        while position + prefix.count < text.count {
            guard text[position] == prefix[0], text[position...].starts(with: prefix),
                let (parameter, end) = parameter(in: text, behind: position + prefix.count)
            else {
                position += 1
                continue
            }
            found.append((parameter, position..<end))
            position = end
        }
        return found
    }

    private static func parameter(in text: [UInt8], behind start: Int) -> (RecipeParameter, end: Int)? {
        for (kind, word) in words where text[start...].starts(with: word) {
            let digits = text[(start + word.count)...].prefix(7).prefix(while: \.isDigit)
            guard digits.count <= 6, digits.first != UInt8(ascii: "0"),
                let number = Int(String(decoding: digits, as: UTF8.self))
            else { return nil }
            return (RecipeParameter(kind, number), digits.endIndex)
        }
        return nil
    }
}

extension DataClass {
    /// What it is called in the name of a parameter. No name is shorter than a key of a provider, so that the first look sees it.
    fileprivate var parameterWord: String {
        switch self {
        case .email: "EMAIL"
        case .phone: "PHONE"
        case .paymentCard: "PAYMENT_CARD"
        case .iban: "BANK_ACCOUNT"
        case .secret: "SECRET"
        }
    }
}

extension RecipeFormat {
    /// What has to be filled in before a recipe runs, in the order of classes and numbers.
    ///
    /// Throws ``RecipeParameterError/unreadable`` for what is no recipe of this format. Complexity: O(bytes).
    public func parameters(of recipe: [UInt8], limits: JSONTokens.Limits = .init()) throws(RecipeParameterError)
        -> [RecipeParameter]
    {
        let found = try reader(of: recipe, limits).pieces.flatMap {
            RecipeParameter.find(in: $0.bytes).map(\.parameter)
        }
        let order = Dictionary(uniqueKeysWithValues: DataClass.allCases.enumerated().map { ($0.element, $0.offset) })
        return Set(found).sorted { (order[$0.kind, default: 0], $0.number) < (order[$1.kind, default: 0], $1.number) }
    }

    /// A recipe with values in the place of its parameters, each written as the place where it stands asks for; those without a value stay.
    ///
    /// A value has 1 to 1,024 bytes of UTF-8 and no control characters, quotes, backslashes, `#{`, `${` or braces in pairs, and does not
    /// begin with `=`: it is text wherever it stands, never code. Throws ``RecipeParameterError``, which never shows a value.
    /// Complexity: O(bytes).
    public func fill(
        _ values: [RecipeParameter: String], in recipe: [UInt8], limits: JSONTokens.Limits = .init()
    ) throws(RecipeParameterError) -> [UInt8] {
        for (parameter, value) in values where !Self.isText(value) { throw .notText(parameter) }
        let reader = try reader(of: recipe, limits)
        var edits = EditTree(reader, recipe)
        var unknown = Set(values.keys)
        for piece in reader.pieces where piece.joints.isEmpty && !piece.isWhole {
            for (parameter, range) in RecipeParameter.find(in: piece.bytes) {
                guard let value = values[parameter] else { continue }
                unknown.remove(parameter)
                let match = Match(kind: parameter.kind, range: range, score: 1, rule: "")
                edits.add(match, in: piece, replacement: Array(value.utf8))
            }
        }
        if let parameter = unknown.min(by: { $0.description < $1.description }) { throw .notInRecipe(parameter) }
        let filled = EditTree.splice(recipe, edits.resolved())
        var roomy = limits
        roomy.bytes = max(limits.bytes, filled.count)
        let after = try self.reader(of: filled, roomy)
        guard !edits.isTangled, after.shape == reader.shape, after.references == reader.references,
            after.pills == reader.pills, Renaming.keepsReferences(reader, after)
        else { throw .unreadable }
        return filled
    }

    private func reader(of recipe: [UInt8], _ limits: JSONTokens.Limits) throws(RecipeParameterError) -> DocumentReader
    {
        do throws(ReadFailure) {
            return try DocumentReader(recipe, format: self, limits: limits, isThorough: true)
        } catch {
            throw .unreadable
        }
    }

    /// Whether a value is text wherever it is put.
    private static func isText(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        guard (1...1024).contains(bytes.count), bytes[0] != UInt8(ascii: "=") else { return false }
        let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F && !"\"'`\\".utf8.contains($0) }
        return isPlain
            && !zip(bytes, bytes.dropFirst()).contains { first, second in
                second == UInt8(ascii: "{") && "#${".utf8.contains(first)
                    || first == UInt8(ascii: "}") && second == first
            }
    }
}

/// Why a recipe's parameters were not filled in.
public enum RecipeParameterError: Error, Hashable, Sendable {
    /// It is no recipe of this format, or would no longer be one.
    case unreadable
    /// The recipe has no such parameter.
    case notInRecipe(RecipeParameter)
    /// The value could be read as something else than text, or is empty or longer than 1,024 bytes.
    case notText(RecipeParameter)
}

extension RecipeParameterError: CustomStringConvertible {
    /// What is wrong and what to do; without the value.
    public var description: String {
        switch self {
        case .unreadable:
            "this is no recipe of the format, or would no longer be one; ask for its format, and fill in what was published"
        case .notInRecipe(let parameter): "the recipe has no \(parameter); ask for its parameters"
        case .notText(let parameter):
            "the value for \(parameter) is empty, too long, or has signs by which it could be code; put it into the recipe in its editor"
        }
    }
}
