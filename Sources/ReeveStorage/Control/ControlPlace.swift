// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Where the head of a tree over authenticated records lies: one for each partition, and further ones by name, so that changes of what
/// has nothing to do with each other need not follow one another.
package struct ControlPlace: Hashable, Sendable {
    let partition: Partition
    /// `nil` for the partition's own tree.
    let name: String?

    /// The tree of a partition, or a further one in it.
    package init(_ partition: Partition, _ name: String? = nil) {
        self.partition = partition
        self.name = name
    }

    /// Which trees the records of a table lie in.
    package enum Trees: Hashable, Sendable {
        /// The partition's.
        case partition
        /// A further one of a name.
        case named(String)
        /// One for each first id, as for each company.
        case firstID
    }
}
