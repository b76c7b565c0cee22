// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

/// Clauses P2b.3 to P2g, P2i to P8.5, P10, P15 and S, from the text of the policy and not from the rules.
extension ClauseCheck {
    static let logs = [
        "log.ip", "log.browser", "log.isp", "log.pages", "log.searches", "log.os", "log.time", "log.clickstream",
    ]
    static let telemetry = ["telemetry.page", "telemetry.addons", "telemetry.browser"]
    static let analytics = [
        "analytics.trends", "analytics.features", "analytics.usage", "analytics.traffic", "analytics.reporting",
        "analytics.email",
    ]
    static let provider = Recipient(.serviceProvider, "hosting")
    /// Somebody whom no clause lets see anything.
    static let stranger = Recipient(.connectedApp, "stranger")
    static let devices: [DataOrigin] = [.deviceHardware, .deviceSoftware, .deviceAssigned]
    /// No payment data, which only its owner's authorisation opens, and no health data.
    static let shareable = [
        "identity.name", "contact.email", "org.name", "content.user", "telemetry.page", "log.ip", "appData",
    ]

    static let observed: [ClauseCheck] = [
        ClauseCheck("P2c.2") { judge in
            for one in telemetry {
                for aim in ["analytics.traffic", "analytics.usage"] {
                    for operation in [UseOperation.collect, .use] {
                        for near in [Identifiability.personal, .pseudonymous] {
                            judge.allows(Ask(operation, [one], for: aim, from: .observed, near), by: "P2c.2")
                        }
                    }
                }
            }
            let ask = Ask(.collect, ["telemetry.page"], for: "analytics.traffic", from: .observed)
            judge.denies(ask.with { $0.purpose = purpose("marketing.targeted") })
            judge.denies(ask.with { $0.recipient = stranger })
            judge.denies(ask.with { $0.operation = .retain })
            judge.denies(Ask(.collect, ["telemetry.page"], for: "analytics.traffic"))
            judge.denies(Ask(.collect, ["content.user"], for: "analytics.traffic", from: .observed))
        },
        ClauseCheck("P2c.3") { judge in
            for one in telemetry {
                for aim in ["service.operate", "service.personalize"] {
                    let ask = Ask(.combine, ["contact.email", one], for: aim)
                    judge.allows(ask, by: "P2c.3")
                    judge.expect(ask.request.data.identifiability == .personal, "not personal")
                }
            }
        },
        ClauseCheck("P2d.1") { judge in
            judge.expect(
                judge.policy.version.taxonomy.categories.filter { $0.path.elements[0] == "log" }.count == 8,
                "not eight logs")
            for one in logs {
                for aim in analytics + ["service.administer", "service.maintain"] {
                    for operation in [UseOperation.collect, .retain] {
                        judge.allows(Ask(operation, [one], for: aim, from: .observed), by: "P2d.1")
                    }
                }
            }
            let ask = Ask(.collect, ["log.ip"], for: "service.maintain", from: .observed)
            judge.denies(ask.with { $0.purpose = purpose("marketing.targeted") })
            judge.denies(ask.with { $0.recipient = stranger })
            judge.denies(ask.with { $0.operation = .share })
            judge.denies(Ask(.collect, ["log.ip"], for: "service.maintain"))
            judge.denies(Ask(.collect, ["appData"], for: "service.maintain", from: .observed))
        },
        ClauseCheck("P2d.2") { judge in
            for one in account {
                for log in logs {
                    judge.allows(Ask(.combine, [one, log], for: "service.improve.individual"), by: "P2d.2")
                }
            }
            let ask = Ask(.combine, ["contact.email", "log.ip"], for: "service.improve.individual")
            for aim in ["marketing.targeted", "service.improve.general", "service.improve", "analytics.trends"] {
                judge.denies(ask.with { $0.purpose = purpose(aim) })
            }
            judge.denies(ask.with { $0.operation = .share })
            judge.denies(ask.with { $0.recipient = stranger })
            judge.denies(Ask(.combine, ["appData", "log.ip"], for: "service.improve.individual"))
        },
        ClauseCheck("P2d.3") { judge in
            for one in logs {
                for aim in ["analytics.trends", "service.administer", "service.maintain", "analytics.features"] {
                    let ask = Ask(.use, [one], for: aim, from: .observed, .pseudonymous)
                    judge.allows(ask, by: "P2d.3")
                    judge.denies(Ask(.use, [one], for: aim, from: .observed))
                    judge.denies(
                        ask.with { ($0.operation, $0.recipient) = (.share, Recipient(.partner, "p")) }, by: "P2d.3")
                    judge.denies(ask.with { $0.recipient = stranger })
                    judge.denies(Ask(.use, [one], for: aim, .pseudonymous))
                }
            }
            for aim in [
                "analytics.trends", "service.administer", "service.maintain", "analytics.features", "sites.monitor",
            ] {
                judge.allows(Ask(.use, ["log"], for: aim, from: .observed, .pseudonymous))
            }
            judge.denies(Ask(.use, ["log.ip"], for: "service.personalize", from: .observed, .pseudonymous))
            judge.denies(Ask(.combine, ["log.ip"], for: "service.maintain", from: .observed, .pseudonymous))
            judge.denies(Ask(.use, ["appData"], for: "service.maintain", from: .observed, .pseudonymous))
        },
        ClauseCheck("P2e.1") { judge in
            for aim in ["service.login", "service.personalize", "marketing.experience"] {
                for operation in [UseOperation.storeOnDevice, .collect, .use] {
                    let ask = Ask(operation, ["device.cookie"], for: aim, from: .deviceAssigned, .pseudonymous).living(
                        "us")
                    judge.allows(ask, by: "P2e.1")
                    judge.denies(ask.with { $0.recipient = stranger })
                }
            }
            judge.denies(
                Ask(.storeOnDevice, ["device.cookie"], for: "marketing.email", from: .deviceAssigned, .pseudonymous)
                    .living("us"))
            judge.denies(
                Ask(.storeOnDevice, ["device.identifier"], for: "service.login", from: .deviceAssigned, .pseudonymous)
                    .living("us"))
            judge.denies(Ask(.share, ["device.cookie"], for: "service.login", from: .deviceAssigned, .pseudonymous))
        },
        ClauseCheck("P2e.2") { judge in
            for one in everything {
                judge.denies(
                    Ask(.storeOnDevice, ["device.cookie", one], for: "service.login").living("us"), by: "P2e.2")
            }
        },
        ClauseCheck("P2e.5") { judge in
            let ask = Ask(
                .storeOnDevice, ["device.cookie"], for: "service.personalize", from: .deviceAssigned, .pseudonymous)
            let consent = (ChoiceEvent.Act.given, about([.storeOnDevice], ["device.cookie"]))
            for place in ["de", "fr", "gb", "uk", "eu", "no"] {
                judge.denies(ask.living(place), by: "P2e.5")
                judge.denies(ask.living(place).facts(no: ["cookie.isEssential"]), by: "P2e.5")
                judge.allows(ask.living(place).facts(no: ["cookie.isEssential"]).after(consent), duty: .informCookies)
                judge.denies(ask.living(place).after(consent, (.withdrawn, consent.1)), by: "P2e.5")
                judge.allows(ask.living(place).facts("cookie.isEssential"), duty: .informCookies)
            }
            for place in ["ch", "de-by", "fr-75", "gb-eng", "eu-west-1", "gf"] {
                judge.denies(ask.living(place), by: "P2e.5")
            }
            // What is no place lies nowhere that anybody knows.
            for place in ["xx", "europe", "germany"] { judge.denies(ask.living(place), by: "P2e.5") }
            judge.allows(ask.living("us-ca"))
            // Consent to something else is none; who refuses gets what is essential.
            for act in [
                (ChoiceEvent.Act.optedIn, about(for: ["service"])), (.given, about(for: ["service"])),
                (.optedIn, consent.1),
            ] {
                judge.denies(ask.living("de").facts(no: ["cookie.isEssential"]).after(act), by: "P2e.5")
            }
            judge.allows(ask.living("de").facts("cookie.isEssential").after((.refused, about([.storeOnDevice]))))
            judge.allows(ask.living("de").facts("cookie.isEssential").after(consent, (.expired, consent.1)))
            judge.allows(ask.living("us"), by: "P2e.5", duty: .informCookies)
            judge.allows(ask.living("us").facts("cookie.isEssential"))
            // Where the subject lives nobody knows.
            judge.denies(ask, by: "P2e.5")
            judge.denies(
                Ask(.storeOnDevice, ["device.identifier"], for: "service.login", from: .deviceAssigned, .pseudonymous)
                    .living("de"), by: "P2e.5")
            judge.allows(
                Ask(.use, ["device.cookie"], for: "service.login", from: .deviceAssigned, .pseudonymous).living("de"))
        },
        ClauseCheck("P2f.1") { judge in
            for operation in [UseOperation.collect, .use] {
                let ask = Ask(operation, ["beacon.web"], for: "analytics.usage", from: .observed, .pseudonymous)
                judge.allows(ask, by: "P2f.1")
                judge.denies(Ask(operation, ["beacon.web"], for: "analytics.usage", from: .observed))
                judge.denies(ask.with { $0.recipient = stranger })
                judge.denies(ask.with { $0.purpose = purpose("marketing.email") })
                judge.denies(Ask(operation, ["beacon.web"], for: "analytics.usage", .pseudonymous))
                judge.denies(Ask(operation, ["beacon.email"], for: "analytics.usage", from: .observed, .pseudonymous))
            }
            judge.denies(Ask(.retain, ["beacon.web"], for: "analytics.usage", from: .observed, .pseudonymous))
            // With an identity it is no usage data.
            let joined = Ask(.share, ["beacon.web"], for: "analytics.usage", to: Recipient(.partner, "p"), .aggregate)
                .with { $0.data = $0.data.joined(with: .personal([category("identity.name")], from: [.observed])) }
            judge.denies(joined, by: "P1.8")
        },
        ClauseCheck("P2f.2") { judge in
            for operation in [UseOperation.collect, .use] {
                let ask = Ask(operation, ["beacon.email"], for: "analytics.email", from: .observed, .pseudonymous)
                judge.allows(ask, by: "P2f.2")
                judge.denies(Ask(operation, ["beacon.email"], for: "analytics.email", from: .observed))
                judge.denies(ask.with { $0.recipient = stranger })
                judge.denies(Ask(operation, ["beacon.email"], for: "analytics.email", .pseudonymous))
                judge.denies(Ask(operation, ["beacon.web"], for: "analytics.email", from: .observed, .pseudonymous))
                let mailing = ask.with { $0.purpose = purpose("marketing.email") }
                judge.allows(mailing, by: "P2f.2")
                judge.denies(mailing.after((.optedOut, about(for: ["marketing"]))), by: "P2a.5")
                judge.allows(ask.after((.optedOut, about(for: ["marketing"]))))
                judge.denies(ask.with { $0.purpose = purpose("marketing.materials") })
            }
            judge.denies(Ask(.retain, ["beacon.email"], for: "analytics.email", from: .observed, .pseudonymous))
        },
        ClauseCheck("P2f.3") { judge in
            for one in ["beacon.web", "beacon.email"] {
                for aim in ["analytics.reporting", "service.improve.general", "service.improve.individual"] {
                    let ask = Ask(.use, [one], for: aim, from: .observed, .pseudonymous)
                    judge.allows(ask, by: "P2f.3")
                    judge.denies(Ask(.use, [one], for: aim, from: .observed))
                    judge.denies(ask.with { $0.recipient = stranger })
                    judge.denies(Ask(.use, [one], for: aim, .pseudonymous))
                    judge.denies(ask.with { $0.operation = .collect })
                }
                judge.denies(Ask(.use, [one], for: "service.operate", from: .observed, .pseudonymous))
            }
            judge.denies(Ask(.use, ["log.ip"], for: "analytics.reporting", from: .observed, .pseudonymous))
        },
    ]

