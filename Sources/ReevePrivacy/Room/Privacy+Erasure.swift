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
        guard authority.accepts(erasure, at: Self.choicesLocation), erasure.context.scope == .platform else {
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
        guard authority.accepts(erasure, at: Self.customerLocation), erasure.context.scope == .platform else {
            throw PrivacyError(AccessError(.wrongResource))
        }
        let company = Identifier<Company>(of: erasure.record, at: Self.customerLocation)
        let choosers: [PrivacyTables.ChooserMark]
        do throws(StoreError) {
            choosers = try await tables.choosers.readAll(.platform, [company.description], in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
        for one in choosers {
            let chooser = Chooser(one.subject, towards: .processor(for: company))
            let history = try await history(of: chooser)
            try await erase(chooser, before: history.first + history.count)
        }
        return choosers.isEmpty ? .nothingThere : .erased
    }

    /// Erases the events before a number, the first first. Numbers go on from there: what was done since has a higher one, whoever else erases.
    private func erase(_ chooser: Chooser, before number: Int) async throws(PrivacyError) {
        while true {
            let isDone = try await withHistory(of: chooser) { transaction, history throws(PrivacyError) in
                let end = history.first + history.count
                let next = min(number, end, history.first + Self.batch)
                for event in history.first..<max(next, history.first) {
                    try await tables.events.delete(.platform, chooser.ids(of: event), in: &transaction)
                }
                histories[chooser] = nil
                if next >= end, case .processor(let company) = chooser.role {
                    let ids = [company.description, chooser.subject.description]
                    try await tables.choosers.delete(.platform, ids, in: &transaction)
                }
                // Where nothing was ever chosen nothing is counted.
                guard end > 0 else { return true }
                let count = PrivacyTables.Count(events: end, first: max(next, history.first))
                try await tables.counts.write(count, .platform, chooser.ids, in: &transaction)
                return next >= min(number, end)
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
