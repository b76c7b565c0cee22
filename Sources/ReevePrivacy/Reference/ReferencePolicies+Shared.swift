// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension ReferencePolicies {
    /// Who may be given what (clauses P1.7, P1.8, P2b.3 to P2c.1, P2i.1 to P3.2, P15.1, P15.2).
    static let shared: [UseRule] = [
        permit(
            "usage.share", ["P1.7", "P1.8"],
            scope([.share], nil, to: [.customer, .partner, .serviceProvider], as: [.controller], .aggregate),
            duties: [.noReidentification]),
        forbid(
            "usage.identifying", ["P1.8"],
            scope([.share, .publish], ["usage"], .pseudonymous)),
        forbid(
            "observed.identifying", ["P1.8", "P2d.3"],
            scope(nil, ["log", "beacon"], to: [.customer, .partner, .everyone], .pseudonymous)),
        permit(
            "provider.share", ["P2b.3"],
            scope(
                [.share], nil, for: ["service.operate", "service.quality", "billing.payment"], to: [.serviceProvider]),
            duties: [.encryptedInTransit, .recordDisclosure]),
        forbid(
            "provider.marketing", ["P2b.4"], scope(nil, for: ["marketing"], to: [.serviceProvider], .pseudonymous)),
        permit(
            "provider.analytics", ["P2c.1"],
            scope([.share], ["telemetry"], for: ["analytics.traffic"], to: [.serviceProvider]),
            duties: [.recordDisclosure]),
        forbid(
            "provider.unlisted", ["S2.6"], scope(nil, to: [.serviceProvider], .pseudonymous),
            when: not("recipient.isListed")),
        forbid(
            "provider.objected", ["S2.6"], scope(nil, to: [.serviceProvider], .pseudonymous),
            when: fact("recipient.isObjectedTo")),
        forbid(
            "provider.optOut", ["P8.5"], scope(nil, to: [.serviceProvider], .pseudonymous),
            when: optedOut),
        permit(
            "authority.process", ["P2i.1"], scope([.share], nil, for: ["legal.process"], to: [.authority]),
            when: fact("legalProcess.onFile"), duties: [.recordDisclosure]),
        permit(
            "authority.belief", ["P2i.2"], scope([.share], nil, for: ["legal.protection"], to: [.authority]),
            when: .all([fact("belief.hasGround"), fact("belief.hasAuthor")]), duties: [.recordDisclosure]),
        permit(
            "affiliate.share", ["P2i.4"],
            scope(
                [.share], account + content + ["log", "telemetry"],
                for: ["service", "support", "communicate", "marketing.materials"],
                to: [.affiliate]),
            when: fact("recipient.isGroupMember"), duties: [.recordDisclosure]),
        permit(
            "authorized.share", ["P3.2"],
            scope([.share], ["content"], for: ["service.content"], to: [.authorizedByUser]),
            when: .fact(DerivedFact.givenToRecipient), duties: [.recordDisclosure]),
        permit(
            "acquirer.transfer", ["P15.1", "P15.2"],
            scope([.share, .transfer], nil, for: ["transaction.succession"], to: [.acquirer]),
            when: .all([fact("recipient.isSuccessor"), fact("recipient.isBound")]), duties: [.recordDisclosure]),
    ]

    /// What is shown to everybody (clauses P4.1, P5.1).
    static let published: [UseRule] = [
        permit(
            "content.publish", ["P4.1"],
            scope([.publish], ["content.user"], for: ["service.content"], to: [.everyone]),
            when: fact("content.isPublic"), duties: [.warnPublic]),
        permit(
            "testimonial.publish", ["P5.1"],
            scope([.publish], ["testimonial.name"], for: ["marketing.materials"], to: [.everyone]),
            when: .fact(DerivedFact.givenForItem)),
    ]

    /// Personal data leaves a region that restricts it without all that it takes.
    private static let leaving: [Condition] = [
        .fact(residence(restrictedRegions)), .not(.fact(destination(restrictedRegions))),
        .not(
            .all([
                fact("agreement.hasProcessingTerms"), fact("agreement.processingTermsIncorporated"),
                fact("transfer.hasMechanism"),
            ])),
    ]

    /// Where data may go, and what needs an agreement or a certificate (clauses P1.3, P7.1, P7.3, S1.1, S2.3).
    static let guarded: [UseRule] = [
        forbid("trade", ["P1.3"], scope(UseOperation.trade)),
        permit(
            "transfer.abroad", ["P7.1", "P7.3"],
            scope([.transfer], nil, for: ["service"], to: [.own, .serviceProvider]),
            duties: [.noticeDifferentLaw, .encryptedInTransit]),
        forbid(
            "transfer.residency", ["P7.1"], scope([.transfer]), when: not("agreement.allowsDestination")),
        forbid("transfer.agreement", ["S2.3"], scope([.transfer], .pseudonymous), when: .all(leaving)),
        // Whatever else is done with data somewhere else transfers it as well.
        forbid(
            "abroad.residency", ["P7.1"], scope(nil),
            when: .all([.known(DerivedFact.hasDestination), not("agreement.allowsDestination")])),
        forbid(
            "abroad.agreement", ["S2.3"], scope(nil, .pseudonymous),
            when: .all([.known(DerivedFact.hasDestination)] + leaving)),
        permit(
            "payment.retain", ["S1.1c"],
            scope([.retain], ["payment"], for: ["billing"], to: [.own], about: Relationship.users)),
        forbid(
            "payment.unattested", ["S1.1c"], scope([.retain], ["payment.card"]), when: not("attested.pci")),
        permit(
            "health.use", ["S1.1d"],
            scope([.collect, .use, .retain], ["health"], for: ["service.execute"], to: [.own], as: [.processor])),
        forbid("health.agreement", ["S1.1d"], scope(nil, ["health"]), when: not("agreement.businessAssociate")),
        forbid(
            "government.unattested", ["S1.1e"], scope([.retain, .transfer]),
            when: .all([.known(Path(literal: "customer.isAustralianGovernment")), not("attested.irap")])),
    ]
}
