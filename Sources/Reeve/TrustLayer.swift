// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveAudit
public import ReeveModel
public import ReevePlans
public import ReevePrivacy
public import ReevePublishing
import ReeveStorage
public import ReeveVault

/// All of Reeve's rooms over one store: the place to start.
///
///     let trust = try await TrustLayer.inMemory(operator: .host("my-app"), reason: "trial")
///
/// Every room also works alone. All calls may be made concurrently.
public struct TrustLayer: Sendable {
    /// What can be set in each room; the defaults are visible in the rooms' own types.
    public struct Configuration: Hashable, Sendable, Codable {
        /// The vault's settings.
        public var vault: Vault.Configuration
        /// The plans on offer.
        public var catalogue: Catalogue
        /// How the plans' limits are shared among processes.
        public var tasks: TaskMeter.Configuration
        /// What personal data may be used for; without a policy no use is cleared. `ReferencePolicies` has one. A host
        /// whose subjects agreed to earlier versions gives all of them: `Privacy.update(as:_:)`.
        public var policy: PolicyVersion?
        /// How long personal data is kept.
        public var retention: RetentionSchedule
        /// By which days who asks about their data is answered; by default 30 business days, as the reference policy says.
        public var clocks: Clocks
        /// What may be published where, and how large a recipe may be.
        public var publishing: Publisher.Configuration
        /// The audit logs' settings.
        public var audit: AuditLog.Configuration

        /// A configuration; by default each room's own, no policy and no retention rules.
        public init(
            vault: Vault.Configuration = .init(), catalogue: Catalogue = .reference,
            tasks: TaskMeter.Configuration = .init(), policy: PolicyVersion? = nil,
            retention: RetentionSchedule = .init(rules: []), clocks: Clocks = .init([ReferenceClocks.privacy2016()]),
            publishing: Publisher.Configuration = .init(), audit: AuditLog.Configuration = .init()
        ) {
            self.audit = audit
            self.vault = vault
            self.catalogue = catalogue
            self.tasks = tasks
            self.policy = policy
            self.retention = retention
            self.clocks = clocks
            self.publishing = publishing
        }

        /// All defects of all rooms, each as a line; empty when there is none.
        public func validate() -> [String] {
            let privacy = (policy?.validate() ?? []) + retention.validate() + clocks.validate()
            return vault.validate() + catalogue.validate() + tasks.validate() + privacy + publishing.validate()
                + audit.validate()
        }
    }

    /// Decides who may do what; the only source of permits for the rooms below.
    public let access: AccessAuthority
    /// Keeps credentials under a hierarchy of keys.
    public let vault: Vault
    /// Says which plan a company is on.
    public let plans: Plans
    /// Admits jobs against the plan's limit.
    public let tasks: TaskMeter
    /// Scrubs recipes and publishes them.
    public let publisher: Publisher
    /// Clears uses of personal data, and keeps what subjects chose.
    public let privacy: Privacy
    /// Says what personal data must be kept and what must go.
    public let retention: Retention
    /// Answers what people ask about their data.
    public let requests: SubjectRequests
    /// Orders the audit trail, proves it and reads it.
    public let audit: AuditLog

    /// The names of the rooms' own places: a host's places have others.
    public static let roomLocations: Set<String> = [
        Vault.locationName, SealedRecords.locationName, Publisher.location, Plans.location, Privacy.choicesLocation,
        Privacy.customerLocation, AuditLog.logLocation, AuditLog.subjectLocation,
    ]

    /// Keeps pieces of personal data, each under a key of its own.
    public var sealed: SealedRecords { SealedRecords(vault: vault, retention: retention, access: access) }

    /// Hands over what subjects chose, what holds and what they asked to who takes the business over, and takes it.
    public var transfer: BusinessTransfer { BusinessTransfer(privacy: privacy, retention: retention) }

