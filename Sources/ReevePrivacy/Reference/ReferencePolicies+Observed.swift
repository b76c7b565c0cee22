// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension ReferencePolicies {
    /// Usage data, telemetry and logs (clauses P1.6, P2c.2, P2d.1 to P2d.3).
    static let observed: [UseRule] = [
        permit(
            "usage.use", ["P1.6"],
            scope([.use], nil, for: ["analytics", "product"], to: [.own], as: [.controller], .aggregate)),
        permit(
            "telemetry.collect", ["P2c.2"],
            scope(
                [.collect, .use], ["telemetry"], for: ["analytics.traffic", "analytics.usage"], to: [.own],
                from: [.observed])),
        permit(
            "log.collect", ["P2d.1"],
            scope(
                [.collect, .retain], ["log"], for: ["service.administer", "service.maintain", "analytics"], to: [.own],
                from: [.observed])),
        permit(
            "log.individual", ["P2d.2"],
            scope([.combine], account + ["log"], for: ["service.improve.individual"], to: [.own])),
        permit(
            "log.use", ["P2d.3"],
            scope(
                [.use], ["log"],
                for: ["analytics.trends", "service.administer", "service.maintain", "analytics.features"],
                to: [.own], from: [.observed], .pseudonymous)),
    ]

    /// Cookies, beacons and device identifiers (clauses P2e.1 to P2g.4, P2i.3, P8.3).
    static let device: [UseRule] =
        [
            permit(
                "cookie.store", ["P2e.1", "P2e.5"],
                scope(
                    [.storeOnDevice, .collect, .use], ["device.cookie"],
                    for: ["service.login", "service.personalize", "marketing.experience"], to: [.own]),
                duties: [.informCookies]),
            forbid("cookie.personal", ["P2e.2"], scope([.storeOnDevice], .personal)),
            forbid(
                "cookie.consent", ["P2e.5"], scope([.storeOnDevice]),
                when: .all([.fact(residence(consentRegions)), .not(given), not("cookie.isEssential")])),
            permit(
                "beacon.web", ["P2f.1"],
                scope(
                    [.collect, .use], ["beacon.web"], for: ["analytics.usage"], to: [.own], from: [.observed],
                    .pseudonymous)),
            permit(
                "beacon.email", ["P2f.2"],
                scope(
                    [.collect, .use], ["beacon.email"], for: ["analytics.email", "marketing.email"], to: [.own],
                    from: [.observed],
                    .pseudonymous)),
            permit(
                "beacon.report", ["P2f.3"],
                scope(
                    [.use], ["beacon"], for: ["analytics.reporting", "service.improve"], to: [.own], from: [.observed],
                    .pseudonymous)),
            permit(
                "device.identifier", ["P2g.1", "P2g.2", "P2g.3"],
                scope(
                    [.collect, .use], ["device.identifier", "telemetry"], for: ["service.operate", "service.login"],
                    to: [.own],
                    from: DataOrigin.device)),
            permit(
                "device.persist", ["P2g.4"],
                scope([.retain], ["device.identifier"], for: ["service.login"], to: [.own], from: DataOrigin.device)),
            forbid(
                "cookie.optOut", ["P8.3"],
                scope([.storeOnDevice, .collect, .use], ["device", "beacon"], .pseudonymous), when: optedOut),
        ] + uses

    /// What cookies, logs, device identifiers and beacons are used for: each group for each purpose (clause P2i.3).
    private static let uses: [UseRule] = sitePurposes.flatMap { letter, purpose, limit in
        let groups = [
            ("cookie", "device.cookie"), ("log", "log"), ("identifier", "device.identifier"), ("beacon", "beacon"),
        ]
        return (limit == .aggregate ? groups + [("usage", "usage")] : groups).map { group, category in
            UseRule(
                .permit, Path(trusted: "sites.\(letter).\(group)"),
                scope([.use], [category], for: [purpose], to: [.own], limit),
                clauses: [ClauseReference(trusted: "P2i.3" + letter)])
        }
    }

    private static let sitePurposes: [(letter: String, purpose: String, limit: Identifiability)] = [
        ("a", "sites.remember", .pseudonymous), ("b", "sites.content", .pseudonymous),
        ("c", "sites.monitor", .pseudonymous),
        // Metrics are about groups.
        ("d", "sites.metrics", .aggregate), ("e", "sites.diagnose", .pseudonymous),
        ("f", "sites.access", .pseudonymous),
        ("g", "marketing.targeted", .pseudonymous), ("h", "sites.update", .pseudonymous),
    ]

    static func residence(_ regions: String) -> Path { Path(trusted: "\(DerivedFact.residence).\(regions)") }
    static func destination(_ regions: String) -> Path { Path(trusted: "\(DerivedFact.destination).\(regions)") }
}
