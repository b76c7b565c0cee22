// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// The browser's Global Privacy Control, for a host that honours it: `Sec-GPC: 1` opts a subject out of having data sold or shared (globalprivacycontrol.org).
///
/// Nothing reads `DNT`: it changes no answer, and is kept nowhere (clause P10.1).
public enum GlobalPrivacyControl: Sendable {
    /// What it is about: to sell, rent or loan data, and to share it with companies of the group, partners and everybody. Whoever works for the holder still gets it, and
    /// so it needs no preview.
    public static let scope = ChoiceScope(
        UseOperation.trade.union([.share]), to: [.affiliate, .partner, .everyone])

    /// The opt-out that a request's `Sec-GPC` header stands for; `nil` for any value but `1`, and without one: those say nothing.
    public static func event(
        header value: String?, by subject: Identifier<DataSubject>, at now: Timestamp, under policy: String
    ) -> ChoiceEvent? {
        guard let value, Array(value.utf8) == Array("1".utf8) else { return nil }
        return ChoiceEvent(
            .optedOut, scope, by: subject, at: now, under: policy, evidence: .init(.globalPrivacyControl))
    }
}
