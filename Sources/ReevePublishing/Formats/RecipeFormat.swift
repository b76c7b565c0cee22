// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A kind of recipe file: what each path in it is for, and what its texts are written in.
///
/// A host's own format is a table of roles over plain JSON:
///
///     let format = try RecipeFormat(name: "acme-flow", zones: [
///         RoleZone("flow", roles: [.credential: ["account"], .comment: ["note"], .sample: ["lastRun"]])
///     ])
public struct RecipeFormat: Hashable, Sendable {
    /// What the texts of a format hold besides text.
    enum Language: Hashable, Sendable {
        /// Nothing.
        case none
        /// Ruby formulas (`=…`), interpolations (`#{…}`) and data pills.
        case workato
        /// Templates (`=…{{ }}…`) and source code, in JavaScript or Python.
        case n8n
    }

    /// The format's name, for example `workato`.
    public let name: String
    let language: Language
    private let table: RoleTable

    /// The table of roles; the first zone is the document's.
    public var zones: [RoleZone] { table.zones }

    /// A format of plain JSON, where every text stands for itself.
    public init(name: String, zones: [RoleZone]) throws(RoleTableError) {
        self.name = name
        language = .none
        table = try RoleTable(zones)
    }

    /// One of Reeve's own formats, whose table is known to be right.
    init(_ name: String, _ language: Language, _ zones: [RoleZone]) {
        self.name = name
        self.language = language
        do throws(RoleTableError) {
            table = try RoleTable(zones)
        } catch {
            preconditionFailure("the table of \(name): \(error)")
        }
    }

    /// Any JSON document: every text is a literal.
    public static let plainJSON = RecipeFormat("json", .none, [RoleZone("document")])

    /// What the value at a path is for.
    public func role(of path: JSONPath) -> PathRole {
        path.elements.reduce(table.root) { place, element in
            guard case .key(let key) = element else { return place }
            let text = Array(key.utf8)
            return table.place(of: text, 0..<text.count, JSONScanner.hash(of: text), in: place)
        }.role
    }

    /// Whether a value at a place is no version of the format, or a known one.
    func knows(_ value: [UInt8], at place: RoleTable.Place) -> Bool { table.knows(value, at: place) }

    /// The place of the document's root in the table.
    var root: RoleTable.Place { table.root }

    /// The place of the value of a key in an object at a place.
    func place(of text: [UInt8], _ range: Range<Int>, _ hash: UInt64, in place: RoleTable.Place) -> RoleTable.Place {
        table.place(of: text, range, hash, in: place)
    }
}

extension RecipeFormat: CustomStringConvertible {
    /// The format's name.
    public var description: String { name }
}