    /// Builds every room over the authority's store. Vault and plans share the keys of the audit's authenticated records, and the
    /// vault its ledger.
    ///
    /// `locations` are the places where the host keeps personal data: without one there is nothing to register, and nothing to erase. With a `taskJournal` a crash costs
    /// companies next to none of their tasks. Throws ``ConfigurationError`` with all defects when the
    /// configuration has any.
    public init(
        mainKeys: MainKeys, authority: AccessAuthority, audit keys: AuditKeys,
        sinks: [any AuditSink] = [], taskJournal: TaskJournal? = nil, locations: [any DataLocation] = [],
        configuration: Configuration = .init()
    ) throws(ConfigurationError) {
        let names = locations.map(\.name).filter(Self.roomLocations.contains)
        let taken = names.map { "locations: `\($0)` is a place of Reeve's own; give yours another name" }
        let defects = configuration.validate() + taken
        guard defects.isEmpty else { throw ConfigurationError(defects: defects) }
        access = authority
        vault = Vault(
            mainKeys: mainKeys, control: keys.control, ledger: keys.ledger, authority: authority,
            configuration: configuration.vault)
        plans = Plans(
            catalogue: configuration.catalogue, authority: authority, control: keys.control, journal: taskJournal)
        tasks = TaskMeter(plans: plans, configuration: configuration.tasks)
        publisher = Publisher(authority: authority, configuration: configuration.publishing)
        do throws(PrivacyDefects) {
            let policies = try configuration.policy.map(PolicyHistory.init(of:)) ?? PolicyHistory()
            privacy = Privacy(PrivacySettings(policies: policies), authority: authority, control: keys.control)
        } catch {
            throw ConfigurationError(defects: error.lines)
        }
        audit = AuditLog(authority: authority, keys: keys, sinks: sinks, configuration: configuration.audit)
        retention = Retention(
            schedule: configuration.retention, locations: locations,
            own: [
                VaultLocation(vault: vault, access: authority, plans: plans),
                SealedLocation(vault: vault, access: authority),
                PublicationsLocation(publisher: publisher, plans: plans), PlansLocation(plans: plans),
                ChoicesLocation(privacy: privacy), CustomerChoicesLocation(privacy: privacy, plans: plans),
                LogValuesLocation(audit: audit, plans: plans), SubjectValuesLocation(audit: audit),
            ], authority: authority, control: keys.control, ledger: keys.ledger)
        requests = SubjectRequests(clocks: configuration.clocks, retention: retention, privacy: privacy)
    }

    /// Everything in memory, under a main key that is gone with the process: for trials, examples and tests.
    ///
    /// One operator may do everything; the reason for having no roles is recorded.
    public static func inMemory(
        operator principal: ActContext.Actor, reason: String, locations: [any DataLocation] = [],
        configuration: Configuration = .init(), time: any TimeSource = SystemTime()
    ) async throws -> TrustLayer {
        let store = MemoryStore()
        let authority = try await AccessAuthority.soleOperator(principal, reason: reason, store: store, time: time)
        return try TrustLayer(
            mainKeys: MainKeys(LocalMainKey.ephemeral()), authority: authority,
            audit: AuditKeys.ephemeral(name: configuration.audit.origin, time: time), locations: locations,
            configuration: configuration)
    }

    /// Everything in memory, as ``inMemory(operator:reason:locations:configuration:time:)``, with roles: what the policy says is what
    /// goes. Its grants are the host's word, given by `actor` for a recorded reason.
    public static func inMemory(
        policy: AccessPolicy, by actor: ActContext.Actor, reason: String, locations: [any DataLocation] = [],
        configuration: Configuration = .init(), time: any TimeSource = SystemTime()
    ) async throws -> TrustLayer {
        let keys = try AuditKeys.ephemeral(name: configuration.audit.origin, time: time)
        let authority = try await AccessAuthority.create(
            policy, by: actor, reason: reason, store: MemoryStore(), keys: keys.control, time: time)
        return try TrustLayer(
            mainKeys: MainKeys(LocalMainKey.ephemeral()), authority: authority, audit: keys, locations: locations,
            configuration: configuration)
    }

    /// Does the background work that is due now: returns to the plans' counts what jobs did not use, wipes keys whose
    /// lifetime is over, erases personal data whose time is over, and sequences and signs the audit logs. What fails in one room keeps none of the others from theirs; the
    /// first error is thrown at the end.
    public func runOnce() async throws {
        var failure: (any Error)?
        for work in [vault.runOnce, tasks.settle, eraseDue, audit.runOnce] as [() async throws -> Void] {
            do {
                try await work()
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// As the schedule's rule, and nobody in person.
    private func eraseDue() async throws {
        let context = ActContext(actor: .rule("retention.schedule"), scope: .platform, origin: .background)
        _ = try await retention.eraseDue(as: context)
    }
}

/// All defects of a configuration.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The defects, each as a line.
    public let defects: [String]

    /// The defects, separated by semicolons.
    public var description: String { "the configuration has defects: " + defects.joined(separator: "; ") }
}
