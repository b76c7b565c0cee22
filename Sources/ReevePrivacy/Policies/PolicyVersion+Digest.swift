// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveCrypto
public import ReeveModel

extension PolicyVersion {
    /// The digest of the version: equal for versions that say the same under the same name, in whatever order.
    ///
    /// Throws for a version with conditions that are too large to be written, which ``compile()`` refuses as well. Complexity: O(size).
    public func digest() throws(PrivacyDefects) -> Digest {
        var version = self
        version.rules.sort { $0.name < $1.name }
        for index in version.rules.indices {
            version.rules[index].clauses = Set(version.rules[index].clauses).sorted { $0.description < $1.description }
        }
        version.quasiIdentifiers.sort {
            $0.map(\.description).sorted().lexicographicallyPrecedes($1.map(\.description).sorted())
        }
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var encoding = CanonicalBytes(label: "reeve/privacy/policy/1")
            encoding.add(try Array(encoder.encode(version)))
            return try Digest(of: encoding)
        } catch {
            throw PrivacyDefects(lines: ["a condition is too large to be written, or the crypto engine failed"])
        }
    }
}
