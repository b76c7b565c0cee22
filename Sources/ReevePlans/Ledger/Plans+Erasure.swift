// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveAccess
package import ReeveModel
import ReeveStorage

/// What is counted of a company, as a place of personal data.
extension Plans {
    /// The place that has what a company was charged, granted and offered as one record.
    package static let location = "plans"

    /// Whether a company has a status that is not a former one's.
    package func isCustomer(_ company: Identifier<Company>) async throws(PlanError) -> Bool {
        try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            try await facts(of: company, in: &transaction)?.status.map { $0 != .former } ?? false
        }
    }

    /// Removes what a company that has left was charged, granted, offered and counted. That it is a former one, and by which word of the host's, stays: a word from before must not make it a
    /// customer again. ``PlanError/Code/companyActive`` for a company that is one: nothing of it goes.
    package func erase(_ erasure: borrowing Erasure) async throws(PlanError) -> ErasureOutcome {
        let company = Identifier<Company>(of: erasure.record, at: Self.location)
        guard authority.accepts(erasure, at: Self.location), erasure.context.scope == .platform else {
            throw PlanError(AccessError(.wrongResource))
        }
        let hadFacts = try await whileFormer(company) { (transaction, facts) throws(PlanError) in
            guard let facts, facts != facts.bare else { return false }
            try await tables.facts.write(facts.bare, .platform, [company.description], in: &transaction)
            return true
        }
        var isThere = false
        for table in [ChargeRecord.table.name, EndedAdmission.table.name, QuotaPool.table.name, PaceRecord.table.name] {
            let range = KeyRange(under: Key(.platform, [.text(table), .text(company.description)]))
            while true {
                let page = try await storing { () throws(StoreError) in
                    try await store.records(in: range, limit: 60).map(\.key)
                }
                let removed = try await whileFormer(company) { (transaction, _) throws(PlanError) in
                    for key in page { transaction.delete(key) }
                    return !page.isEmpty
                }
                guard removed else { break }
                isThere = true
            }
        }
        let proposals = try await storing { () throws(StoreError) in
            try await tables.proposals.readAll(.platform, [company.description], in: store).map(\.value)
        }
        for proposal in proposals {
            isThere = true
            _ = try await whileFormer(company) { (transaction, _) throws(PlanError) in
                try await tables.proposals.delete(.platform, Self.ids(proposal), in: &transaction)
                return true
            }
        }
        let hadAccount = try await whileFormer(company) { (transaction, _) throws(PlanError) in
            let ids = [company.description]
            guard try await knownAccounts.read(ids, in: &transaction) != nil else { return false }
            try await tables.accounts.delete(.platform, ids, in: &transaction)
            return true
        }
        return isThere || hadFacts || hadAccount ? .erased : .nothingThere
    }

    /// Whether what was counted of a company is erased.
    func isErased(
        _ company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Bool {
        do throws(PlanError) {
            return try await facts(of: company, in: &transaction)?.isErased ?? false
        } catch {
            guard case .malformed? = error.store else { throw error }
            // What cannot be read keeps nothing from being counted.
            return false
        }
    }

    /// Does something in a transaction in which the company has left.
    private func whileFormer(
        _ company: Identifier<Company>,
        _ body: (inout Transaction<PlanError>, CompanyFacts?) async throws(PlanError) -> Bool
    ) async throws(PlanError) -> Bool {
        try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let facts = try await facts(of: company, in: &transaction)
            guard facts?.status ?? .former == .former else { throw PlanError(.companyActive) }
            return try await body(&transaction, facts)
        }
    }

    private func storing<Value>(_ body: () async throws(StoreError) -> Value) async throws(PlanError) -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            throw PlanError(error)
        }
    }
}
