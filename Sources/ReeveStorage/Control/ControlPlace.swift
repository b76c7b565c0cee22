// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Where the head of a tree over authenticated records lies: one for each partition, and further ones by name, so that changes of what
/// has nothing to do with each other need not follow one another.
package struct ControlPlace: Hashable, Sendable {
    let partition: Partition
    /// `nil` for the partition's own tree.
    let name: String?
    /// The key of the head.
    let head: Key

    /// The tree of a partition, or a further one in it.
    package init(_ partition: Partition, _ name: String? = nil) {
        self.partition = partition
        self.name = name
        head = Self.key(partition, name, 0)
    }

    /// The key of a node of the tree.
    func node(_ number: Int64) -> Key { number == 0 ? head : Self.key(partition, name, number) }

    private static func key(_ partition: Partition, _ name: String?, _ number: Int64) -> Key {
        Key(partition, [.text(ControlNode.table)] + (name.map { [.text($0)] } ?? []) + [.integer(number)])
    }

    /// The place of one of several trees of a name.
    init(_ partition: Partition, _ name: String, of count: Int, holding id: String) {
        let hash = id.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        self.init(partition, "\(name)/\(hash % UInt64(max(1, count)))")
    }

    package static func == (left: Self, right: Self) -> Bool { left.head == right.head }
    package func hash(into hasher: inout Hasher) { hasher.combine(head) }

    /// Which trees the records of a table lie in.
    package enum Trees: Hashable, Sendable {
        /// The partition's.
        case partition
        /// A further one of a name.
        case named(String)
        /// One for each first id, as for each company.
        case firstID
        /// So many further ones of a name: a record is in the one that its first id says, so that a table of many records has little to wait for.
        case spread(String, over: Int)
    }
}
