// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a word of the reference taxonomy is called in vocabularies of others. Where one has no such word it is the nearest broader one.
public struct ForeignTerm: Hashable, Sendable, Codable {
    /// The key of a data category or a data use of fideslang 2 (IAB Tech Lab), such as `user.contact.email`.
    public let fideslang: String?
    /// The term of the Data Privacy Vocabulary 2 (W3C DPVCG): `pd:EmailAddress` of its extension for personal data, `dpv:DirectMarketing` of its core.
    public let dpv: String?
}

extension Taxonomy {
    /// What the reference taxonomy's category, or the nearest one above it, is called elsewhere; `nil` for one that it has nothing of.
    public static func foreignTerm(for category: DataCategory) -> ForeignTerm? {
        term(of: category.path) { path in foreignCategories[path.description] }
    }

    /// What the reference taxonomy's purpose, or the nearest one above it, is called elsewhere; `nil` for one that it has nothing of.
    public static func foreignTerm(for purpose: Purpose) -> ForeignTerm? {
        term(of: purpose.path) { path in foreignPurposes[path.description] }
    }

    /// The reference taxonomy's categories of which a term is the nearest elsewhere, such as `user.contact.email` or `pd:EmailAddress`.
    public static func categories(called term: String) -> Set<DataCategory> {
        Set(foreignCategories.filter { $0.value.isCalled(term) }.compactMap { DataCategory($0.key) })
    }

    /// The reference taxonomy's purposes of which a term is the nearest elsewhere, such as `marketing.communications.email` or `dpv:DirectMarketing`.
    public static func purposes(called term: String) -> Set<Purpose> {
        Set(foreignPurposes.filter { $0.value.isCalled(term) }.compactMap { Purpose($0.key) })
    }

    private static func term(of path: Path, _ find: (Path) -> ForeignTerm?) -> ForeignTerm? {
        for length in stride(from: path.elements.count, to: 0, by: -1) {
            if let start = path.prefix(length), let found = find(start) { return found }
        }
        return nil
    }

    private static let foreignCategories = terms([
        ("identity.name", "user.name", "pd:Name"), ("contact.email", "user.contact.email", "pd:EmailAddress"),
        ("contact.phone", "user.contact.phone_number", "pd:TelephoneNumber"),
        ("payment.card", "user.financial.credit_card", "pd:PaymentCard"),
        ("payment.billing", "user.payment", "pd:Transactional"), ("org.name", "user.contact.organization", nil),
        ("org.website", "user.contact.url", nil), ("content.message", "user.content.private", "pd:Communication"),
        ("content.user", "user.content", "pd:Communication"), ("content.recipe", "user.content", nil),
        ("testimonial.name", "user.name", "pd:Name"), ("thirdParty.userID", "user.unique_id", "pd:UID"),
        ("thirdParty.accessToken", "user.authorization.credentials", "pd:Authenticating"),
        ("thirdParty.permitted", "user.demographic.profile", "pd:Profile"),
        ("thirdParty.public", "user.social", "pd:PubliclyAvailableSocialMedia"),
        ("credential.app", "user.authorization.credentials", "pd:Authenticating"),
        ("appData", "user", "dpv:PersonalData"),
        ("log.ip", "user.device.ip_address", "pd:IPAddress"), ("log.browser", "user.device", "pd:UserAgent"),
        ("log.isp", "user.device", "pd:DeviceBased"),
        ("log.pages", "user.behavior.browsing_history", "pd:BrowsingBehavior"),
        ("log.searches", "user.behavior.search_history", "pd:BrowsingBehavior"),
        ("log.os", "user.device", "pd:DeviceOperatingSystem"),
        ("log.time", "user.telemetry", "pd:ServiceConsumptionBehavior"),
        ("log.clickstream", "user.behavior", "pd:LinkClicked"),
        ("telemetry.page", "user.telemetry", "pd:BrowsingBehavior"),
        ("telemetry.addons", "user.telemetry", "pd:DeviceApplications"),
        ("telemetry.browser", "user.telemetry", "pd:UserAgent"),
        ("device.cookie", "user.device.cookie_id", "pd:Identifier"),
        ("device.identifier", "user.device.device_id", "pd:DeviceBased"),
        ("beacon.web", "user.behavior", "pd:Tracking"),
        ("beacon.email", "user.behavior", "pd:Tracking"),
        ("health.record", "user.health_and_medical", "pd:HealthRecord"), ("usage", "system.operations", nil),
    ])

