// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension Region {
    /// This region and those that it is a part of by its code, the widest first: `de`, `de-by`.
    private var wider: [Region] {
        let parts = description.split(separator: "-")
        return parts.indices.compactMap { Region(parts[...$0].joined(separator: "-")) }
    }

    /// Whether it, or one that it is a part of, is one of several.
    func isIn(_ regions: Set<Region>) -> Bool { regions.contains(self) || wider.contains(where: regions.contains) }
}
