// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
public import ReeveStorage

extension AccessAuthority {
    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable, Codable {
        /// How long, in milliseconds, a change of the policy by another process may go unseen; 0 to 60,000.
        public var freshnessMilliseconds: Int
        /// The longest emergency grant, in seconds; 60 to 86,400.
        public var breakGlassSeconds: Int
        /// The longest time for approving a matter, in seconds; 60 to 2,592,000.
        public var matterSeconds: Int

        /// A configuration; by default a second, four hours and seven days.
        public init(freshnessMilliseconds: Int = 1000, breakGlassSeconds: Int = 14_400, matterSeconds: Int = 604_800) {
            self.freshnessMilliseconds = freshnessMilliseconds
            self.breakGlassSeconds = breakGlassSeconds
            self.matterSeconds = matterSeconds
        }

        /// All defects, each as a line; empty when there is none.
        public func validate() -> [String] {
            var defects = ConfigurationDefects()
            defects.check("freshnessMilliseconds", freshnessMilliseconds, 0...60_000)
            defects.check("breakGlassSeconds", breakGlassSeconds, 60...86_400)
            defects.check("matterSeconds", matterSeconds, 60...2_592_000)
            return defects.lines
        }
    }

    /// An authority for a host without roles: everything is allowed to one principal, nothing to anyone else.
    ///
    /// That the host has no roles is itself recorded, in the platform's log, before the authority exists. The reason
    /// must not be empty.
    public static func soleOperator(
        _ principal: ActContext.Actor, reason: String, store: any Store, time: any TimeSource = SystemTime()
    ) async throws(AccessError) -> AccessAuthority {
        guard reason.isReason else { throw AccessError(.reasonMissing) }
        let policy = try SoleOperatorPolicy(principal: principal)
        let trail = Trail(time: time)
        let entry = AuditEntry(
            at: time.now, context: ActContext(actor: principal, scope: .platform, origin: .background, reason: reason),
            action: "access.soleOperator", resource: "policy:\(policy.digest)", policy: policy.digest)
        do {
            try await store.record(entry, in: trail)
        } catch {
            throw AccessError(error)
        }
        return AccessAuthority(store: store, trail: trail, time: time, engine: .soleOperator(policy))
    }

