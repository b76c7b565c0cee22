// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A part of a recipe file, and what the values under each key in it are for.
///
/// The nearest listed key above a value decides, at any depth of the zone; a value under none has the role
/// ``otherwise``. A key that enters another zone starts anew there. Arrays, and documents that are packed into strings,
/// are looked through.
public struct RoleZone: Hashable, Sendable, Codable {
    /// The zone's name, by which others are entered into it.
    public var name: String
    /// The role of what no listed key decides.
    public var otherwise: PathRole
    /// The role of the keys themselves: `structural`, or `reference` where they are names of parts.
    public var names: PathRole
    /// Keys by the role of their values.
    public var roles: [PathRole: Set<String>]
    /// Keys whose values are names by which references speak of a part: when a name changes, they change with it.
    public var defining: Set<String>
    /// Keys by the zone that their values are in; `*` is every key that is not listed.
    public var entries: [String: String]
    /// Keys that name a version of the format, with the values that are known, as they are written without quotes. A document with
    /// another one is not published.
    public var versions: [String: Set<String>]
    /// Keys by which an author keeps a recipe private: it is, unless `false` or `null` stands there.
    public var privacy: Set<String>

    /// A zone of a format's table.
    public init(
        _ name: String, otherwise: PathRole = .literal, names: PathRole = .structural,
        roles: [PathRole: Set<String>] = [:], defining: Set<String> = [], entries: [String: String] = [:],
        versions: [String: Set<String>] = [:], privacy: Set<String> = []
    ) {
        self.name = name
        self.otherwise = otherwise
        self.names = names
        self.roles = roles
        self.defining = defining
        self.entries = entries
        self.versions = versions
        self.privacy = privacy
    }
}

extension RoleZone {
    /// Reads a zone; what is left out but the name is as in ``init(_:otherwise:names:roles:defining:entries:versions:privacy:)``.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try values.decode(String.self, forKey: .name),
            otherwise: try values.decodeIfPresent(PathRole.self, forKey: .otherwise) ?? .literal,
            names: try values.decodeIfPresent(PathRole.self, forKey: .names) ?? .structural,
            roles: try values.decodeIfPresent([PathRole: Set<String>].self, forKey: .roles) ?? [:],
            defining: try values.decodeIfPresent(Set<String>.self, forKey: .defining) ?? [],
            entries: try values.decodeIfPresent([String: String].self, forKey: .entries) ?? [:],
            versions: try values.decodeIfPresent([String: Set<String>].self, forKey: .versions) ?? [:],
            privacy: try values.decodeIfPresent(Set<String>.self, forKey: .privacy) ?? [])
    }
}

/// The zones of a format, ready to be looked up: O(1) for each key.
struct RoleTable: Hashable, Sendable {
    /// Where a value stands: its zone and its role.
    struct Place: Hashable, Sendable {
        fileprivate let zone: Int
        let role: PathRole
        /// The role of the keys of an object that stands here.
        let names: PathRole
        /// Whether it is a name by which references speak of a part.
        var isName = false
        /// Whether it is a version, see ``RoleTable/knows(_:at:)``; the key's number in its table.
        var version: Int?
        /// Whether it keeps a recipe private.
        var isPrivacy = false
    }

    private struct Row: Hashable {
        var role: PathRole?
        var zone: Int?
        var isName = false
        var version: Int?
        var isPrivacy = false
    }

    /// The rows of a zone, and what is for every key that has none.
    private struct Rows: Sendable {
        let byKey: KeyTable<Row>
        let otherwise: Row?
    }

    let zones: [RoleZone]
    private let rows: [Rows]
    /// For each zone the role of its values and that of its keys.
    private let defaults: [(role: PathRole, names: PathRole)]
    /// The known values of each key that names a version.
    private let versions: [Set<String>]
    private static let every = "*"

    /// A table whose first zone is the document's; throws when a key has two roles, a name is used twice or is missing.
    init(_ zones: [RoleZone]) throws(RoleTableError) {
        guard !zones.isEmpty else { throw .noZones }
        var numbers: [String: Int] = [:]
        for (number, zone) in zones.enumerated() {
            guard numbers.updateValue(number, forKey: zone.name) == nil else { throw .zoneTwice(zone.name) }
        }
        self.zones = zones
        var all: [Rows] = []
        var versions: [Set<String>] = []
        for zone in zones {
            var rows: [String: Row] = [:]
            for (role, keys) in zone.roles {
                for key in keys {
                    guard rows[key] == nil else { throw .keyTwice(key, zone: zone.name) }
                    rows[key] = Row(role: role)
                }
            }
            for key in zone.defining { rows[key, default: Row()].isName = true }
            for key in zone.privacy { rows[key, default: Row()].isPrivacy = true }
            for (key, name) in zone.entries {
                guard let number = numbers[name] else { throw .unknownZone(name) }
                rows[key, default: Row()].zone = number
            }
            for (key, known) in zone.versions {
                rows[key, default: Row()].version = versions.count
                versions.append(known)
            }
            all.append(Rows(byKey: KeyTable(rows), otherwise: rows[Self.every]))
        }
        rows = all
        self.versions = versions
        defaults = zones.map { ($0.otherwise, $0.names) }
    }

    /// The place of the document's root.
    var root: Place { place(0, nil) }

    /// The place of the value of the key in a part of a text, with the ``JSONScanner/hash(of:)`` of it, in an object at a place.
    func place(of text: [UInt8], _ range: Range<Int>, _ hash: UInt64, in place: Place) -> Place {
        guard let row = rows[place.zone].byKey.value(of: text, range, hash) ?? rows[place.zone].otherwise else {
            return place
        }
        let inherited = row.zone == nil ? place.role : nil
        var inside = self.place(row.zone ?? place.zone, row.role ?? inherited)
        inside.isName = row.isName
        inside.version = row.version
        inside.isPrivacy = row.isPrivacy
        return inside
    }

    /// Whether a value at a place is no version, or a known one.
    func knows(_ value: [UInt8], at place: Place) -> Bool {
        place.version.map { versions[$0].contains(String(decoding: value, as: UTF8.self)) } ?? true
    }

    private func place(_ zone: Int, _ role: PathRole?) -> Place {
        Place(zone: zone, role: role ?? defaults[zone].role, names: defaults[zone].names)
    }

    static func == (left: Self, right: Self) -> Bool { left.zones == right.zones }
    func hash(into hasher: inout Hasher) { hasher.combine(zones) }
}

/// What is wrong with a table of roles.
public enum RoleTableError: Error, Hashable, Sendable {
    /// There is no zone.
    case noZones
    /// Two zones have this name.
    case zoneTwice(String)
    /// A key has two roles in one zone.
    case keyTwice(String, zone: String)
    /// A key enters a zone that there is none of.
    case unknownZone(String)
}

extension RoleTableError: CustomStringConvertible {
    /// What is wrong and where.
    public var description: String {
        switch self {
        case .noZones: "a table of roles has at least one zone, the document's"
        case .zoneTwice(let name): "two zones are called `\(name)`"
        case .keyTwice(let key, let zone): "the key `\(key)` has two roles in zone `\(zone)`"
        case .unknownZone(let name): "a key enters zone `\(name)`, which the table does not have"
        }
    }
}
