// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What is decided by a value's role alone.
extension DocumentReader {
    /// Roles of texts in which the name of a connection's file, all by itself, is a credential's.
    static let textRoles: Set<PathRole> = [.label, .literal, .comment, .schema]

    /// The role of a value that was read.
    func role(of value: TextPiece, at place: RoleTable.Place) -> PathRole {
        let isConnection =
            format.language == .workato && !value.isNumber && Surrogates.isConnectionFile(value.bytes[...])
            && Self.textRoles.contains(place.role)
        return isConnection ? .credential : place.role
    }

    /// Where a connection's file is named that has no stand-in's name; the root where only the document as a whole shows it.
    func namedConnection(in document: [UInt8]) -> JSONPath? {
        guard format.language == .workato else { return nil }
        if let (path, _) = decoded.first(where: { Surrogates.namesConnection($0.bytes) }) { return path }
        return Surrogates.namesConnection(document) ? JSONPath() : nil
    }

    /// Whether a value at a key of privacy says that a recipe is not kept private.
    func isPublic(_ token: JSONTokens.Token, _ piece: TextPiece) -> Bool {
        token.kind == .literal && ["false", "null"].contains { piece.bytes[token.range].elementsEqual($0.utf8) }
    }

    /// Notes a string or a number that goes by its role, unless it is what would be left of it.
    ///
    /// Of the name of a connection's file only the stem goes: its folder stands elsewhere, too.
    mutating func drop(_ value: TextPiece) {
        let isLeft = value.isNumber ? value.bytes == [UInt8(ascii: "0")] : value.bytes.isEmpty
        guard !isLeft else { return }
        var part = 0..<value.bytes.count
        if value.role == .credential, !value.isNumber {
            part = Surrogates.connectionStem(of: value.bytes)
            var folder = value.part(0..<part.lowerBound)
            folder.isDropped = false
            add(folder)
            if let name = Surrogates.connection(from: value.bytes[part]) {
                connections.insert(name)
                return
            }
        }
        drops.append(
            RoleDrop(
                path: value.path, role: value.role, span: value.source(part),
                text: value.isNumber ? nil : Array(value.bytes[part]), isNumber: value.isNumber,
                isFile: part.count < value.bytes.count, seal: value.seal))
    }
}
