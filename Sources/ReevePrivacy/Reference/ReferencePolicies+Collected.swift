// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension ReferencePolicies {
    /// What users provide, and what it may be used for (clauses P2a.1 to P2a.10, P8.2, P8.4).
    static let collected: [UseRule] = [
        permit(
            "registration.collect", ["P0.1", "P2a.1"],
            scope(
                [.collect], registration, for: servicePurposes + marketing, to: [.own], from: [.provided],
                about: Relationship.users)),
        permit(
            "registration.age", ["P12.2"],
            scope(
                [.collect], registration, for: servicePurposes + marketing, to: [.own], from: [.provided],
                about: [.visitor]),
            duties: [.ageGate]),
        permit(
            "message.collect", ["P2a.2", "P6.4"],
            scope(
                [.collect, .retain], ["content.message"], for: ["service.operate", "support", "communicate"], to: [.own]
            ),
            duties: [.caution]),
        permit(
            "content.collect", ["P2a.3", "P6.4"],
            scope([.collect, .retain], ["content.user"], for: ["service"], to: [.own], about: Relationship.users),
            duties: [.caution]),
        permit(
            "registration.use", ["P2a.4"],
            scope(
                [.use, .retain], registration + content, for: servicePurposes, to: [.own], about: Relationship.users,
                as: [.controller])),
        permit(
            "registration.contact", ["P2a.4"],
            scope(
                [.contactByEmail], account, for: ["communicate.service", "support.help"], to: [.own],
                about: Relationship.users)),
        permit(
            "registration.marketing", ["P2a.4"],
            scope(
                [.use, .contactByEmail], account, for: marketing, to: [.own], about: Relationship.users,
                as: [.controller])),
        forbid(
            "marketing.optOut", ["P2a.5", "P8.4"],
            scope(nil, nil, for: ["marketing"], .pseudonymous), when: optedOut),
        permit(
            "analytics.combine", ["P2a.6", "P2c.3"],
            scope(
                [.combine], account + ["telemetry"], for: ["service.operate", "service.personalize"], to: [.own],
                about: Relationship.users, as: [.controller])),
        permit(
            "registration.protect", ["P2a.7"],
            scope(
                [.use], account + content + ["log"],
                for: [
                    "security.fraud", "analytics.usage", "research.market.internal", "support.troubleshoot",
                    "legal.enforceTerms",
                ],
                to: [.own], about: Relationship.users, as: [.controller])),
        forbid(
            "email.accountInformation", ["P2a.8"],
            scope(nil, for: ["security.requestAccountInformation"])),
        permit(
            "phone.contact", ["P2a.9"],
            scope(
                [.contactByCall, .contactByText], ["contact.phone"], for: ["service.operate"], to: [.own],
                about: Relationship.users)),
        forbid(
            "phone.optOut", ["P2a.9"], scope([.contactByCall, .contactByText]), when: optedOut),
        forbid("contact.optOut", ["P8.4"], scope(UseOperation.contact), when: optedOut),
        permit(
            "payment.use", ["P2a.10"],
            scope([.use], ["payment"], for: ["billing"], to: [.own], about: Relationship.users)),
        forbid("payment.unauthorized", ["P2a.10"], scope(nil, ["payment"], .pseudonymous), when: .not(given)),
        forbid(
            "collect.declined", ["P8.2"],
            scope([.collect], from: [.provided, .thirdParty]), when: .any([optedOut, refused])),
        forbid("collect.child", ["P12.1", "P12.3"], scope([.collect]), when: .known(DerivedFact.under13)),
        forbid("retained.otherUse", ["P11.4"], scope(nil), when: .known(DerivedFact.keptForOther)),
        permit(
            "thirdParty.collect", ["P2b.1", "P2b.2"],
            scope(
                [.collect], ["thirdParty"], for: ["service.operate", "service.execute"], to: [.own], from: [.thirdParty]
            ),
            when: fact("connection.onFile"), duties: [.noticeThirdPartySettings]),
        permit(
            "credential.retain", ["P2h.1"],
            scope([.retain], ["credential.app"], for: ["service.execute"], to: [.own]),
            when: fact("credential.isSealed"), duties: [.encryptedAtRest]),
        permit(
            "appData.use", ["P2h.2", "P8.1"],
            scope([.collect, .use, .retain], ["appData"], for: ["service.execute"], to: [.own], as: [.processor])),
    ]
}
