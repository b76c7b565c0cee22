// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

/// What one clause promises, as a function of a policy: the same checks judge the reference policy and each mutant of it.
struct ClauseCheck: Sendable {
    let clause: String
    let body: @Sendable (inout Judge) -> Void

    init(_ clause: String, _ body: @escaping @Sendable (inout Judge) -> Void) {
        self.clause = clause
        self.body = body
    }

    /// What does not hold under a policy; empty when all does.
    func failures(under policy: PrivacyPolicy) -> [String] {
        var judge = Judge(policy: policy)
        body(&judge)
        return judge.failures
    }
}

/// Asks a policy and notes what is not as a clause says.
struct Judge {
    let policy: PrivacyPolicy
    private(set) var failures: [String] = []

    init(policy: PrivacyPolicy) {
        self.policy = policy
    }

    mutating func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
        if !holds { failures.append(what()) }
    }

    mutating func allows(_ ask: Ask, by clause: String? = nil, duty: Duty? = nil) {
        let decision = policy.decide(ask.request)
        expect(decision.isAllowed, "not allowed: \(ask) (\(decision))")
        if let clause {
            expect(decision.clauses.contains { $0.description == clause }, "not by \(clause): \(ask) (\(decision))")
        }
        if let duty { expect(decision.duties.contains(duty), "without \(duty): \(ask)") }
    }

    mutating func denies(_ ask: Ask, by clause: String? = nil) {
        let decision = policy.decide(ask.request)
        expect(!decision.isAllowed, "allowed: \(ask)")
        if let clause {
            let isCited = decision.reason == .forbidden && decision.clauses.contains { $0.description == clause }
            expect(isCited, "not by \(clause): \(ask) (\(decision))")
        }
    }
}

/// A request, in a few words: by default a customer's own data, held by the controller, with no choice on file.
struct Ask: CustomStringConvertible {
    var request: UseRequest
    static let now = Timestamp(seconds: 1_000_000)
    static let subject = Identifier<DataSubject>(high: 1, low: 1)
    static let company = Identifier<Company>(high: 2, low: 1)

    init(
        _ operation: UseOperation, _ categories: [String], for aim: String, to recipient: Recipient = .own,
        from origin: DataOrigin = .provided, _ near: Identifiability = .personal, about who: Relationship = .customer,
        asProcessor: Bool = false
    ) {
        let kinds = Set(categories.map(category))
        let label: DataLabel =
            switch near {
            case .personal: .personal(kinds, from: [origin])
            case .pseudonymous: .pseudonymous(kinds, from: [origin])
            case .aggregate: Ask.aggregate(kinds)
            }
        request = UseRequest(
            operation, label, for: purpose(aim), to: recipient,
            as: asProcessor ? .processor(for: Self.company) : .controller,
            about: SubjectFacts(who, id: Self.subject, choices: ChoiceState.none), on: CivilDay(daysSince1970: 20_000))
    }

    static func aggregate(_ categories: Set<DataCategory>) -> DataLabel {
        guard
            let all = Aggregate(
                of: [.personal(categories, from: [.observed])], groups: [.init("all", subjects: 20, value: 1)],
                minimumGroup: 20)
        else {
            preconditionFailure("no aggregate")
        }
        return all.label
    }

    /// With facts that hold, or do not.
    func facts(_ yes: String..., no: [String] = []) -> Ask {
        var copy = self
        for name in yes { copy.request.facts[path(name)] = .yes }
        for name in no { copy.request.facts[path(name)] = .no }
        return copy
    }

    /// After acts, a second each.
    func after(_ acts: (ChoiceEvent.Act, ChoiceScope)...) -> Ask {
        var copy = self
        let events = acts.enumerated().map { second, act in
            ChoiceEvent(
                act.0, act.1, by: Self.subject, at: Timestamp(seconds: Int64(second)), under: "2016-03-07",
                evidence: .init(.settings))
        }
        copy.request.subject.choices = ChoiceState(of: Self.subject, folding: events, at: Self.now)
        return copy
    }

    func with(_ change: (inout UseRequest) -> Void) -> Ask {
        var copy = self
        change(&copy.request)
        return copy
    }

    func living(_ place: String?) -> Ask { with { $0.subject.residence = place.map(region) } }
    func going(_ place: String?) -> Ask { with { $0.destinations = Set([place.map(region)].compactMap { $0 }) } }

    var description: String {
        let categories = request.data.categories.map(\.description).sorted().joined(separator: "+")
        return
            "\(request.operation) \(request.data.identifiability) \(categories) for \(request.purpose) to \(request.recipient.kind)"
    }
}

/// A choice about uses.
/// Consent that names all there is, so that it counts; what names no category is none.
let toEverything = ChoiceScope(of: Taxonomy.reference.categories, named: nil)

func about(
    _ operations: Set<UseOperation>? = nil, _ categories: [String]? = nil, for aims: [String]? = nil,
    to recipients: Set<Recipient.Kind>? = nil, named: Set<String>? = nil, items: Set<String>? = nil
) -> ChoiceScope {
    ChoiceScope(
        operations, of: categories.map { Set($0.map(category)) }, for: aims.map { Set($0.map(purpose)) },
        to: recipients,
        named: named, items: items)
}