    private static let foreignPurposes = terms([
        ("service.operate", "essential.service.operations", "dpv:ServiceProvision"),
        ("service.quality", "functional.service.improve", "dpv:ServiceOptimisation"),
        ("service.improve.general", "functional.service.improve", "dpv:ImproveExistingProductsAndServices"),
        ("service.improve.individual", "functional.service.improve", "dpv:OptimisationForConsumer"),
        ("service.personalize", "personalize", "dpv:ServicePersonalisation"),
        ("service.content", "functional.service", "dpv:RequestedServiceProvision"),
        ("service.administer", "operations", "dpv:AccountManagement"),
        ("service.maintain", "essential.service.operations", "dpv:TechnicalServiceProvision"),
        ("service.login", "essential.service.authentication", "dpv:IdentityAuthentication"),
        ("service.execute", "essential.service", "dpv:RequestedServiceProvision"),
        ("billing.identification", "essential.service.payment_processing", "dpv:PaymentManagement"),
        ("billing.payment", "essential.service.payment_processing", "dpv:PaymentManagement"),
        ("security.authentication", "essential.service.authentication", "dpv:IdentityAuthentication"),
        ("security.fraud", "essential.fraud_detection", "dpv:FraudPreventionAndDetection"),
        ("security.requestAccountInformation", "essential.service.security", "dpv:EnforceSecurity"),
        ("communicate.service", "essential.service.notifications", "dpv:CommunicationManagement"),
        ("support.help", "essential.service.operations.support", "dpv:CustomerCare"),
        ("support.troubleshoot", "essential.service.operations.support", "dpv:RepairImpairments"),
        ("marketing.materials", "marketing.communications", "dpv:DirectMarketing"),
        ("marketing.experience", "marketing.advertising", "dpv:Marketing"),
        ("marketing.targeted", "marketing.advertising.first_party.targeted", "dpv:TargetedAdvertising"),
        ("marketing.email", "marketing.communications.email", "dpv:DirectMarketing"),
        ("research.product", "functional.service.improve", "dpv:ResearchAndDevelopment"),
        ("research.market.internal", "analytics", "dpv:CommercialResearch"),
        ("analytics.trends", "analytics.reporting.system", "dpv:ServiceUsageAnalytics"),
        ("analytics.features", "analytics.reporting.system", "dpv:ServiceUsageAnalytics"),
        ("analytics.usage", "analytics.reporting.system", "dpv:ServiceUsageAnalytics"),
        ("analytics.traffic", "analytics.reporting.system", "dpv:ServiceUsageAnalytics"),
        ("analytics.reporting", "analytics.reporting", "dpv:ServiceUsageAnalytics"),
        ("analytics.email", "analytics.reporting.campaign_insights", "dpv:ServiceUsageAnalytics"),
        ("product.features", "functional.service.improve", "dpv:ImproveExistingProductsAndServices"),
        ("product.tailoring", "personalize.system", "dpv:ServicePersonalisation"),
        ("legal.enforceTerms", "essential.legal_obligation", "dpv:FulfilmentOfContractualObligation"),
        ("legal.process", "third_party_sharing.legal_obligation", "dpv:LegalCompliance"),
        ("legal.protection.illegalActs", "essential.legal_obligation", "dpv:MisusePreventionAndDetection"),
        ("legal.protection.fraud", "essential.fraud_detection", "dpv:FraudPreventionAndDetection"),
        ("legal.protection.safety", "essential.service.security", "dpv:ProtectionOfPublicSecurity"),
        ("legal.protection.terms", "essential.legal_obligation", "dpv:MisusePreventionAndDetection"),
        ("legal.protection.law", "essential.legal_obligation", "dpv:LegalCompliance"),
        ("transaction.succession", "operations", "dpv:OrganisationGovernance"),
        ("sites.remember", "functional.storage", "dpv:ServicePersonalisation"),
        ("sites.content", "personalize.content", "dpv:Personalisation"),
        ("sites.monitor", "analytics.reporting.content_performance", "dpv:ServiceUsageAnalytics"),
        ("sites.metrics", "analytics.reporting", "dpv:ServiceUsageAnalytics"),
        ("sites.diagnose", "essential.service.operations", "dpv:RepairImpairments"),
        ("sites.access", "essential.service.authentication", "dpv:EnforceAccessControl"),
        ("sites.update", "essential.service.upgrades", "dpv:TechnicalServiceProvision"),
    ])

    private static func terms(_ rows: [(name: String, fideslang: String?, dpv: String?)]) -> [String: ForeignTerm] {
        Dictionary(rows.map { ($0.name, ForeignTerm(fideslang: $0.fideslang, dpv: $0.dpv)) }) { first, _ in first }
    }
}

extension ForeignTerm {
    fileprivate func isCalled(_ term: String) -> Bool { fideslang == term || dpv == term }
}
