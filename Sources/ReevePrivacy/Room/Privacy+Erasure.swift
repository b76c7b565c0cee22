// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
package import ReeveAccess
package import ReeveModel
import ReeveStorage

/// What subjects chose, as places of personal data: what one chose towards the holder, and what all chose towards a customer.
extension Privacy {
    /// The place that has what a subject chose and agreed to towards the holder as one record.
    package static let choicesLocation = "choices"
    /// The place that has what subjects chose towards a customer as one record.
    package static let customerLocation = "choices.customers"
    private static let batch = 8

    /// Whether a subject chose or answered anything towards the holder.
    package func hasChoices(of subject: Identifier<DataSubject>) async throws(PrivacyError) -> Bool {
        try await history(of: Chooser(subject, towards: .controller)).count > 0
    }

    /// What a subject chose and agreed to towards the holder, as one JSON list; `nil` when that is nothing.
    package func exportChoices(of subject: Identifier<DataSubject>) async throws -> [UInt8]? {
        let events = try await events(of: Chooser(subject, towards: .controller))
        guard !events.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(events))
    }

    /// Erases what a subject chose towards the holder, but for what ended something: that is kept without how it came, since who is forgotten must not get what they opted out of again. So
    /// nothing is allowed afterwards that was not before.
    package func eraseChoices(_ erasure: borrowing Erasure) async throws(PrivacyError) -> ErasureOutcome {
        guard authority.accepts(erasure, at: Self.choicesLocation) else {
            throw PrivacyError(AccessError(.wrongResource))
        }
        let subject = Identifier<DataSubject>(of: erasure.record, at: Self.choicesLocation)
        let chooser = Chooser(subject, towards: .controller)
        let history = try await history(of: chooser)
        let ends = history.ends
        guard history.isMore(than: ends) else { return .nothingThere }
        // They come first again, behind all others, so that at no instant there is one less.
        for event in ends {
            try await withHistory(of: chooser) { transaction, known throws(PrivacyError) in
                try await add(event, to: known, of: chooser, in: &transaction)
            }
        }
        try await erase(chooser, before: history.first + history.count)
        return .erased
    }

    /// Erases all that subjects chose towards a customer: nothing of theirs is held for it any more.
    package func eraseCustomer(_ erasure: borrowing Erasure) async throws(PrivacyError) -> ErasureOutcome {
        guard authority.accepts(erasure, at: Self.customerLocation) else {
            throw PrivacyError(AccessError(.wrongResource))
        }
        let company = Identifier<Company>(of: erasure.record, at: Self.customerLocation)
        var range = KeyRange(under: tables.choosers.key(.platform, [company.description]))
        var isThere = false
        while true {
            let page: [Entry]
            do throws(StoreError) {
                page = try await authority.store.records(in: range, limit: 200)
            } catch {
                throw PrivacyError(error)
            }
            for entry in page {
                guard case .text(let text)? = entry.key.elements?.last, let subject = Identifier<DataSubject>(text)
                else { continue }
                isThere = true
                try await erase(Chooser(subject, towards: .processor(for: company)), before: .max)
            }
            guard page.count == 200, let last = page.last else { return isThere ? .erased : .nothingThere }
            range = range.after(last.key)
        }
    }

    /// Erases the events before a number, the first first, and the count with the last one.
    private func erase(_ chooser: Chooser, before number: Int) async throws(PrivacyError) {
        while true {
            let isDone = try await withHistory(of: chooser) { transaction, history throws(PrivacyError) in
                let end = history.first + history.count
                let next = min(number, end, history.first + Self.batch)
                for event in history.first..<max(next, history.first) {
                    try await tables.events.delete(.platform, chooser.ids(of: event), in: &transaction)
                }
                histories[chooser] = nil
                if next >= end {
                    try await tables.counts.delete(.platform, chooser.ids, in: &transaction)
                    if case .processor(let company) = chooser.role {
                        let ids = [company.description, chooser.subject.description]
                        tables.choosers.delete(.platform, ids, in: &transaction)
                    }
                    return true
                }
                let count = PrivacyTables.Count(events: end, first: max(next, history.first))
                try await tables.counts.write(count, .platform, chooser.ids, in: &transaction)
                return next >= number
            }
            if isDone { return }
        }
    }
}

extension SubjectHistory {
    /// What ended something, each as it was done last, without how it came.
    var ends: [SubjectEvent] {
        struct What: Hashable {
            let act: ChoiceEvent.Act
            let scope: ChoiceScope
        }
        let chosen = choices.filter { !$0.act.allows }.map { event in
            ChoiceEvent(
                event.act, event.scope, by: event.subject, at: event.at, under: event.policy,
                evidence: .init(event.evidence.channel))
        }
        let last = Dictionary(chosen.map { (What(act: $0.act, scope: $0.scope), $0) }) { $0.at < $1.at ? $1 : $0 }
        let answers = Dictionary(acceptances.map { ($0.policy, $0) }) { $0.at <= $1.at ? $1 : $0 }
        return last.values.sorted { ($0.at, $0.act.rawValue) < ($1.at, $1.act.rawValue) }.map(SubjectEvent.choice)
            + answers.values.filter { $0.kind == .declined }.sorted { $0.at < $1.at }.map(SubjectEvent.acceptance)
    }

    /// Whether there is anything but these.
    fileprivate func isMore(than ends: [SubjectEvent]) -> Bool {
        let known = SubjectHistory(ends)
        return count != known.count || Set(choices) != Set(known.choices) || Set(acceptances) != Set(known.acceptances)
    }
}
