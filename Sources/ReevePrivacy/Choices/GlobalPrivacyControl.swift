// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// The browser's Global Privacy Control, for a host that honours it: `Sec-GPC: 1` opts a subject out of having data sold or shared (globalprivacycontrol.org).
///
/// The opt-out is kept as any other; that it forbids something is for the policy to say: ``PolicyVersion/honoringGlobalPrivacyControl()``. Nothing reads `DNT`: it
/// changes no answer, and is kept nowhere (clause P10.1).
public enum GlobalPrivacyControl: Sendable {
    /// What it is about: to share data with companies of the group, partners and everybody, and to sell, rent or loan it to them. Whoever works for the holder still
    /// gets it, and so it needs no preview.
    public static let scope = ChoiceScope(
        UseOperation.trade.union([.share]), to: [.affiliate, .partner, .everyone])

    /// The opt-out that a request's `Sec-GPC` header stands for; `nil` for any value but `1`, and without one: those say nothing. A ``Privacy`` writes it down
    /// once, however often a browser sends it.
    public static func event(
        header value: String?, by subject: Identifier<DataSubject>, at now: Timestamp, under policy: String
    ) -> ChoiceEvent? {
        guard let value, Array(value.utf8) == Array("1".utf8) else { return nil }
        return ChoiceEvent(
            .optedOut, scope, by: subject, at: now, under: policy, evidence: .init(.globalPrivacyControl))
    }
}

extension PolicyVersion {
    /// This version, under which an opt-out of ``GlobalPrivacyControl/scope`` forbids what it is about; its name says so.
    public func honoringGlobalPrivacyControl() -> PolicyVersion {
        var version = self
        version.name += "+gpc"
        let scope = UseScope(
            GlobalPrivacyControl.scope.operations, to: GlobalPrivacyControl.scope.recipients,
            identifiability: .pseudonymous)
        version.rules.append(
            UseRule(
                .forbid, Path(literal: "gpc.optOut"), scope, when: .fact(DerivedFact.optedOut),
                clauses: [ClauseReference(trusted: "P10.1")]))
        return version
    }
}