    /// Puts a first policy into a store that has none, and returns the authority over it.
    ///
    /// The grants in it are the host's word, given by `actor`; everything after that goes by the policy's own rules.
    /// The records are authenticated with `keys`, and lie in the platform's partition. The last commit makes the policy
    /// count: after a crash before it, call this again. The reason must not be empty.
    public static func create(
        _ policy: AccessPolicy, by actor: ActContext.Actor, reason: String, store: any Store, keys: any ControlKeys,
        configuration: Configuration = Configuration(), time: any TimeSource = SystemTime()
    ) async throws(AccessError) -> AccessAuthority {
        guard reason.isReason else { throw AccessError(.reasonMissing) }
        var policy = policy
        for index in policy.grants.indices { policy.grants[index].by = actor }
        let compiled: CompiledPolicy
        do throws(PolicyDefects) {
            compiled = try policy.compile()
        } catch {
            throw AccessError(error)
        }
        let stored = stored(store, keys, configuration, time)
        let trail = Trail(time: time, sealer: keys as? any EntrySealer)
        let tables = stored.tables
        // What a crashed attempt left is replaced; a complete policy is not touched.
        let mine: Int64
        let leftRoles: [RoleName]
        let leftGrants: [Identifier<Grant>]
        (mine, leftRoles, leftGrants) = try await store.transaction {
            (transaction: inout Transaction<AccessError>) throws(AccessError) in
            try await ControlHead.createIfAbsent(.platform, keys: keys, in: &transaction)
            let head = try await tables.head.read(.platform, StoredPolicy.headID, in: &transaction)
            guard head?.isComplete != true else { throw AccessError(.alreadyThere) }
            let first = StoredPolicy.Head(
                version: (head?.version ?? 0) + 1, rules: policy.rules, permissions: policy.permissions,
                isComplete: false)
            try await tables.head.write(first, .platform, StoredPolicy.headID, in: &transaction)
            return (
                first.version, try await tables.roles.readAll(.platform, in: &transaction).map(\.name),
                try await tables.grants.readAll(.platform, in: &transaction).map(\.id)
            )
        }
        let roles = Set(policy.roles.map(\.name))
        let grants = Set(policy.grants.map(\.id))
        try await batches(policy.roles, store, tables, mine) { (role, tx) throws(AccessError) in
            try await tables.roles.write(role, .platform, [role.name.description], in: &tx)
        }
        try await batches(policy.grants, store, tables, mine) { (grant, tx) throws(AccessError) in
            try await tables.grants.write(grant, .platform, [grant.id.description], in: &tx)
        }
        try await batches(leftRoles.filter { !roles.contains($0) }, store, tables, mine) {
            (name, tx) throws(AccessError) in
            try await tables.roles.delete(.platform, [name.description], in: &tx)
        }
        try await batches(leftGrants.filter { !grants.contains($0) }, store, tables, mine) {
            (id, tx) throws(AccessError) in
            try await tables.grants.delete(.platform, [id.description], in: &tx)
        }
        let context = ActContext(actor: actor, scope: .platform, origin: .background, reason: reason)
        let (start, version) = (
            time.uptime,
            try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                guard var head = try await tables.head.read(.platform, StoredPolicy.headID, in: &transaction),
                    !head.isComplete, head.version == mine
                else { throw AccessError(.alreadyThere) }
                head.isComplete = true
                try await tables.head.write(head, .platform, StoredPolicy.headID, in: &transaction)
                let entry = AuditEntry(
                    at: time.now, context: context, action: "access.create", resource: "policy:\(compiled.digest)",
                    policy: compiled.digest, details: ["grants": String(policy.grants.count)])
                try transaction.record(entry, in: trail)
                return head.version
            }
        )
        stored.adopt(version, compiled, seen: start)
        return AccessAuthority(
            store: store, trail: trail, time: time, engine: .stored(stored), configuration: configuration)
    }

    /// The authority over the policy that a store holds. Fails when there is none, or when its records were tampered with.
    public static func open(
        store: any Store, keys: any ControlKeys, configuration: Configuration = Configuration(),
        time: any TimeSource = SystemTime()
    ) async throws(AccessError) -> AccessAuthority {
        let stored = stored(store, keys, configuration, time)
        _ = try await stored.current()
        return AccessAuthority(
            store: store, trail: Trail(time: time, sealer: keys as? any EntrySealer), time: time,
            engine: .stored(stored), configuration: configuration)
    }

    private static func stored(
        _ store: any Store, _ keys: any ControlKeys, _ configuration: Configuration, _ time: any TimeSource
    ) -> StoredPolicy {
        StoredPolicy(
            store: store, keys: keys, time: time,
            freshness: .milliseconds(min(max(configuration.freshnessMilliseconds, 0), 60_000)))
    }

    /// Writes many records in several commits, while the policy is not complete and nobody else has begun anew.
    private static func batches<Element: Sendable>(
        _ elements: [Element], _ store: any Store, _ tables: StoredPolicy.Tables, _ version: Int64,
        _ body: (Element, inout Transaction<AccessError>) async throws(AccessError) -> Void
    ) async throws(AccessError) {
        for start in stride(from: 0, to: elements.count, by: 16) {
            try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                let head = try await tables.head.read(.platform, StoredPolicy.headID, in: &transaction)
                guard head?.isComplete == false, head?.version == version else { throw AccessError(.alreadyThere) }
                for element in elements[start..<min(start + 16, elements.count)] {
                    try await body(element, &transaction)
                }
            }
        }
    }
}
