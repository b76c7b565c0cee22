// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Which companies control which, by the host's own names for them (clause P2i.4).
///
/// A value for one time; what was so when is for a `Timeline` of them to say.
public struct CorporateGroup: Hashable, Sendable, Codable {
    /// The company that holds the data.
    public let own: String
    private var parents: [String: Set<String>] = [:]

    /// A group of one.
    public init(own: String) {
        self.own = own
    }

    /// Notes that a company controls another.
    public mutating func add(_ parent: String, controls child: String) {
        parents[child, default: []].insert(parent)
    }

    /// Notes that a company does not control another any more.
    public mutating func remove(_ parent: String, controls child: String) {
        parents[child]?.remove(parent)
        if parents[child]?.isEmpty == true { parents[child] = nil }
    }

    /// Whether a company is of the group: it controls the holder, is controlled by it, or both are controlled by the same, over however many
    /// companies. Who else has a part in a company of the group is not of it. Complexity: O(companies).
    public func isMember(_ name: String) -> Bool {
        let above = ancestors(of: own)
        return name == own || above.contains(name) || !ancestors(of: name).isDisjoint(with: above.union([own]))
    }

    private func ancestors(of name: String) -> Set<String> {
        var (found, open): (Set<String>, [String]) = ([], [name])
        while let next = open.popLast() {
            for parent in parents[next] ?? [] where found.insert(parent).inserted { open.append(parent) }
        }
        return found
    }
}
