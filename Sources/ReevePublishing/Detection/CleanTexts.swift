// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Texts in which the detectors found nothing: where they stand once more, also in the output, the answer is the same.
struct CleanTexts {
    /// All that the detectors know of a text.
    private struct Text: Hashable {
        let bytes: [UInt8]
        let key: [UInt8]?
        let label: [UInt8]?
        let role: PathRole
        let isNumber, isKey, isInCode: Bool

        init(_ piece: TextPiece) {
            (bytes, key, label, role) = (
                piece.bytes, piece.path.lastKey.map { Array($0.utf8) }, piece.label, piece.role
            )
            (isNumber, isKey, isInCode) = (piece.isNumber, piece.isKey, piece.isInCode)
        }

        func hash(into hasher: inout Hasher) {
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            hasher.combine(key)
        }
    }

    private var known: Set<Text> = []
    /// More are not kept.
    private static let most = 100_000

    /// Whether nothing is in a piece.
    func contains(_ piece: TextPiece) -> Bool { piece.joints.isEmpty && known.contains(Text(piece)) }

    /// Keeps a piece in which nothing is, not even a stand-in.
    mutating func insert(_ piece: TextPiece) {
        if piece.joints.isEmpty, known.count < Self.most { known.insert(Text(piece)) }
    }
}
