// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What is asked of every text, before anything is copied.
extension RecipeFormat.Language {
    /// Whether a text is the name of a connection's file, as it stands; one with escapes in it is read anyway.
    func namesConnection(_ token: JSONTokens.Token, in piece: TextPiece, _ role: PathRole) -> Bool {
        guard self == .workato, token.kind == .string else { return false }
        // Most texts end otherwise.
        guard let last = token.content.last, piece.bytes[last] | 0x20 == UInt8(ascii: "n") else { return false }
        return Surrogates.isConnectionFile(piece.bytes[token.content]) && DocumentReader.textRoles.contains(role)
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
