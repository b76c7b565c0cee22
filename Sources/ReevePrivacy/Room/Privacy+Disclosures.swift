// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
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

    /// What was given to others in a calendar year, for a purpose and all below it, or for any: for marketing it is what Californian law lets people
    /// ask for (clause P13.1). Usage data about groups is in none, companies of the group are.
    ///
    /// Complexity: O(recipients · purposes · categories of the year), however many disclosures there were.
    public func sharing(in year: Int, for purpose: Purpose? = nil) async throws(PrivacyError) -> SharingReport {
        do throws(StoreError) {
            let all = try await tables.shared.readAll(.platform, [String(year)], in: authority.store).map(\.row)
            return SharingReport(year: year, rows: all.filter { purpose?.contains($0.purpose) ?? true })
        } catch {
            throw PrivacyError(error)
        }
    }

    /// Writes down that somebody was given data, and that somebody was in that year.
    func write(
        _ disclosure: Disclosure, of chooser: Chooser, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) {
        try tables.disclosures.insert(
            disclosure, .platform, chooser.ids + [disclosure.id.description], in: &transaction)
        let (recipient, year) = (disclosure.recipient, String(disclosure.at.day.components.year))
        for category in disclosure.categories {
            let ids = [
                year, recipient.kind.rawValue, recipient.name ?? "", disclosure.purpose.description,
                category.description,
            ]
            guard try await tables.shared.read(.platform, ids, in: &transaction) == nil else { continue }
            let row = SharingReport.Row(category: category, recipient: recipient, purpose: disclosure.purpose)
            try tables.shared.insert(.init(row: row), .platform, ids, in: &transaction)
        }
    }
}
