// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension Taxonomy {
    /// The words of the reference policy.
    public static let reference = Taxonomy(
        categories: Set(referenceCategories.map { DataCategory(trusted: $0) }),
        purposes: Set(referencePurposes.map { Purpose(trusted: $0) }))

    private static let referenceCategories = [
        // What is given at registration (clause P2a.1).
        "identity.name", "contact.email", "contact.phone", "payment.card", "payment.billing", "org.name", "org.website",
        // What is written (clauses P2a.2, P2a.3).
        "content.message", "content.user", "content.recipe", "testimonial.name",
        // What connected apps convey (clauses P2b.1, P2h.1, P2h.2).
        "thirdParty.userID", "thirdParty.accessToken", "thirdParty.permitted", "thirdParty.public", "credential.app",
        "appData",
        // What logs, cookies, beacons and devices convey (clauses P2c.2, P2d.1, P2e.1, P2f.1, P2g.1).
        "log.ip", "log.browser", "log.isp", "log.pages", "log.searches", "log.os", "log.time", "log.clickstream",
        "telemetry.page", "telemetry.addons", "telemetry.browser", "device.cookie", "device.identifier", "beacon.web",
        "beacon.email",
        // What needs an agreement of its own (clause S1.1d), and usage data (clause P1.5).
        "health.record", "usage",
    ]

    private static let referencePurposes = [
        "service.operate", "service.quality", "service.improve.general", "service.improve.individual",
        "service.personalize", "service.content", "service.administer", "service.maintain", "service.login",
        "service.execute", "billing.identification", "billing.payment", "security.authentication", "security.fraud",
        "security.requestAccountInformation", "communicate.service", "support.help", "support.troubleshoot",
        "marketing.materials", "marketing.experience", "marketing.targeted", "marketing.email", "research.product",
        "research.market.internal", "analytics.trends", "analytics.features", "analytics.usage", "analytics.traffic",
        "analytics.reporting", "analytics.email", "product.features", "product.tailoring", "legal.enforceTerms",
        "legal.process", "legal.protection.illegalActs", "legal.protection.fraud", "legal.protection.safety",
        "legal.protection.terms", "legal.protection.law", "transaction.succession",
        // What device data is for (clause P2i.3); advertising is `marketing.targeted`.
        "sites.remember", "sites.content", "sites.monitor", "sites.metrics", "sites.diagnose", "sites.access",
        "sites.update",
    ]
}
