// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Policies that Reeve ships as data, each rule with the clauses it stands for. They are no legal advice.
public enum ReferencePolicies: Sendable {
    /// The privacy policy of an integration platform, as of its archived copy of 2016-03-07, with the rules of the platform's security article. From
    /// when it is in force is for the host to say.
    ///
    /// What the sources leave open is here by default and can be changed: the regions that ask for consent to cookies, those that restrict
    /// transfers, and which categories identify together.
    public static let privacy2016 = PolicyVersion(
        name: "2016-03-07", taxonomy: .reference,
        rules: collected + observed + device + shared + published + guarded,
        quasiIdentifiers: [Set(["log.ip", "log.time", "log.searches"].map { DataCategory(trusted: $0) })],
        regions: [consentRegions: cookieConsent, restrictedRegions: restricted])

    /// Regions where cookies that are not essential ask for consent (clause P2e.5): `residence.cookieConsent`.
    static let consentRegions = "cookieConsent"
    /// Regions out of which personal data goes only under an agreement (clause S2.3): `residence.restricted`, `destination.restricted`.
    static let restrictedRegions = "restricted"

    /// The European Economic Area, the United Kingdom and Switzerland, by ISO 3166 code, and the whole as `eu`.
    private static let europe = [
        "eu", "at", "be", "bg", "hr", "cy", "cz", "dk", "ee", "fi", "fr", "de", "gr", "hu", "ie", "it", "lv", "lt",
        "lu", "mt",
        "nl", "pl", "pt", "ro", "sk", "si", "es", "se", "is", "li", "no", "gb", "uk",
    ]
    private static let cookieConsent = Set(europe.map { Region(trusted: $0) })
    private static let restricted = cookieConsent

    // What rules are written with.

    static func permit(
        _ name: StaticString, _ clauses: [String], _ scope: UseScope, when: Condition = .constant(.yes),
        duties: Set<Duty> = []
    ) -> UseRule {
        UseRule(
            .permit, Path(literal: name), scope, when: when, duties: duties,
            clauses: clauses.map { ClauseReference(trusted: $0) })
    }

    static func forbid(
        _ name: StaticString, _ clauses: [String], _ scope: UseScope, when: Condition = .constant(.yes)
    ) -> UseRule {
        UseRule(.forbid, Path(literal: name), scope, when: when, clauses: clauses.map { ClauseReference(trusted: $0) })
    }

    /// A scope without categories or purposes of its own.
    static func scope(_ operations: Set<UseOperation>?, _ limit: Identifiability? = nil) -> UseScope {
        UseScope(operations, identifiability: limit)
    }

    static func scope(
        _ operations: Set<UseOperation>?, _ categories: [String]? = nil, for purposes: [String]? = nil,
        to recipients: Set<Recipient.Kind>? = nil, from origins: Set<DataOrigin>? = nil,
        about relationships: Set<Relationship>? = nil, as roles: Set<DataRole.Kind>? = nil,
        _ limit: Identifiability? = nil
    ) -> UseScope {
        UseScope(
            operations, of: categories.map { Set($0.map { DataCategory(trusted: $0) }) },
            for: purposes.map { Set($0.map { Purpose(trusted: $0) }) }, to: recipients, from: origins,
            about: relationships,
            as: roles, identifiability: limit)
    }

    static func fact(_ name: StaticString) -> Condition { .fact(Path(literal: name)) }
    static func not(_ name: StaticString) -> Condition { .not(fact(name)) }

    static let optedOut = Condition.fact(DerivedFact.optedOut)
    static let given = Condition.fact(DerivedFact.given)

    /// What is given at registration (clause P2a.1), without what is for payment.
    static let account = ["identity", "contact", "org"]
    static let registration = account + ["payment"]
    static let content = ["content.message", "content.user"]
    /// What it is for (clause P2a.4).
    static let servicePurposes = [
        "service.operate", "service.improve", "service.personalize", "service.content", "billing.identification",
        "security.authentication", "communicate.service", "support.help", "research.product",
    ]
    static let marketing = ["marketing.materials", "marketing.email"]
}
