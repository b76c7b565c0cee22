// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

/// Clauses P0.1, P1 and P2a, P2b.1, P2b.2, P2h, P8 and P12, from the text of the policy and not from the rules.
extension ClauseCheck {
    static let account = ["identity.name", "contact.email", "contact.phone", "org.name", "org.website"]
    static let payment = ["payment.card", "payment.billing"]
    static let users: [Relationship] = [.visitor, .customer, .collaborator]
    static let purposesOfUse = [
        "service.operate", "service.improve.general", "service.improve.individual", "service.personalize",
        "service.content",
        "billing.identification", "security.authentication", "communicate.service", "support.help", "research.product",
    ]
    static let marketing = ["marketing.materials", "marketing.email"]
    static let everything = [
        "identity.name", "contact.email", "contact.phone", "payment.card", "payment.billing", "org.name", "org.website",
        "content.message", "content.user", "content.recipe", "testimonial.name", "thirdParty.userID",
        "thirdParty.accessToken",
        "thirdParty.permitted", "thirdParty.public", "credential.app", "appData", "log.ip", "log.browser", "log.isp",
        "log.pages", "log.searches", "log.os", "log.time", "log.clickstream", "telemetry.page", "telemetry.addons",
        "telemetry.browser", "device.cookie", "device.identifier", "beacon.web", "beacon.email", "health.record",
        "usage",
    ]
    static let billing = about(
        [.collect, .use, .retain], ["payment"],
        for: ["billing", "service", "communicate", "support", "security", "research", "marketing"])

