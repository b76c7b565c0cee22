// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// The categories and purposes that a policy knows, as trees of dotted paths.
///
/// A path that has others below it stands for all of them: what is asked about it is asked about each leaf. A path that is not in the taxonomy is
/// permitted nothing, and what its nearest known ancestor is forbidden it is forbidden, too: so a host that has a category of its own adds it.
public struct Taxonomy: Hashable, Sendable, Codable {
    /// The categories of data; those above them are known, too.
    public var categories: Set<DataCategory>
    /// The purposes; those above them are known, too.
    public var purposes: Set<Purpose>

    /// A taxonomy.
    public init(categories: Set<DataCategory>, purposes: Set<Purpose>) {
        self.categories = categories
        self.purposes = purposes
    }

    /// Writes the taxonomy, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sorted: categories, forKey: .categories)
        try container.encode(sorted: purposes, forKey: .purposes)
    }
}

/// One dimension of a taxonomy, with numbers for its leaves.
struct PathTree: Sendable {
    /// The leaves under each known path: a leaf's own number for a leaf.
    private let leavesUnder: [Path: [Int]]
    /// The leaves, in order.
    let leaves: [Path]

    init(_ paths: Set<Path>) {
        var known: Set<Path> = []
        for path in paths {
            for length in 1...path.elements.count {
                if let start = path.prefix(length) { known.insert(start) }
            }
        }
        let sorted = known.sorted()
        // Whatever lies below a path comes right after it.
        leaves = sorted.indices.filter { $0 + 1 == sorted.count || !sorted[$0].contains(sorted[$0 + 1]) }.map {
            sorted[$0]
        }
        var under: [Path: [Int]] = [:]
        for (number, leaf) in leaves.enumerated() {
            for length in 1...leaf.elements.count {
                if let start = leaf.prefix(length) { under[start, default: []].append(number) }
            }
        }
        leavesUnder = under
    }

    /// The leaves that a path stands for; `nil` for one that is not known.
    func leaves(of path: Path) -> [Int]? { leavesUnder[path] }

    /// The leaves of the nearest known ancestor; none where there is none.
    func leavesAround(_ path: Path) -> [Int] {
        for length in stride(from: path.elements.count - 1, to: 0, by: -1) {
            if let start = path.prefix(length), let found = leavesUnder[start] { return found }
        }
        return []
    }
}
