// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// The path of a file in a package.
struct PackagePath {
    private let parts: [[UInt8]]

    /// A path that stays in the package and is one on every system; `nil` for any other.
    init?(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy(Self.isName) else { return nil }
        self.parts = parts.map { Array($0.utf8) }
    }

    /// Whether a part names a file or folder everywhere: no device of Windows, nothing hidden, no sign that some system reads otherwise, and
    /// none that is not seen or looks like a slash or a dot.
    private static func isName(_ part: Substring) -> Bool {
        guard (1...255).contains(part.utf8.count), let first = part.unicodeScalars.first,
            let last = part.unicodeScalars.last,
            !" .~".unicodeScalars.contains(first), !" .".unicodeScalars.contains(last)
        else { return false }
        let stem = part.prefix { $0 != "." }.uppercased().filter { $0 != " " }
        guard !devices.contains(stem) else { return false }
        return part.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default:
                !"\\:*?\"<>|\u{2024}\u{2025}\u{2026}\u{2044}\u{2215}\u{29F8}\u{FF0E}\u{FF0F}\u{FF3C}".unicodeScalars
                    .contains(scalar)
            }
        }
    }

    private static let devices: Set<String> = Set(
        ["CON", "PRN", "AUX", "NUL"] + (0...9).flatMap { ["COM\($0)", "LPT\($0)"] }
            + "¹²³".flatMap { ["COM\($0)", "LPT\($0)"] })

    /// The paths that a file system could take for another of them, or for a folder of another.
    static func shared(_ paths: [String]) -> Set<String> {
        let folded = paths.map { $0.uppercased().lowercased() }
        let files = folded.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        var folders: Set<String> = []
        for path in folded {
            let parts = path.split(separator: "/")
            for count in 1..<max(parts.count, 1) { folders.insert(parts[..<count].joined(separator: "/")) }
        }
        var shared: Set<String> = []
        for (path, name) in zip(paths, folded) where files[name] != 1 || folders.contains(name) { shared.insert(path) }
        return shared
    }

    /// Stand-ins that stand in it already.
    var standIns: [String] {
        parts.flatMap { part -> [String] in
            let found = Detection.scan(TextPiece(text: String(decoding: part, as: UTF8.self))).surrogates.map(\.text)
            return found + (Surrogates.connection(from: part[Surrogates.connectionStem(of: part)]).map { [$0] } ?? [])
        }
    }

    /// The path without what is found in it; `nil` when something cannot be replaced, or shows only in another reading of it.
    func scrubbed(_ pool: inout Surrogates, by rules: SearchRules) -> String? {
        var scrubbed: [[UInt8]] = []
        for part in parts {
            let stem = Surrogates.connectionStem(of: part)
            if stem.count < part.count {
                // As in the recipes that refer to it.
                let isStandIn = Surrogates.connection(from: part[stem]) != nil
                let name = isStandIn ? Array(part[stem]) : pool.connection(Array(part[stem]), isFile: true)
                scrubbed.append(name + part[stem.upperBound...])
                continue
            }
            guard let text = Self.scrubbed(part, &pool, rules) else { return nil }
            scrubbed.append(text)
        }
        let path = String(decoding: Array(scrubbed.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
        let isClean = !Reading.finds(path, by: rules) && !Surrogates.namesConnection(Array(path.utf8))
        return isClean && !isSpread(rules) ? path : nil
    }

    /// Whether something shows only where the parts are read as one: `4539/1488/0343/6467`.
    private func isSpread(_ rules: SearchRules) -> Bool {
        var (whole, shown): ([UInt8], [Range<Int>]) = ([], [])
        for part in parts {
            let found = Detection.scan(TextPiece(text: String(decoding: part, as: UTF8.self)), by: rules)
            shown += (found.matches.map(\.range) + found.surrogates.map(\.range)).map {
                whole.count + $0.lowerBound..<whole.count + $0.upperBound
            }
            whole += part
        }
        let found = Detection.scan(TextPiece(text: String(decoding: whole, as: UTF8.self)), by: rules)
        return found.matches.contains { match in !shown.contains { $0.overlaps(match.range) } }
    }

    private static func scrubbed(_ part: [UInt8], _ pool: inout Surrogates, _ rules: SearchRules) -> [UInt8]? {
        let found = Detection.scan(TextPiece(text: String(decoding: part, as: UTF8.self)), by: rules)
        var (text, position): ([UInt8], Int) = ([], 0)
        for match in found.matches.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard match.score >= Match.replaceFrom, match.range.lowerBound >= position,
                let standIn = pool.replacement(for: match.kind, match.text, isNumber: false)
            else { return nil }
            text += part[position..<match.range.lowerBound] + standIn
            position = match.range.upperBound
        }
        return text + part[position...]
    }
}