    static let collected: [ClauseCheck] = [
        ClauseCheck("P0.1") { judge in
            for who in users {
                for one in account {
                    for aim in purposesOfUse + marketing {
                        judge.allows(Ask(.collect, [one], for: aim, about: who), by: "P0.1")
                    }
                }
            }
            judge.denies(Ask(.collect, ["contact.email"], for: "service.operate", about: .endUserOfCustomer))
            // A rule for customers is none for visitors.
            var version = judge.policy.version
            version.rules.append(
                UseRule(
                    .permit, path("customers.only"),
                    UseScope([.use], of: [category("log.isp")], for: [purpose("marketing.email")], about: [.customer]),
                    clauses: [ClauseReference(trusted: "P0.1")]))
            guard let narrower = try? version.compile() else { return judge.expect(false, "does not compile") }
            for who in Relationship.allCases {
                let ask = Ask(.use, ["log.isp"], for: "marketing.email", from: .observed, about: who)
                let isAllowed = narrower.decide(ask.request).isAllowed
                judge.expect(isAllowed == (who == .customer), "a rule for customers is one for \(who)")
            }
        },
        ClauseCheck("P1.1") { judge in
            for kind in SubjectKind.allCases {
                let firm = Ask(.use, ["org.name"], for: "marketing.email").with { $0.subject.kind = kind }
                judge.allows(firm)
                judge.denies(firm.after((.optedOut, about(for: ["marketing"]))))
                judge.denies(
                    Ask(.share, ["org.name"], for: "marketing.email", to: Recipient(.partner, "p")).with {
                        $0.subject.kind = kind
                    })
            }
            // A company's name alone is personal, however it is labelled.
            for one in ["org.name", "org.website"] {
                judge.denies(
                    Ask(.share, [one], for: "service.operate", to: Recipient(.customer, "c"), .pseudonymous))
                let label = DataLabel.pseudonymous([category(one)], from: [.provided])
                judge.expect(
                    label.raised(by: judge.policy.version.quasiIdentifiers).identifiability == .personal,
                    "`\(one)` tells of nobody")
            }
        },
        ClauseCheck("P1.2") { judge in
            // What identifies by itself, however it is labelled; and what does together.
            var version = judge.policy.version
            version.quasiIdentifiers.append(Set(["log.ip", "log.time", "log.searches"].map(category)))
            guard let stricter = try? version.compile() else { return judge.expect(false, "does not compile") }
            let set = ["log.ip", "log.time", "log.searches"]
            let all = Ask(.use, set, for: "analytics.trends", from: .observed, .pseudonymous).request
            judge.expect(
                !stricter.decide(all).isAllowed && judge.policy.decide(all).isAllowed, "the set changes nothing")
            for left in set {
                let rest = Ask(.use, set.filter { $0 != left }, for: "analytics.trends", from: .observed, .pseudonymous)
                judge.expect(stricter.decide(rest.request).isAllowed, "without \(left)")
            }
            judge.denies(
                Ask(.storeOnDevice, ["device.cookie", "contact.email"], for: "service.login", .pseudonymous),
                by: "P2e.2")
        },
        ClauseCheck("P1.3") { judge in
            for one in everything {
                for trade in [UseOperation.sell, .rent, .loan] {
                    judge.denies(Ask(trade, [one], for: "service.operate", to: Recipient(.partner, "p")), by: "P1.3")
                }
            }
            judge.denies(
                Ask(.sell, ["usage"], for: "analytics.trends", to: Recipient(.partner, "p"), .aggregate), by: "P1.3")
        },
        ClauseCheck("P1.6") { judge in
            for aim in [
                "analytics.trends", "analytics.features", "analytics.usage", "analytics.traffic", "analytics.reporting",
                "analytics.email", "product.features", "product.tailoring",
            ] {
                for one in everything where one != "health.record" {
                    // Without any choice on file, and where nobody looked.
                    let ask = Ask(.use, [one], for: aim, .aggregate).with { $0.subject.choices = nil }
                    judge.allows(ask, by: "P1.6")
                }
                judge.denies(Ask(.use, ["usage"], for: aim, from: .observed))
            }
            judge.denies(Ask(.use, ["usage"], for: "service.operate", .aggregate))
            // What is held for customers is theirs.
            judge.denies(Ask(.use, ["appData"], for: "analytics.trends", .aggregate, asProcessor: true))
            judge.denies(Ask(.combine, ["usage"], for: "analytics.trends", .aggregate))
            judge.denies(Ask(.use, ["usage"], for: "analytics.trends", to: Recipient(.partner, "p"), .aggregate))
        },
        ClauseCheck("P1.7") { judge in
            for kind in [Recipient.Kind.customer, .partner, .serviceProvider] {
                for aim in ["marketing.targeted", "marketing.materials", "analytics.trends", "service.operate"] {
                    let ask = Ask(.share, ["log.pages"], for: aim, to: Recipient(kind, "p"), .aggregate)
                    judge.allows(ask, by: "P1.7", duty: .noReidentification)
                    judge.denies(Ask(.share, ["contact.email"], for: aim, to: Recipient(kind, "p"), .pseudonymous))
                }
            }
            judge.denies(Ask(.publish, ["log.pages"], for: "analytics.trends", to: .everyone, .aggregate))
            judge.denies(
                Ask(.share, ["log.pages"], for: "analytics.trends", to: Recipient(.affiliate, "p"), .aggregate))
            let ask = Ask(.share, ["log.pages"], for: "marketing.targeted", to: Recipient(.partner, "p"), .aggregate)
            judge.denies(ask.with { $0.role = .processor(for: Ask.company) })
            // Of many nobody's choice decides.
            judge.allows(ask.with { $0.subject.choices = nil })
            judge.allows(ask.after((.optedOut, about(for: ["marketing"]))))
        },
        ClauseCheck("P1.8") { judge in
            for recipient in [
                Recipient.Kind.customer, .partner, .serviceProvider, .affiliate, .connectedApp, .everyone,
            ] {
                let usage = Ask(
                    .share, ["log.pages"], for: "service.operate", to: Recipient(recipient, "p"), .aggregate)
                let joined = usage.with {
                    $0.data = $0.data.joined(with: .personal([category("contact.email")], from: [.observed]))
                }
                judge.denies(joined.facts("recipient.isListed", "recipient.isGroupMember"), by: "P1.8")
                let half = usage.with {
                    $0.data = $0.data.joined(with: .pseudonymous([category("org.name")], from: [.observed]))
                }
                judge.denies(half, by: "P1.8")
                judge.denies(joined.with { $0.operation = .publish }, by: "P1.8")
            }
            for recipient in [Recipient.Kind.customer, .partner, .everyone] {
                for one in ["log.ip", "log.clickstream", "beacon.web", "beacon.email"] {
                    for operation in [UseOperation.share, .publish] {
                        judge.denies(
                            Ask(
                                operation, [one], for: "analytics.trends", to: Recipient(recipient), from: .observed,
                                .pseudonymous), by: "P1.8")
                    }
                }
            }
            judge.allows(
                Ask(.share, ["log.pages"], for: "analytics.trends", to: Recipient(.partner, "p"), .aggregate),
                duty: .noReidentification)
            // It is about giving it away.
            judge.allows(
                Ask(.transfer, ["usage", "contact.email"], for: "service.operate").living("us").going("us")
                    .facts("agreement.allowsDestination"))
        },
        ClauseCheck("P2a.1") { judge in
            for one in account { judge.allows(Ask(.collect, [one], for: "service.operate"), by: "P2a.1") }
            for one in payment {
                for aim in purposesOfUse + marketing {
                    judge.allows(Ask(.collect, [one], for: aim).after((.given, billing)), by: "P2a.1")
                }
            }
            for one in ["health.record", "credential.app", "testimonial.name"] {
                judge.denies(Ask(.collect, [one], for: "service.operate").facts("agreement.businessAssociate"))
            }
            judge.denies(Ask(.collect, ["contact.email"], for: "service.operate", from: .observed))
            judge.denies(Ask(.collect, ["contact.email"], for: "service.operate", to: Recipient(.partner, "p")))
            judge.denies(Ask(.collect, ["contact.email"], for: "legal.enforceTerms"))
        },
        ClauseCheck("P2a.2") { judge in
            for aim in ["service.operate", "support.help", "support.troubleshoot", "communicate.service"] {
                for operation in [UseOperation.collect, .retain] {
                    judge.allows(Ask(operation, ["content.message"], for: aim), by: "P2a.2")
                    judge.allows(
                        Ask(
                            operation, ["content.message"], for: aim, from: .observed, about: .endUserOfCustomer,
                            asProcessor: true), by: "P2a.2")
                }
            }
            judge.denies(Ask(.collect, ["content.message"], for: "marketing.email"))
            judge.denies(Ask(.combine, ["content.message"], for: "support.help"))
            judge.denies(Ask(.collect, ["content.message"], for: "service.operate", to: Recipient(.partner)))
        },
        ClauseCheck("P2a.3") { judge in
            for who in users {
                for aim in ["service.operate", "service.content", "service.execute", "service.quality"] {
                    for operation in [UseOperation.collect, .retain] {
                        judge.allows(Ask(operation, ["content.user"], for: aim, about: who), by: "P2a.3")
                    }
                }
            }
            judge.denies(Ask(.collect, ["content.user"], for: "service.content", about: .endUserOfCustomer))
            judge.denies(Ask(.collect, ["content.user"], for: "marketing.email"))
            judge.denies(Ask(.combine, ["content.user"], for: "service.content"))
            judge.denies(Ask(.retain, ["content.user"], for: "service.content", to: Recipient(.partner)))
        },
        ClauseCheck("P6.4") { judge in
            judge.allows(Ask(.collect, ["content.message"], for: "support.help"), by: "P6.4", duty: .caution)
            judge.allows(Ask(.collect, ["content.user"], for: "service.content"), by: "P6.4", duty: .caution)
        },
        ClauseCheck("P2a.4") { judge in
            for who in users {
                for one in account + ["content.message", "content.user"] {
                    for aim in purposesOfUse {
                        for operation in [UseOperation.use, .retain] {
                            judge.allows(Ask(operation, [one], for: aim, about: who), by: "P2a.4")
                        }
                    }
                }
                for one in account {
                    for aim in marketing {
                        judge.allows(Ask(.use, [one], for: aim, about: who), by: "P2a.4")
                        judge.allows(Ask(.contactByEmail, [one], for: aim, about: who), by: "P2a.4")
                    }
                    for aim in ["communicate.service", "support.help"] {
                        judge.allows(Ask(.contactByEmail, [one], for: aim, about: who), by: "P2a.4")
                    }
                }
            }
            for aim in purposesOfUse {
                for one in payment {
                    judge.allows(
                        Ask(.retain, [one], for: aim).facts("attested.pci").after((.given, billing)), by: "P2a.4")
                }
                judge.denies(Ask(.use, ["identity.name"], for: aim, about: .endUserOfCustomer))
                judge.denies(Ask(.use, ["identity.name"], for: aim, asProcessor: true))
                judge.denies(Ask(.use, ["identity.name"], for: aim, to: Recipient(.partner, "p")))
                judge.denies(Ask(.use, ["log.ip"], for: aim, from: .observed))
            }
            judge.denies(Ask(.use, ["identity.name"], for: "legal.process"))
            judge.denies(Ask(.use, ["content.message"], for: "marketing.email"))
            judge.denies(Ask(.contactByEmail, ["contact.email"], for: "research.product"))
            judge.denies(Ask(.contactByEmail, ["contact.email"], for: "marketing.email", about: .endUserOfCustomer))
            judge.denies(Ask(.contactByEmail, ["contact.email"], for: "marketing.email", to: Recipient(.partner)))
            judge.denies(Ask(.contactByEmail, ["contact.email"], for: "marketing.email", asProcessor: true))
            judge.denies(Ask(.contactByEmail, ["contact.email"], for: "communicate.service", about: .endUserOfCustomer))
            judge.denies(Ask(.contactByEmail, ["contact.email"], for: "communicate.service", to: Recipient(.partner)))
            judge.denies(Ask(.contactByEmail, ["content.user"], for: "communicate.service"))
            judge.denies(Ask(.contactByPost, ["contact.email"], for: "communicate.service"))
            judge.denies(Ask(.contactByPost, ["contact.email"], for: "marketing.email"))
            judge.denies(Ask(.share, ["contact.email"], for: "service.personalize"))
        },
        ClauseCheck("P2a.5") { judge in
            let out = about(for: ["marketing"])
            for operation in [UseOperation.use, .contactByEmail] {
                let ask = Ask(operation, ["contact.email"], for: "marketing.email")
                judge.allows(ask)
                judge.denies(ask.after((.optedOut, out)), by: "P2a.5")
                judge.allows(ask.after((.optedOut, out), (.optedIn, out)))
                judge.denies(ask.with { $0.subject.choices = nil }, by: "P2a.5")
                // At one instant the opt-out counts.
                judge.denies(
                    ask.with { request in
                        request.subject.choices = ChoiceState(
                            of: Ask.subject,
                            folding: [ChoiceEvent.Act.optedOut, .optedIn].map {
                                ChoiceEvent($0, out, by: Ask.subject, at: Ask.now, under: "v", evidence: .init(.email))
                            }, at: Ask.now)
                    }, by: "P2a.5")
            }
            for operation in [UseOperation.contactByCall, .contactByText, .contactByPost] {
                judge.denies(
                    Ask(operation, ["contact.phone"], for: "marketing.materials").after((.optedOut, out)), by: "P2a.5")
            }
            for aim in ["service.operate", "communicate.service"] {
                judge.allows(Ask(.use, ["contact.email"], for: aim).after((.optedOut, out)))
            }
            let sister = Ask(.share, ["contact.email"], for: "marketing.materials", to: Recipient(.affiliate, "sister"))
                .facts("recipient.isGroupMember")
            judge.allows(sister)
            judge.denies(sister.after((.optedOut, out)), by: "P2a.5")
            for aim in ["marketing.materials", "marketing.experience", "marketing.targeted"] {
                judge.denies(
                    Ask(.use, ["log.pages"], for: aim, from: .observed, .pseudonymous).after((.optedOut, out)),
                    by: "P2a.5")
            }
        },
        ClauseCheck("P2a.6") { judge in
            for who in users {
                for one in account {
                    for aim in ["service.operate", "service.personalize"] {
                        judge.allows(Ask(.combine, [one, "telemetry.page"], for: aim, about: who), by: "P2a.6")
                    }
                }
            }
            let profile = Ask(.combine, ["contact.email", "telemetry.page"], for: "service.personalize")
            judge.denies(profile.with { $0.purpose = purpose("marketing.targeted") })
            judge.denies(profile.with { $0.subject.relationship = .endUserOfCustomer })
            judge.denies(profile.with { $0.role = .processor(for: Ask.company) })
            judge.denies(profile.with { $0.recipient = Recipient(.partner, "p") })
            judge.denies(Ask(.combine, ["contact.email", "appData"], for: "service.personalize"))
            // What was combined is personal, and no usage data any more.
            let shared = profile.with { request in
                request.data = Ask.aggregate([category("telemetry.page")]).joined(with: request.data)
                (request.operation, request.recipient) = (.share, Recipient(.partner, "p"))
            }
            judge.denies(shared, by: "P1.8")
        },
        ClauseCheck("P2a.7") { judge in
            for who in users {
                for one in account + ["content.message", "content.user", "log.ip"] {
                    for aim in [
                        "security.fraud", "analytics.usage", "research.market.internal", "support.troubleshoot",
                        "legal.enforceTerms",
                    ] {
                        let ask = Ask(.use, [one], for: aim, from: one == "log.ip" ? .observed : .provided, about: who)
                        judge.allows(ask, by: "P2a.7")
                        judge.denies(ask.with { $0.recipient = Recipient(.partner, "p") })
                        judge.denies(
                            ask.with { $0.recipient = Recipient(.serviceProvider, "p") }.facts("recipient.isListed"))
                    }
                }
            }
            let ask = Ask(.use, ["identity.name"], for: "research.market.internal")
            judge.denies(ask.with { $0.operation = .share })
            judge.denies(ask.with { $0.subject.relationship = .endUserOfCustomer })
            judge.denies(ask.with { $0.role = .processor(for: Ask.company) })
            judge.denies(Ask(.use, ["thirdParty.public"], for: "security.fraud", from: .thirdParty))
            judge.denies(Ask(.use, ["identity.name"], for: "analytics.trends"))
        },
        ClauseCheck("P2a.8") { judge in
            for operation in UseOperation.allCases {
                for one in ["contact.email", "identity.name", "content.message"] {
                    let ask = Ask(operation, [one], for: "security.requestAccountInformation")
                    judge.denies(ask, by: "P2a.8")
                    judge.denies(ask.after((.given, toEverything)), by: "P2a.8")
                }
            }
        },
        ClauseCheck("P2a.9") { judge in
            for who in users {
                for operation in [UseOperation.contactByCall, .contactByText] {
                    let ask = Ask(operation, ["contact.phone"], for: "service.operate", about: who)
                    judge.allows(ask, by: "P2a.9")
                    judge.denies(ask.after((.optedOut, about(nil, ["contact.phone"]))), by: "P2a.9")
                    judge.denies(ask.with { $0.subject.choices = nil }, by: "P2a.9")
                    judge.denies(ask.with { $0.purpose = purpose("marketing.materials") })
                    judge.denies(ask.with { $0.recipient = Recipient(.partner, "p") })
                }
            }
            judge.denies(Ask(.contactByCall, ["contact.phone"], for: "service.operate", about: .endUserOfCustomer))
            judge.denies(Ask(.contactByCall, ["contact.email"], for: "service.operate"))
            judge.denies(Ask(.contactByPost, ["contact.phone"], for: "service.operate"))
            judge.denies(
                Ask(.contactByText, ["contact.phone"], for: "support.help").after((.objected, about([.contactByText]))),
                by: "P2a.9")
            judge.allows(
                Ask(.use, ["contact.phone"], for: "service.operate").after(
                    (.optedOut, about([.contactByCall], ["contact.phone"]))))
        },
        ClauseCheck("P2a.10") { judge in
            for one in payment {
                for who in users {
                    for aim in ["billing.payment", "billing.identification"] {
                        let ask = Ask(.use, [one], for: aim, about: who)
                        judge.allows(ask.after((.given, about([.use], ["payment"], for: ["billing"]))), by: "P2a.10")
                        judge.denies(ask, by: "P2a.10")
                        judge.denies(ask.with { $0.subject.choices = nil }, by: "P2a.10")
                        let taken = ask.after(
                            (.given, about(nil, ["payment"], for: ["billing"])),
                            (.withdrawn, about(nil, ["payment"], for: ["billing"])))
                        judge.denies(taken, by: "P2a.10")
                    }
                }
                let given = (ChoiceEvent.Act.given, about(nil, ["payment"], for: ["billing"]))
                for aim in ["research.product", "marketing.materials", "service.personalize", "service.operate"] {
                    judge.denies(Ask(.use, [one], for: aim).after(given), by: "P2a.10")
                }
                // A purpose above is all that lies below it.
                judge.denies(Ask(.use, [one], for: "service").after(given), by: "P2a.10")
                for operation in UseOperation.allCases {
                    judge.denies(Ask(operation, [one], for: "analytics.trends"), by: "P2a.10")
                }
                // Consent to something else, opting in, somebody else's consent and the holder's word are none.
                for act in [
                    (ChoiceEvent.Act.given, about(for: ["billing"])),
                    (.optedIn, about(nil, ["payment"], for: ["billing"])), (.given, about()),
                ] { judge.denies(Ask(.use, [one], for: "billing.payment").after(act), by: "P2a.10") }
                judge.denies(
                    Ask(.collect, [one], for: "marketing.email").after((.optedIn, about(for: ["marketing"]))),
                    by: "P2a.10")
                let paying = Ask(.use, [one], for: "billing.payment").after(given)
                judge.allows(paying)
                judge.denies(paying.with { $0.subject.id = Identifier(high: 9, low: 9) }, by: "P2a.10")
                judge.denies(paying.with { $0.subject.id = nil }, by: "P2a.10")
                let everything = (ChoiceEvent.Act.given, about(nil, ["payment", "identity"]))
                judge.denies(Ask(.use, [one], for: "billing.payment", about: .endUserOfCustomer).after(everything))
                judge.denies(Ask(.use, [one], for: "billing.payment", to: Recipient(.partner, "p")).after(everything))
                judge.denies(Ask(.contactByEmail, [one], for: "billing.payment").after(everything))
                judge.denies(Ask(.use, [one], for: "analytics.trends").after(everything))
            }
            judge.denies(Ask(.use, ["identity.name"], for: "billing.payment").after((.given, toEverything)))
        },
        ClauseCheck("P2b.1") { judge in
            for one in ["thirdParty.userID", "thirdParty.accessToken", "thirdParty.permitted", "thirdParty.public"] {
                for aim in ["service.operate", "service.execute"] {
                    let ask = Ask(.collect, [one], for: aim, from: .thirdParty)
                    judge.allows(ask.facts("connection.onFile"), by: "P2b.1")
                    judge.denies(ask)
                    judge.denies(ask.facts(no: ["connection.onFile"]))
                }
            }
            let ask = Ask(.collect, ["thirdParty.userID"], for: "service.operate", from: .thirdParty).facts(
                "connection.onFile")
            judge.denies(ask.with { $0.purpose = purpose("marketing.email") })
            judge.denies(ask.with { $0.operation = .share })
            judge.denies(ask.with { $0.recipient = Recipient(.partner, "p") })
            judge.denies(
                Ask(.collect, ["thirdParty.userID"], for: "service.operate", from: .observed).facts("connection.onFile")
            )
            judge.denies(
                Ask(.collect, ["contact.email"], for: "service.operate", from: .thirdParty).facts("connection.onFile"))
        },
        ClauseCheck("P2b.2") { judge in
            let ask = Ask(.collect, ["thirdParty.permitted"], for: "service.operate", from: .thirdParty).facts(
                "connection.onFile")
            judge.allows(ask, by: "P2b.2", duty: .noticeThirdPartySettings)
        },
        ClauseCheck("P2h.1") { judge in
            let ask = Ask(.retain, ["credential.app"], for: "service.execute")
            judge.allows(ask.facts("credential.isSealed"), by: "P2h.1", duty: .encryptedAtRest)
            judge.denies(ask)
            judge.denies(ask.facts(no: ["credential.isSealed"]))
            for change: (inout UseRequest) -> Void in [
                { $0.operation = .use }, { $0.purpose = purpose("service.operate") },
                { $0.recipient = Recipient(.partner, "p") },
                { $0.data = .personal([category("contact.email"), category("credential.app")], from: [.provided]) },
            ] { judge.denies(ask.facts("credential.isSealed").with(change)) }
        },
        ClauseCheck("P2h.2") { judge in
            for operation in [UseOperation.collect, .use, .retain] {
                for who in Relationship.allCases {
                    let ask = Ask(
                        operation, ["appData"], for: "service.execute", from: .thirdParty, about: who, asProcessor: true
                    )
                    judge.allows(ask, by: "P2h.2")
                    judge.denies(ask.with { $0.role = .controller })
                    judge.denies(ask.with { $0.purpose = purpose("marketing.email") })
                    judge.denies(ask.with { $0.recipient = Recipient(.partner, "p") })
                }
            }
            judge.denies(Ask(.share, ["appData"], for: "service.execute", from: .thirdParty, asProcessor: true))
            judge.denies(Ask(.use, ["thirdParty.public"], for: "service.execute", from: .thirdParty, asProcessor: true))
        },
        ClauseCheck("P8.1") { judge in
            judge.allows(
                Ask(.use, ["appData"], for: "service.execute", from: .thirdParty, asProcessor: true), by: "P8.1")
            judge.denies(Ask(.use, ["appData"], for: "service.execute", from: .thirdParty))
        },
        ClauseCheck("P8.2") { judge in
            for one in account + ["content.message", "content.user"] {
                let ask = Ask(.collect, [one], for: "service.operate")
                judge.allows(ask)
                judge.denies(ask.after((.refused, about([.collect], [one]))), by: "P8.2")
                judge.denies(ask.with { $0.subject.choices = nil }, by: "P8.2")
            }
            let third = Ask(.collect, ["thirdParty.public"], for: "service.operate", from: .thirdParty).facts(
                "connection.onFile")
            judge.denies(third.after((.refused, about([.collect]))), by: "P8.2")
            judge.denies(
                Ask(.collect, ["payment.card"], for: "billing.payment").after(
                    (.refused, about([.collect], ["payment"]))), by: "P8.2")
            // What ran out is not refused; what was refused can be given.
            let mail = about([.collect], ["contact.email"])
            judge.allows(
                Ask(.collect, ["contact.email"], for: "service.operate").after(
                    (.given, about(nil, ["contact.email"])), (.expired, about(nil, ["contact.email"]))))
            judge.allows(
                Ask(.collect, ["contact.email"], for: "service.operate").after((.refused, mail), (.given, mail)))
            judge.denies(Ask(.collect, ["contact.email"], for: "service.operate").after((.optedOut, mail)), by: "P8.2")
            judge.denies(
                Ask(.collect, ["contact.email"], for: "service.operate").after((.given, mail), (.refused, mail)),
                by: "P8.2")
            // Others are untouched.
            judge.allows(
                Ask(.collect, ["org.name"], for: "service.operate").after(
                    (.refused, about([.collect], ["contact.email"]))))
            judge.allows(
                Ask(.use, ["contact.email"], for: "service.operate").after((.refused, about(nil, ["contact.email"]))))
            judge.allows(
                Ask(.collect, ["log.ip"], for: "service.maintain", from: .observed).after((.refused, about([.collect])))
            )
            let features = [
                Feature("mail", required: [Ask(.collect, ["contact.email"], for: "service.operate").request]),
                Feature("name", required: [Ask(.collect, ["identity.name"], for: "service.operate").request]),
            ]
            let preview = judge.policy.impact(
                of: .refused, about([.collect], ["contact.email"]), on: .none, features: features)
            judge.expect(
                preview.features(.unavailable) == ["mail"] && preview.features(.unaffected) == ["name"],
                "\(preview.features)")
        },
        ClauseCheck("P8.4") { judge in
            let ask = Ask(.contactByEmail, ["contact.email"], for: "marketing.email")
            let states = [ChoiceEvent.Evidence.Channel.email, .unsubscribeLink].map { channel in
                ChoiceState(
                    of: Ask.subject,
                    folding: [
                        ChoiceEvent(
                            .optedOut, about(UseOperation.contact, for: ["marketing"]), by: Ask.subject, at: Ask.now,
                            under: "v",
                            evidence: .init(channel))
                    ], at: Ask.now)
            }
            judge.expect(states[0] == states[1], "channels differ")
            judge.denies(ask.with { $0.subject.choices = states[0] }, by: "P8.4")
            judge.allows(
                Ask(.contactByEmail, ["contact.email"], for: "communicate.service").with {
                    $0.subject.choices = states[0]
                })
            // Whoever wants no messages for anything gets none, of any kind.
            for operation in [UseOperation.contactByEmail, .contactByCall, .contactByText, .contactByPost] {
                for aim in ["communicate.service", "support.help", "research.product"] {
                    let out = (ChoiceEvent.Act.optedOut, about(UseOperation.contact, for: [aim]))
                    judge.denies(Ask(operation, ["contact.email"], for: aim).after(out), by: "P8.4")
                }
            }
            judge.allows(
                Ask(.use, ["contact.email"], for: "communicate.service").after(
                    (.optedOut, about(UseOperation.contact, for: ["communicate"]))))
        },
        ClauseCheck("P11.4") { judge in
            // What is there for accounts alone is for accounts alone, whatever the policy permits otherwise.
            for (one, aim) in [("contact.email", "marketing.email"), ("identity.name", "service.improve")] {
                let ask = Ask(.use, [one], for: aim)
                judge.allows(ask)
                judge.denies(ask.with { $0.retainedFor = [purpose("billing")] }, by: "P11.4")
                judge.denies(ask.with { $0.retainedFor = [] }, by: "P11.4")
            }
            let billing = Ask(.use, ["identity.name"], for: "billing.identification")
            judge.allows(billing.with { $0.retainedFor = [purpose("billing")] })
            judge.denies(billing.with { $0.retainedFor = [purpose("billing.identification.card")] }, by: "P11.4")
        },
        ClauseCheck("P12.1") { judge in
            // The day after 20,000 days: 2024-10-04.
            let day = CivilDay(daysSince1970: 20_000).components
            for one in account {
                let ask = Ask(.collect, [one], for: "service.operate")
                func born(_ years: Int, _ shift: Int) -> Ask {
                    ask.with {
                        $0.subject.birth = CivilDay(year: day.year - years, month: day.month, day: day.day)?.advanced(
                            byDays: shift)
                    }
                }
                judge.denies(born(12, 0), by: "P12.1")
                judge.denies(born(13, 1), by: "P12.1")
                judge.allows(born(13, 0))
                judge.allows(born(40, 0))
                judge.allows(ask)
            }
            let leap = Ask(.collect, ["identity.name"], for: "service.operate").with {
                $0.subject.birth = CivilDay(year: 2000, month: 2, day: 29)
            }
            judge.denies(leap.with { $0.day = CivilDay(year: 2013, month: 2, day: 28) ?? $0.day }, by: "P12.1")
            judge.allows(leap.with { $0.day = CivilDay(year: 2013, month: 3, day: 1) ?? $0.day })
            let child = Ask(.collect, ["log.ip"], for: "service.maintain", from: .observed, about: .visitor)
            judge.denies(child.with { $0.subject.birth = CivilDay(year: 2020, month: 1, day: 1) }, by: "P12.1")
            judge.allows(
                Ask(.use, ["identity.name"], for: "service.operate").with {
                    $0.subject.birth = CivilDay(year: 2020, month: 1, day: 1)
                })
        },
        ClauseCheck("P12.2") { judge in
            for one in account {
                for aim in purposesOfUse + marketing {
                    judge.allows(Ask(.collect, [one], for: aim, about: .visitor), by: "P12.2", duty: .ageGate)
                    let duties = judge.policy.decide(Ask(.collect, [one], for: aim).request).duties
                    judge.expect(!duties.contains(.ageGate), "a customer is asked for the age")
                }
            }
            for one in payment {
                judge.allows(
                    Ask(.collect, [one], for: "service.operate", about: .visitor).after((.given, billing)), by: "P12.2",
                    duty: .ageGate)
            }
            // It is asked where something is given, and for nothing else.
            for ask in [
                Ask(.use, ["identity.name"], for: "service.operate", about: .visitor),
                Ask(.collect, ["content.user"], for: "service.content", about: .visitor),
            ] {
                judge.allows(ask)
                judge.expect(!judge.policy.decide(ask.request).duties.contains(.ageGate), "the age is asked: \(ask)")
            }
            judge.denies(Ask(.collect, ["identity.name"], for: "service.operate", from: .observed, about: .visitor))
            judge.denies(
                Ask(.collect, ["identity.name"], for: "service.operate", to: Recipient(.partner), about: .visitor))
            judge.denies(Ask(.collect, ["identity.name"], for: "legal.enforceTerms", about: .visitor))
        },
        ClauseCheck("P12.3") { judge in
            let child = Ask(.collect, ["identity.name"], for: "service.operate").with {
                $0.subject.birth = CivilDay(year: 2020, month: 1, day: 1)
            }
            judge.denies(child.after((.given, toEverything)).facts("parent.permits"), by: "P12.3")
        },
    ]
}
