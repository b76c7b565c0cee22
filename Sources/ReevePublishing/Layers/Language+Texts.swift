// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What is asked of every text, before anything is copied.
extension RecipeFormat.Language {
    /// Whether a text may be the name of a connection's file. A label with escapes may be; another text with them is looked at as a whole
    /// in the end.
    func mayNameConnection(_ token: JSONTokens.Token, in piece: TextPiece, _ role: PathRole) -> Bool {
        guard self == .workato, token.kind == .string else { return false }
        // Most texts end otherwise.
        let mayBeFile = token.content.last.map { piece.bytes[$0] | 0x20 == UInt8(ascii: "n") } ?? false
        guard mayBeFile || token.hasEscapes else { return false }
        if Surrogates.isConnectionFile(piece.bytes[token.content]) { return DocumentReader.textRoles.contains(role) }
        return role == .label && token.hasEscapes
    }

    /// What a value is written in; `nil` when it is source code, which is always read.
    func writing(of token: JSONTokens.Token, in piece: TextPiece, _ role: PathRole) -> TextScreen.Writing? {
        guard token.kind == .string else { return .text }
        switch self {
        case .none: return .text
        case .workato: return role == .code ? nil : .workato
        case .n8n:
            guard role != .code else { return nil }
            // An empty one begins with its closing quote.
            let isTemplate = piece.isTemplate || piece.bytes[token.content.lowerBound] == UInt8(ascii: "=")
            return isTemplate ? .template : .text
        }
    }
}