    static let device: [ClauseCheck] =
        [
            ClauseCheck("P2g.1") { judge in
                for origin in devices {
                    for operation in [UseOperation.collect, .use] {
                        for aim in ["service.operate", "service.login"] {
                            judge.allows(Ask(operation, ["device.identifier"], for: aim, from: origin), by: "P2g.1")
                        }
                    }
                }
                let ask = Ask(.collect, ["device.identifier"], for: "service.operate", from: .deviceHardware)
                judge.denies(ask.with { $0.purpose = purpose("marketing.email") })
                judge.denies(ask.with { $0.operation = .share })
                judge.denies(ask.with { $0.recipient = stranger })
                judge.denies(
                    Ask(
                        .collect, ["content.user"], for: "service.login", from: .deviceHardware,
                        about: .endUserOfCustomer))
            },
            ClauseCheck("P2g.2") { judge in
                for origin in devices {
                    judge.allows(Ask(.collect, ["device.identifier"], for: "service.login", from: origin), by: "P2g.2")
                }
                judge.denies(Ask(.collect, ["device.identifier"], for: "service.login"))
                judge.denies(Ask(.collect, ["device.identifier"], for: "service.login", from: .observed))
            },
            ClauseCheck("P2g.3") { judge in
                for one in telemetry {
                    judge.allows(
                        Ask(.collect, ["device.identifier", one], for: "service.login", from: .deviceSoftware),
                        by: "P2g.3")
                }
            },
            ClauseCheck("P2g.4") { judge in
                for origin in devices {
                    judge.allows(Ask(.retain, ["device.identifier"], for: "service.login", from: origin), by: "P2g.4")
                }
                let ask = Ask(.retain, ["device.identifier"], for: "service.login", from: .deviceAssigned)
                judge.denies(ask.with { $0.purpose = purpose("marketing.email") })
                judge.denies(ask.with { $0.recipient = stranger })
                judge.denies(ask.with { $0.operation = .publish })
                judge.denies(Ask(.retain, ["device.identifier"], for: "service.login"))
                judge.denies(Ask(.retain, ["device.cookie"], for: "service.login", from: .deviceAssigned))
            },
            ClauseCheck("P2g.5") { judge in
                let features = [
                    Feature(
                        "push",
                        required: [
                            Ask(.use, ["device.identifier"], for: "service.operate", from: .deviceHardware).request
                        ]),
                    Feature(
                        "login", required: [Ask(.use, ["identity.name"], for: "security.authentication").request],
                        optional: [
                            Ask(.use, ["device.identifier"], for: "service.login", from: .deviceHardware).request
                        ]),
                    Feature(
                        "mail", required: [Ask(.contactByEmail, ["contact.email"], for: "communicate.service").request]),
                ]
                let preview = judge.policy.impact(
                    of: .optedOut, about(nil, ["device.identifier"]), on: .none, features: features)
                judge.expect(
                    preview.features == ["push": .unavailable, "login": .degraded, "mail": .unaffected],
                    "\(preview.features)")
            },
            ClauseCheck("P8.3") { judge in
                let off = (ChoiceEvent.Act.optedOut, about(nil, ["device.cookie"]))
                for operation in [UseOperation.storeOnDevice, .collect, .use] {
                    let ask = Ask(
                        operation, ["device.cookie"], for: "service.personalize", from: .deviceAssigned, .pseudonymous
                    ).living("us")
                    judge.allows(ask)
                    judge.denies(ask.after(off), by: "P8.3")
                    judge.denies(ask.with { $0.subject.choices = nil }, by: "P8.3")
                    for one in ["device.identifier", "beacon.web", "beacon.email"] {
                        judge.denies(
                            Ask(operation, [one], for: "sites.monitor", from: .observed, .pseudonymous).after(
                                (.optedOut, about(nil, [one]))), by: "P8.3")
                    }
                }
                judge.allows(Ask(.use, ["log.pages"], for: "sites.monitor", from: .observed, .pseudonymous).after(off))
                judge.allows(
                    Ask(.use, ["identity.name"], for: "research.product").after((.optedOut, about(for: ["research"]))))
                judge.allows(
                    Ask(.retain, ["device.identifier"], for: "service.login", from: .deviceAssigned).after(
                        (.optedOut, about(nil, ["device"]))))
                let feature = Feature(
                    "remember me", required: [],
                    optional: [
                        Ask(
                            .storeOnDevice, ["device.cookie"], for: "service.login", from: .deviceAssigned,
                            .pseudonymous
                        ).living("us").request
                    ])
                judge.expect(
                    judge.policy.impact(of: off.0, off.1, on: .none, features: [feature]).features(.degraded) == [
                        "remember me"
                    ], "no impact")
            },
        ]
        + sitePurposes.map { letter, aim in
            ClauseCheck("P2i.3" + letter) { judge in
                for group in [["device.cookie"], logs, ["device.identifier"], ["beacon.web", "beacon.email"]] {
                    for one in group {
                        let near: Identifiability = letter == "d" ? .aggregate : .pseudonymous
                        let ask = Ask(.use, [one], for: aim, from: .observed, near)
                        judge.allows(ask, by: "P2i.3" + letter)
                        if letter == "d" {
                            judge.denies(Ask(.use, [one], for: aim, from: .observed, .pseudonymous))
                            judge.denies(
                                ask.with {
                                    $0.data = $0.data.joined(
                                        with: .pseudonymous([category("log.pages")], from: [.observed]))
                                })
                        }
                        judge.denies(Ask(.use, [one], for: aim, from: .observed))
                        judge.denies(ask.with { $0.recipient = stranger })
                        judge.denies(ask.with { $0.operation = .publish })
                        judge.denies(ask.with { $0.purpose = purpose("research.product") })
                    }
                }
                judge.denies(
                    Ask(.use, ["content.user"], for: aim, from: .observed, .pseudonymous, about: .endUserOfCustomer))
                judge.denies(Ask(.use, ["content.user"], for: aim, .aggregate))
                judge.denies(Ask(.combine, ["usage"], for: aim, .aggregate))
                judge.denies(Ask(.use, ["usage"], for: aim, to: stranger, .aggregate))
                judge.denies(Ask(.use, ["usage"], for: aim, from: .observed, .pseudonymous))
            }
        }

