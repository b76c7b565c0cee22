// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Clock rules by which people are answered. Not legal advice: whether they are the ones that count is for counsel to say.
public enum ReferenceClocks: Sendable {
    /// 30 business days from receipt, by best effort (clause P9.4). What a business day is the policy leaves open: by default one of the federal government of the United
    /// States.
    public static func privacy2016(by calendar: String = "us-federal") -> ClockRule {
        ClockRule(
            "P9.4", for: Set(RequestKind.allCases).subtracting([.shineTheLight, .optOut]), within: .businessDays(30),
            by: calendar, isBestEffort: true)
    }

    /// One month from receipt, or from proof of identity where it was asked for, and with the extension three; a last day without business is the next with (GDPR article
    /// 12(3); Regulation (EEC, Euratom) 1182/71 article 3(4)). For who lives in these regions.
    public static func gdpr(of regions: Set<Region>, by calendar: String) -> ClockRule {
        ClockRule(
            "GDPR article 12(3)", for: [.access, .rectify, .amend, .delete, .restrict, .portability, .optOut],
            within: .months(1), extended: .months(3), from: .verification, by: calendar, rollsForward: true, of: regions
        )
    }

    /// For who lives in California: 10 business days to confirm, and 45 days to answer from receipt, whatever verification takes, with the extension 90 (11 CCR 7021); 15 business
    /// days for an opt-out (11 CCR 7026(f)).
    public static func california(by calendar: String = "us-federal") -> [ClockRule] {
        let kinds: Set<RequestKind> = [.access, .rectify, .delete]
        return [
            ClockRule(
                "11 CCR 7021(a)", for: kinds, .confirm, within: .businessDays(10), by: calendar, of: californian),
            ClockRule(
                "11 CCR 7021(b)", for: kinds, within: .days(45), extended: .days(90), by: calendar, of: californian),
            ClockRule("11 CCR 7026(f)", for: [.optOut], within: .businessDays(15), by: calendar, of: californian),
        ]
    }

    /// For who lives in California and asks what was shared for marketing: 30 days at an address that is made for that, 150 at another (Civil Code 1798.83; clause P13.3).
    public static func shineTheLight(
        designated channels: Set<RequestChannel> = [.email, .post], by calendar: String = "us-federal"
    ) -> [ClockRule] {
        let others = Set(RequestChannel.allCases).subtracting(channels)
        return [
            ClockRule(
                "Civil Code 1798.83(b)(1)", for: [.shineTheLight], within: .days(30), by: calendar, of: californian,
                through: channels),
            ClockRule(
                "Civil Code 1798.83(b)(1)(C)", for: [.shineTheLight], within: .days(150), by: calendar,
                of: californian, through: others),
        ]
    }

    /// Who lives in California, whichever code says so.
    static var californian: Set<Region> { [Region(trusted: "us-ca")] }
}
