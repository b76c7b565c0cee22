// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// Who was given data, as it was written down.
extension Privacy {
    /// Who was given data about a subject, and which, by time. Complexity: O(n · log n), n the disclosures of the subject.
    public func disclosures(
        of subject: Identifier<DataSubject>, towards role: DataRole = .controller
    ) async throws(PrivacyError) -> [Disclosure] {
        do throws(StoreError) {
            let ids = Chooser(subject, towards: role).ids
            return try await tables.disclosures.readAll(.platform, ids, in: authority.store).sorted { $0.at < $1.at }
        } catch {
            throw PrivacyError(error)
        }
    }

    /// What was given to others in a calendar year, on the holder's own account or on a customer's, for purposes that have anything in common with one, or for any: for
    /// marketing it is what Californian law lets people ask for (clause P13.1). Usage data about groups is in none, companies of the group are.
    ///
    /// Complexity: O(recipients · purposes · categories of the year), however many disclosures there were.
    public func sharing(
        in year: Int, for purpose: Purpose? = nil, towards role: DataRole = .controller
    ) async throws(PrivacyError) -> SharingReport {
        let all: [PrivacyTables.Shared]
        do throws(StoreError) {
            all = try await tables.shared.readAll(.platform, [String(year), role.text], in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
        let rows = all.filter { purpose?.overlaps($0.purpose) ?? true }.flatMap { shared in
            shared.categories.map {
                SharingReport.Row(category: $0, recipient: shared.recipient, purpose: shared.purpose)
            }
        }
        let names = Set(rows.compactMap(\.recipient.name))
        return SharingReport(
            year: year, rows: rows, addresses: settings.registers.addresses.filter { names.contains($0.key) })
    }

    /// Writes down that somebody was given data, and that somebody was in that year.
    func write(
        _ disclosure: Disclosure, of chooser: Chooser, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) {
        try tables.disclosures.insert(
            disclosure, .platform, chooser.ids + [disclosure.id.description], in: &transaction)
        // Nobody else is told of whom a subject authorised. Keys show in errors.
        let recipient = Recipient(disclosure.recipient.kind, disclosure.recipient.tellableName)
        var name = CanonicalBytes(label: "reeve/privacy/recipient/1")
        name.add(recipient.name)
        let digest: Digest
        do {
            digest = try Digest(of: name)
        } catch {
            throw PrivacyError(.cryptoFailed)
        }
        let ids = [
            String(disclosure.at.day.components.year), chooser.role.text, recipient.kind.rawValue, digest.description,
            disclosure.purpose.description,
        ]
        let known = try await tables.shared.read(.platform, ids, in: &transaction)?.categories ?? []
        let all = Set(known).union(disclosure.categories)
        guard all.count > known.count else { return }
        let shared = PrivacyTables.Shared(
            recipient: recipient, purpose: disclosure.purpose,
            categories: all.sorted { $0.description < $1.description })
        try await tables.shared.write(shared, .platform, ids, in: &transaction)
    }
}
