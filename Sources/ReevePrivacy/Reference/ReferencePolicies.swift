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
        quasiIdentifiers: identifying, regions: [consentRegions: cookieConsent, restrictedRegions: restricted],
        knownRegions: countries.union(cookieConsent))

    /// What identifies somebody by itself, however it is labelled, and the trace of a browser (clause P1.2).
    private static let identifying: [Set<DataCategory>] =
        ["identity", "contact", "org", "payment.card", "testimonial.name", "thirdParty.userID", "credential.app"]
        .map { [DataCategory(trusted: $0)] }
        + [Set(["log.ip", "telemetry.addons", "telemetry.browser"].map { DataCategory(trusted: $0) })]

    /// Regions where cookies that are not essential ask for consent (clause P2e.5): `residence.cookieConsent`.
    static let consentRegions = "cookieConsent"
    /// Regions out of which personal data goes only under an agreement (clause S2.3): `residence.restricted`, `destination.restricted`.
    static let restrictedRegions = "restricted"

    /// The European Economic Area with what belongs to it beyond the seas, the United Kingdom and Switzerland, by ISO 3166 code; the whole as `eu`.
    private static let europe =
        "eu eea at be bg hr cy cz dk ee fi ax fr gf gp mq re yt mf de gr el hu ie it lv lt lu mt nl pl pt ro sk si es se is li no gb uk ch"
        .split(separator: " ").map(String.init)
    /// Countries and territories by ISO 3166-1 alpha-2 code.
    private static let countries = Set(
        """
        ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm \
        cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy \
        hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf \
        mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re \
        ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug um us uy uz \
        va vc ve vg vi vn vu wf ws ye yt za zm zw
        """
        .split(separator: " ").map { Region(trusted: String($0)) })
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
    static let refused = Condition.fact(DerivedFact.refused)

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