    private static let sitePurposes = [
        ("a", "sites.remember"), ("b", "sites.content"), ("c", "sites.monitor"), ("d", "sites.metrics"),
        ("e", "sites.diagnose"),
        ("f", "sites.access"), ("g", "marketing.targeted"), ("h", "sites.update"),
    ]

    static let shared: [ClauseCheck] = [
        ClauseCheck("P2b.3") { judge in
            for one in shareable {
                for aim in ["service.operate", "service.quality", "billing.payment"] {
                    let ask = Ask(.share, [one], for: aim, to: provider, from: .observed)
                    judge.allows(
                        ask.facts("recipient.isListed", no: ["recipient.isObjectedTo"]), by: "P2b.3",
                        duty: .recordDisclosure)
                    judge.allows(
                        ask.facts("recipient.isListed", no: ["recipient.isObjectedTo"]), duty: .encryptedInTransit)
                    judge.denies(ask)
                }
            }
            let ask = Ask(.share, ["contact.email"], for: "service.operate", to: provider).facts(
                "recipient.isListed", no: ["recipient.isObjectedTo"])
            judge.allows(ask)
            judge.denies(ask.with { $0.purpose = purpose("research.product") })
            judge.denies(ask.with { $0.operation = .publish })
            judge.denies(ask.with { $0.recipient = stranger })
            // A processor of cards, as its owner authorised.
            let card = Ask(.share, ["payment.card"], for: "billing.payment", to: provider).facts(
                "recipient.isListed", no: ["recipient.isObjectedTo"])
            judge.allows(card.after((.given, about([.share], ["payment.card"], for: ["billing"]))), by: "P2b.3")
            judge.denies(card)
        },
        ClauseCheck("P2b.4") { judge in
            for one in shareable {
                for aim in ["marketing.materials", "marketing.targeted", "marketing.experience", "marketing.email"] {
                    for operation in [UseOperation.share, .use, .combine, .contactByEmail] {
                        for near in [Identifiability.personal, .pseudonymous] {
                            let ask = Ask(operation, [one], for: aim, to: provider, from: .observed, near)
                            judge.denies(
                                ask.facts("recipient.isListed", no: ["recipient.isObjectedTo"]).after(
                                    (.given, toEverything)), by: "P2b.4")
                        }
                    }
                }
            }
            judge.allows(Ask(.share, ["log.pages"], for: "marketing.targeted", to: provider, .aggregate))
        },
        ClauseCheck("P2c.1") { judge in
            for one in telemetry {
                let ask = Ask(
                    .share, [one], for: "analytics.traffic", to: Recipient(.serviceProvider, "analytics"),
                    from: .observed, .pseudonymous)
                judge.allows(
                    ask.facts("recipient.isListed", no: ["recipient.isObjectedTo"]), by: "P2c.1",
                    duty: .recordDisclosure)
                judge.denies(ask)
                judge.denies(
                    ask.with { $0.recipient = stranger }.facts(
                        "recipient.isListed", no: ["recipient.isObjectedTo"]))
                judge.denies(
                    ask.with { $0.purpose = purpose("research.product") }.facts(
                        "recipient.isListed", no: ["recipient.isObjectedTo"]))
                judge.denies(
                    ask.with { $0.operation = .combine }.facts("recipient.isListed", no: ["recipient.isObjectedTo"]))
            }
            judge.denies(
                Ask(.share, ["content.user"], for: "analytics.traffic", to: provider).facts(
                    "recipient.isListed", no: ["recipient.isObjectedTo"]))
        },
        ClauseCheck("S2.6") { judge in
            for operation in [UseOperation.share, .transfer] {
                for near in [Identifiability.personal, .pseudonymous] {
                    let ask = Ask(operation, ["contact.email"], for: "service.operate", to: provider, near)
                        .facts("agreement.allowsDestination").living("us").going("us")
                    judge.allows(ask.facts("recipient.isListed", no: ["recipient.isObjectedTo"]))
                    judge.denies(ask.facts(no: ["recipient.isListed", "recipient.isObjectedTo"]), by: "S2.6")
                    judge.denies(ask.facts(no: ["recipient.isObjectedTo"]), by: "S2.6")
                    judge.denies(ask.facts("recipient.isListed", "recipient.isObjectedTo"), by: "S2.6")
                    judge.denies(ask.facts("recipient.isListed"), by: "S2.6")
                }
            }
            judge.denies(Ask(.share, ["contact.email"], for: "research.product", to: provider), by: "S2.6")
            judge.allows(Ask(.share, ["log.pages"], for: "service.operate", to: provider, .aggregate))
        },
        ClauseCheck("P8.5") { judge in
            let out = (ChoiceEvent.Act.optedOut, about([.share, .transfer], to: [.serviceProvider]))
            for one in shareable {
                let ask = Ask(.share, [one], for: "service.operate", to: provider, from: .observed).facts(
                    "recipient.isListed", no: ["recipient.isObjectedTo"])
                judge.allows(ask)
                judge.denies(ask.after(out), by: "P8.5")
                judge.denies(ask.with { $0.subject.choices = nil }, by: "P8.5")
            }
            for operation in [UseOperation.share, .transfer] {
                for near in [Identifiability.personal, .pseudonymous] {
                    judge.denies(
                        Ask(operation, ["contact.email"], for: "research.product", to: provider, near).after(out),
                        by: "P8.5")
                }
            }
            // Consent to something else lifts nothing; opting in to vendors does, to one of them for that one.
            let card = Ask(.share, ["payment.card"], for: "billing.payment", to: provider).facts(
                "recipient.isListed", no: ["recipient.isObjectedTo"])
            let paying = (ChoiceEvent.Act.given, about([.share], ["payment.card"], for: ["billing"]))
            judge.allows(card.after(paying))
            judge.denies(card.after(out, paying), by: "P8.5")
            let vendor = Ask(.share, ["contact.email"], for: "service.operate", to: provider).facts(
                "recipient.isListed", no: ["recipient.isObjectedTo"])
            judge.denies(vendor.after(out, (.optedIn, about(for: ["service"]))), by: "P8.5")
            judge.denies(vendor.after(out, (.given, about([.share], ["contact"], to: [.serviceProvider]))), by: "P8.5")
            judge.allows(vendor.after(out, (.optedIn, out.1)))
            judge.allows(vendor.after(out, (.optedIn, about([.share], to: [.serviceProvider], named: ["hosting"]))))
            judge.denies(
                vendor.after(out, (.optedIn, about([.share], to: [.serviceProvider], named: ["other"]))), by: "P8.5")
            // Of one vendor alone.
            let one = (ChoiceEvent.Act.optedOut, about([.share], named: ["analytics"]))
            let other = Ask(.share, ["contact.email"], for: "service.operate", to: provider).facts(
                "recipient.isListed", no: ["recipient.isObjectedTo"])
            judge.allows(other.after(one))
            judge.denies(other.with { $0.recipient = Recipient(.serviceProvider, "analytics") }.after(one), by: "P8.5")
            judge.denies(other.with { $0.recipient = Recipient(.serviceProvider) }.after(one), by: "P8.5")
            let listed: [Path: Truth] = [path("recipient.isListed"): .yes, path("recipient.isObjectedTo"): .no]
            let hosting = other.request
            let visits = Ask(
                .share, ["telemetry.page"], for: "analytics.traffic", to: Recipient(.serviceProvider, "analytics"),
                from: .observed
            )
            .with { $0.facts = listed }.request
            let features = [
                Feature("service", required: [hosting]), Feature("statistics", required: [], optional: [visits]),
            ]
            let preview = judge.policy.impact(of: out.0, out.1, on: .none, features: features)
            judge.expect(preview.features == ["service": .unavailable, "statistics": .degraded], "\(preview.features)")
            let nothing = (ChoiceEvent.Act.optedOut, about([.share]))
            let court = Ask(.share, ["contact.email"], for: "legal.process", to: Recipient(.authority, "case 1"))
            judge.allows(court.facts("legalProcess.onFile").after(nothing))
            // What the law asks for is not touched, nor what is about groups.
            judge.allows(
                Ask(.share, ["contact.email"], for: "legal.process", to: Recipient(.authority, "case 1")).facts(
                    "legalProcess.onFile"
                ).after(out))
            judge.allows(Ask(.share, ["log.pages"], for: "service.operate", to: provider, .aggregate).after(out))
        },
        ClauseCheck("P2i.1") { judge in
            for one in shareable {
                let ask = Ask(.share, [one], for: "legal.process", to: Recipient(.authority, "case 1"), from: .observed)
                judge.allows(ask.facts("legalProcess.onFile"), by: "P2i.1", duty: .recordDisclosure)
                judge.denies(ask)
                judge.denies(ask.facts(no: ["legalProcess.onFile"]))
                judge.denies(ask.facts("legalProcess.onFile").with { $0.recipient = Recipient(.partner, "p") })
                judge.denies(ask.facts("legalProcess.onFile").with { $0.purpose = purpose("research.product") })
                judge.denies(ask.facts("legalProcess.onFile").with { $0.operation = .publish })
            }
        },
        ClauseCheck("P2i.2") { judge in
            for ground in ["illegalActs", "fraud", "safety", "terms", "law"] {
                for one in shareable {
                    let ask = Ask(
                        .share, [one], for: "legal.protection." + ground, to: Recipient(.authority, "police"),
                        from: .observed)
                    judge.allows(
                        ask.facts("belief.hasGround", "belief.hasAuthor"), by: "P2i.2", duty: .recordDisclosure)
                    judge.denies(ask.facts("belief.hasGround"))
                    judge.denies(ask.facts("belief.hasAuthor"))
                    let believed = ask.facts("belief.hasGround", "belief.hasAuthor")
                    judge.denies(believed.with { $0.recipient = Recipient(.partner, "p") })
                    judge.denies(believed.with { $0.operation = .publish })
                    judge.denies(believed.with { $0.purpose = purpose("research.product") })
                }
            }
        },
        ClauseCheck("P2i.4") { judge in
            for one in account + ["content.message", "content.user", "log.ip", "telemetry.page"] {
                for aim in [
                    "service.operate", "service.content", "support.help", "support.troubleshoot", "communicate.service",
                    "marketing.materials",
                ] {
                    let ask = Ask(.share, [one], for: aim, to: Recipient(.affiliate, "sister"), from: .observed)
                    judge.allows(ask.facts("recipient.isGroupMember"), by: "P2i.4", duty: .recordDisclosure)
                    judge.denies(ask)
                    judge.denies(ask.facts(no: ["recipient.isGroupMember"]))
                }
            }
            let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.affiliate, "sister")).facts(
                "recipient.isGroupMember")
            judge.denies(ask.with { $0.recipient = Recipient(.partner, "sister") })
            judge.denies(ask.with { $0.operation = .publish })
            judge.denies(ask.with { $0.purpose = purpose("research.product") })
            judge.denies(
                Ask(.share, ["appData"], for: "service.operate", to: Recipient(.affiliate, "sister")).facts(
                    "recipient.isGroupMember"))
        },
        ClauseCheck("P3.1") { judge in
            let ask = Ask(.use, ["contact.email"], for: "service.operate", from: .external)
            judge.expect(judge.policy.decide(ask.request).reason == .outOfScope, "not out of scope")
        },
        ClauseCheck("P3.2") { judge in
            let friend = Recipient(.authorizedByUser, "friend")
            let grant = (ChoiceEvent.Act.given, about([.share], ["content"], named: ["friend"]))
            for one in ["content.user", "content.recipe", "content.message"] {
                let ask = Ask(.share, [one], for: "service.content", to: friend)
                judge.allows(ask.after(grant), by: "P3.2", duty: .recordDisclosure)
                judge.denies(ask)
                judge.denies(ask.after(grant, (.withdrawn, grant.1)))
                judge.denies(ask.after((.given, about([.share], ["content"], named: ["other"]))))
                judge.denies(ask.with { $0.subject.choices = nil })
                // Whoever is not named is nobody that was authorised.
                judge.denies(ask.after((.given, about([.share], ["content"]))))
                judge.denies(ask.with { $0.recipient = Recipient(.authorizedByUser) }.after(grant))
                judge.denies(ask.after(grant).with { $0.subject.id = Identifier(high: 9, low: 9) })
                let everything = (ChoiceEvent.Act.given, about(nil, ["content"], named: ["friend"]))
                judge.denies(ask.with { $0.recipient = Recipient(.partner, "friend") }.after(everything))
                judge.denies(ask.with { $0.purpose = purpose("research.product") }.after(everything))
                judge.denies(ask.with { $0.operation = .combine }.after(everything))
            }
            judge.denies(
                Ask(.share, ["contact.email"], for: "service.content", to: friend).after(
                    (.given, about(nil, ["contact"], named: ["friend"]))))
        },
        ClauseCheck("P3.3") { judge in
            for one in everything {
                let decision = judge.policy.decide(Ask(.use, [one], for: "service.operate", from: .external).request)
                judge.expect(!decision.applies && decision.permits.isEmpty && decision.forbids.isEmpty, "a rule fires")
            }
        },
        ClauseCheck("P4.1") { judge in
            let ask = Ask(.publish, ["content.user"], for: "service.content", to: .everyone)
            judge.allows(ask.facts("content.isPublic"), by: "P4.1", duty: .warnPublic)
            judge.denies(ask)
            judge.denies(ask.facts(no: ["content.isPublic"]))
            let shown = ask.facts("content.isPublic")
            judge.denies(shown.with { $0.recipient = Recipient(.partner, "p") })
            judge.denies(shown.with { $0.operation = .share })
            judge.denies(shown.with { $0.purpose = purpose("marketing.materials") })
            judge.denies(
                Ask(.publish, ["content.message"], for: "service.content", to: .everyone).facts("content.isPublic"))
        },
        ClauseCheck("P5.1") { judge in
            let ask = Ask(.publish, ["testimonial.name"], for: "marketing.materials", to: .everyone).with {
                $0.item = "t1@2"
            }
            let consent = (ChoiceEvent.Act.given, about([.publish], ["testimonial.name"], items: ["t1@2"]))
            judge.allows(ask.after(consent), by: "P5.1")
            judge.denies(ask)
            judge.denies(ask.after((.given, about([.publish], ["testimonial.name"], items: ["t1@1"]))))
            judge.denies(ask.with { $0.item = nil }.after(consent))
            judge.denies(ask.after((.given, about([.publish], ["testimonial.name"]))))
            judge.denies(ask.after((.optedIn, about(for: ["marketing"]))))
            judge.denies(ask.after(consent, (.withdrawn, consent.1)))
            let everything = (ChoiceEvent.Act.given, about(nil, ["testimonial", "identity"], items: ["t1@2"]))
            judge.denies(ask.with { $0.recipient = stranger }.after(everything))
            judge.denies(ask.with { $0.operation = .share }.after(everything))
            judge.denies(ask.with { $0.purpose = purpose("marketing.targeted") }.after(everything))
            judge.denies(
                Ask(.publish, ["identity.name"], for: "marketing.materials", to: .everyone).with { $0.item = "t1@2" }
                    .after(everything))
        },
        ClauseCheck("P7.1") { judge in
            for aim in ["service.operate", "service.content", "service.execute"] {
                let ask = Ask(.transfer, ["contact.email"], for: aim).living("us").going("ca")
                judge.allows(ask.facts("agreement.allowsDestination"), by: "P7.1")
                judge.denies(ask.facts(no: ["agreement.allowsDestination"]), by: "P7.1")
                judge.denies(ask, by: "P7.1")
                judge.denies(ask.going(nil), by: "P7.1")
                let vendor = ask.with { $0.recipient = provider }.facts(
                    "agreement.allowsDestination", "recipient.isListed", no: ["recipient.isObjectedTo"])
                judge.allows(vendor, by: "P7.1")
            }
            let ask = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").going("ca").facts(
                "agreement.allowsDestination")
            judge.denies(ask.with { $0.purpose = purpose("research.product") })
            judge.denies(ask.with { $0.recipient = stranger })
            judge.denies(ask.with { $0.operation = .publish })
            // Who shares with somebody abroad transfers as well.
            let abroad = Ask(.share, ["contact.email"], for: "service.operate", to: provider).living("us")
                .facts("recipient.isListed", no: ["recipient.isObjectedTo"])
            judge.allows(abroad)
            judge.denies(abroad.going("ca"), by: "P7.1")
            judge.denies(abroad.going("ca").facts(no: ["agreement.allowsDestination"]), by: "P7.1")
            judge.allows(abroad.going("ca").facts("agreement.allowsDestination"))
            judge.denies(
                Ask(.share, ["log.pages"], for: "service.operate", to: provider, .aggregate).going("ca").facts(no: [
                    "agreement.allowsDestination"
                ]),
                by: "P7.1")
        },
        ClauseCheck("P7.3") { judge in
            let ask = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").going("ca").facts(
                "agreement.allowsDestination")
            judge.allows(ask, by: "P7.3", duty: .noticeDifferentLaw)
            judge.allows(ask, duty: .encryptedInTransit)
        },
        ClauseCheck("P15.1") { judge in
            for operation in [UseOperation.share, .transfer] {
                for one in shareable {
                    let ask = Ask(
                        operation, [one], for: "transaction.succession", to: Recipient(.acquirer, "buyer"),
                        from: .observed
                    )
                    .living("us").going("us").facts("agreement.allowsDestination")
                    judge.allows(
                        ask.facts("recipient.isSuccessor", "recipient.isBound"), by: "P15.1", duty: .recordDisclosure)
                    judge.denies(ask.facts("recipient.isBound"))
                    judge.denies(ask.facts("recipient.isBound", no: ["recipient.isSuccessor"]))
                    let sold = ask.facts("recipient.isSuccessor", "recipient.isBound")
                    judge.denies(sold.with { $0.recipient = Recipient(.partner, "buyer") })
                    judge.denies(sold.with { $0.purpose = purpose("research.product") })
                    judge.denies(sold.with { $0.operation = .combine })
                }
            }
        },
        ClauseCheck("P15.2") { judge in
            let ask = Ask(
                .transfer, ["contact.email"], for: "transaction.succession", to: Recipient(.acquirer, "buyer")
            )
            .living("us").going("us").facts("agreement.allowsDestination", "recipient.isSuccessor")
            judge.denies(ask)
            judge.denies(ask.facts(no: ["recipient.isBound"]))
            judge.allows(ask.facts("recipient.isBound"), by: "P15.2")
        },
        ClauseCheck("S1.1c") { judge in
            let consent = (ChoiceEvent.Act.given, about(nil, ["payment"]))
            for one in payment {
                for who in users {
                    for aim in ["billing.payment", "billing.identification"] {
                        let ask = Ask(.retain, [one], for: aim, about: who).after(consent)
                        judge.allows(ask.facts("attested.pci"), by: "S1.1c")
                        if one == "payment.card" {
                            judge.denies(ask, by: "S1.1c")
                            judge.denies(ask.facts(no: ["attested.pci"]), by: "S1.1c")
                        }
                        judge.denies(Ask(.retain, [one], for: aim, about: who).facts("attested.pci"))
                    }
                }
                let kept = Ask(.retain, [one], for: "billing.payment").after(consent).facts("attested.pci")
                judge.denies(kept.with { $0.recipient = Recipient(.partner, "p") })
                judge.denies(kept.with { $0.subject.relationship = .endUserOfCustomer })
                judge.denies(kept.with { $0.purpose = purpose("analytics.trends") })
                judge.denies(kept.with { $0.operation = .combine })
            }
            judge.allows(Ask(.retain, ["payment.billing"], for: "billing.payment").after(consent))
            judge.allows(Ask(.use, ["payment.card"], for: "billing.payment").after(consent))
            judge.denies(Ask(.retain, ["contact.email"], for: "billing.payment").after((.given, toEverything)))
        },
        ClauseCheck("S1.1d") { judge in
            for operation in [UseOperation.collect, .use, .retain] {
                for who in Relationship.allCases {
                    let ask = Ask(
                        operation, ["health.record"], for: "service.execute", from: .thirdParty, about: who,
                        asProcessor: true)
                    judge.allows(ask.facts("agreement.businessAssociate"), by: "S1.1d")
                    judge.denies(ask, by: "S1.1d")
                    judge.denies(ask.facts(no: ["agreement.businessAssociate"]), by: "S1.1d")
                }
            }
            let ask = Ask(.use, ["health.record"], for: "service.execute", from: .thirdParty, asProcessor: true).facts(
                "agreement.businessAssociate")
            judge.denies(ask.with { $0.role = .controller })
            judge.denies(ask.with { $0.recipient = stranger })
            judge.denies(ask.with { $0.purpose = purpose("research.product") })
            judge.denies(ask.with { $0.operation = .combine })
            for operation in UseOperation.allCases {
                judge.denies(Ask(operation, ["health.record"], for: "marketing.email"), by: "S1.1d")
            }
            judge.denies(
                Ask(.use, ["contact.email"], for: "service.execute", from: .thirdParty, asProcessor: true).facts(
                    "agreement.businessAssociate"))
        },
        ClauseCheck("S1.1e") { judge in
            for operation in [UseOperation.retain, .transfer] {
                let ask = Ask(operation, ["identity.name"], for: "service.operate").living("au").going("au").facts(
                    "agreement.allowsDestination")
                judge.allows(ask)
                judge.denies(ask.facts("customer.isAustralianGovernment"), by: "S1.1e")
                judge.denies(ask.facts("customer.isAustralianGovernment", no: ["attested.irap"]), by: "S1.1e")
                judge.allows(ask.facts("customer.isAustralianGovernment", "attested.irap"))
            }
            judge.allows(Ask(.use, ["identity.name"], for: "service.operate").facts("customer.isAustralianGovernment"))
        },
        ClauseCheck("S2.2") { judge in
            // A vendor is a name: another one with the same facts, wherever it sits, is answered alike.
            for operation in UseOperation.allCases {
                for one in shareable {
                    let answers = ["vendor-de", "vendor-us", "vendor-in"].map { name in
                        judge.policy.decide(
                            Ask(
                                operation, [one], for: "service.operate", to: Recipient(.serviceProvider, name),
                                from: .observed
                            ).living("de").going("us")
                                .facts(
                                    "recipient.isListed", "agreement.allowsDestination", no: ["recipient.isObjectedTo"]
                                ).request
                        ).description
                    }
                    judge.expect(Set(answers).count == 1, "\(operation) \(one) depends on the vendor")
                }
            }
            // The customer's region decides.
            let ask = Ask(.storeOnDevice, ["device.cookie"], for: "service.login", from: .deviceAssigned, .pseudonymous)
            judge.denies(ask.living("de"))
            judge.allows(ask.living("us"))
        },
        ClauseCheck("S2.3") { judge in
            let terms = [
                "agreement.hasProcessingTerms", "agreement.processingTermsIncorporated", "transfer.hasMechanism",
            ]
            for near in [Identifiability.personal, .pseudonymous] {
                for place in ["de", "fr", "uk", "eu"] {
                    let ask = Ask(.transfer, ["contact.email"], for: "service.operate", near).living(place).going("us")
                        .facts("agreement.allowsDestination")
                    judge.denies(ask, by: "S2.3")
                    judge.allows(ask.facts(terms[0], terms[1], terms[2]))
                    for missing in terms {
                        let others = terms.filter { $0 != missing }
                        judge.denies(ask.facts(others[0], others[1]), by: "S2.3")
                        judge.denies(ask.facts(others[0], others[1], no: [missing]), by: "S2.3")
                    }
                    judge.allows(ask.going("fr"))
                    judge.denies(ask.going(nil), by: "S2.3")
                }
                let home = Ask(.transfer, ["contact.email"], for: "service.operate", near).facts(
                    "agreement.allowsDestination")
                judge.allows(home.living("us").going("de"))
                // Where the subject lives nobody knows.
                judge.denies(home.going("us"), by: "S2.3")
            }
            for near in [Identifiability.personal, .pseudonymous] {
                let share = Ask(.share, ["telemetry.page"], for: "service.operate", to: provider, from: .observed, near)
                    .living("de")
                    .facts("recipient.isListed", "agreement.allowsDestination", no: ["recipient.isObjectedTo"])
                judge.allows(share)
                judge.denies(share.going("us"), by: "S2.3")
                judge.denies(share.going("us").facts(terms[0], terms[1]), by: "S2.3")
                judge.denies(share.going("us").living(nil), by: "S2.3")
                judge.allows(share.going("us").facts(terms[0], terms[1], terms[2]))
                judge.allows(share.going("fr"))
                judge.allows(share.going("us").living("us"))
            }
            judge.allows(
                Ask(.share, ["log.pages"], for: "service.operate", to: provider, .aggregate).living("de").going("us")
                    .facts("agreement.allowsDestination"))
            judge.denies(
                Ask(.transfer, ["contact.email"], for: "service.operate").living("ch").going("us").facts(
                    "agreement.allowsDestination"), by: "S2.3")
            // Figures about groups are nobody's.
            judge.allows(
                Ask(.transfer, ["log.pages"], for: "service.operate", .aggregate).living("de").going("us")
                    .facts("agreement.allowsDestination"))
        },
        ClauseCheck("P10.1") { judge in
            for one in everything {
                for operation in UseOperation.allCases {
                    let ask = Ask(operation, [one], for: "analytics.traffic", from: .observed)
                    let answers = [Truth.yes, .no, .unknown].map { truth in
                        judge.policy.decide(ask.with { $0.facts[path("signal.doNotTrack")] = truth }.request).isAllowed
                    }
                    judge.expect(Set(answers).count == 1, "Do Not Track changes something: \(ask)")
                }
            }
            judge.expect(
                !judge.policy.version.rules.contains { $0.when.facts.contains(path("signal.doNotTrack")) },
                "a rule asks for it")
        },
    ]

    static let all = collected + observed + device + shared
}
