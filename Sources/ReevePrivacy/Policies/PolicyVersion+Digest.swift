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
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var encoding = CanonicalBytes(label: "reeve/privacy/policy/1")
            encoding.add(name)
            encoding.addSet(taxonomy.categories)
            encoding.addSet(taxonomy.purposes)
            let known = quasiIdentifiers.map { $0.map(\.description).sorted() }.sorted {
                $0.lexicographicallyPrecedes($1)
            }
            encoding.addList(known) { encoding, set in encoding.addList(set) { $0.add($1) } }
            encoding.addList(regions.sorted { $0.key < $1.key }) { encoding, region in
                encoding.add(region.key)
                encoding.addSet(region.value)
            }
            encoding.addOptionalSet(knownRegions)
            for rule in rules.sorted(by: { $0.name < $1.name }) {
                encoding.add(rule.name.description)
                encoding.add(rule.effect.rawValue)
                encoding.add(rule.scope)
                encoding.add(try Array(encoder.encode(rule.when)))
                encoding.addSet(rule.duties)
                encoding.addSet(Set(rule.clauses))
            }
            return try Digest(of: encoding)
        } catch let error as PrivacyDefects {
            throw error
        } catch {
            throw PrivacyDefects(lines: [
                "the version cannot be written: a condition is too large, or the crypto engine failed"
            ])
        }
    }
}

extension CanonicalBytes {
    fileprivate mutating func addSet(_ values: Set<some TextCodable>) {
        addList(values.map(\.description).sorted()) { $0.add($1) }
    }

    fileprivate mutating func addOptionalSet(_ values: Set<some TextCodable>?) {
        if let values { addSet(values) } else { add(String?.none) }
    }

    private mutating func addOptionalNames<Name: RawRepresentable<String>>(_ values: Set<Name>?) {
        if let values { addList(values.map(\.rawValue).sorted()) { $0.add($1) } } else { add(String?.none) }
    }

    fileprivate mutating func add(_ scope: UseScope) {
        addOptionalSet(scope.categories)
        addOptionalSet(scope.purposes)
        addOptionalNames(scope.operations)
        addOptionalNames(scope.recipients)
        addOptionalNames(scope.origins)
        addOptionalNames(scope.relationships)
        addOptionalNames(scope.roles)
        add(scope.identifiability?.rawValue)
    }
}
