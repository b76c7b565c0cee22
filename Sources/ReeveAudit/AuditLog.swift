// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
public import ReeveStorage
import Synchronization

/// Orders the audit entries that rooms committed with their acts, proves that none was changed, and answers questions.
///
/// ``runOnce()`` or ``work`` sequences what is pending into one Merkle tree for each workspace and one for the platform,
/// anchors and signs checkpoints, and streams to sinks. Every read is itself recorded before it happens. All calls may be
/// made concurrently.
public final class AuditLog: Sendable {
    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable, Codable {
        /// What the logs' origins begin with, such as `example.com/audit`; a log's name follows.
        public var origin: String
        /// How often the sequencer runs, in milliseconds; 10 to 3,600,000.
        public var intervalMilliseconds: Int
        /// How long a missing number is waited for before it is declared a gap, in seconds; 0 to 86,400.
        public var gapSeconds: Int
        /// Whether all tiles are checked when a process first works on a log.
        public var checksTilesAtStart: Bool
        /// How far behind a sink may be before an alarm, in entries; at least 1.
        public var sinkLagEntries: Int
        /// For how many days entries must be kept: pruning takes none that is younger; 0 to 36,500.
        public var retentionDays: Int
        /// How many tiles of 11 kB are kept in memory for proofs, of all logs together: those that this process has filled, and
        /// those that proofs have asked for, the latest first; 1 to 1,000,000. By default as many as a million entries have.
        public var cachedTiles: Int

        /// A configuration; by default once a second, gaps after a minute, kept for a year.
        public init(
            origin: String = "localhost/reeve", intervalMilliseconds: Int = 1000, gapSeconds: Int = 60,
            checksTilesAtStart: Bool = true, sinkLagEntries: Int = 10_000, retentionDays: Int = 365,
            cachedTiles: Int = 4096
        ) {
            self.origin = origin
            self.intervalMilliseconds = intervalMilliseconds
            self.gapSeconds = gapSeconds
            self.checksTilesAtStart = checksTilesAtStart
            self.sinkLagEntries = sinkLagEntries
            self.retentionDays = retentionDays
            self.cachedTiles = cachedTiles
        }

        /// The configuration with every number within its bounds.
        var bounded: Configuration {
            var copy = self
            copy.intervalMilliseconds = min(max(intervalMilliseconds, 10), 3_600_000)
            copy.gapSeconds = min(max(gapSeconds, 0), 86_400)
            copy.sinkLagEntries = max(sinkLagEntries, 1)
            copy.retentionDays = min(max(retentionDays, 0), 36_500)
            copy.cachedTiles = min(max(cachedTiles, 1), 1_000_000)
            return copy
        }

        /// All defects, each as a line; empty when there is none. Numbers out of bounds are taken as the nearest bound.
        public func validate() -> [String] {
            var defects = ConfigurationDefects()
            defects.check(VerifierKey.isName(origin), "origin must not be empty, or have white space or `+`")
            defects.check("intervalMilliseconds", intervalMilliseconds, 10...3_600_000)
            defects.check("gapSeconds", gapSeconds, 0...86_400)
            defects.check(sinkLagEntries >= 1, "sinkLagEntries must be at least 1")
            defects.check("retentionDays", retentionDays, 0...36_500)
            defects.check("cachedTiles", cachedTiles, 1...1_000_000)
            return defects.lines
        }
    }

    let store: any Store
    let authority: AccessAuthority
    let keys: AuditKeys
    let configuration: Configuration
    let sinks: [any AuditSink]
    let signals: any SignalHandler
    let leases: Leases
    let cache: TileCache
    /// Whether an entry without a seal is a cause for alarm.
    let expectsSeals: Bool
    /// The clocks when this was made, to see later whether the wall clock went its own way.
    private let clocks: ClockWatch

    /// A log as this process last left it, and how far its checkpoints were looked at.
    struct Standing: Sendable {
        var live: LogSequencer.Live
        /// The size of the newest signed checkpoint.
        var signed: Int
        /// How many lines of the ledger were verified.
        var verified = 0
        /// Whether nothing has failed since: else what is stored is looked at again.
        var isSure = true
    }
    let standings = Mutex<[Partition: Standing]>([:])
    /// What this process said last of what it committed.
    let announced = Mutex<[Partition: Int64]>([:])
    let isPrepared = Mutex(false)

    /// The logs of the authority's store.
    public init(
        authority: AccessAuthority, keys: AuditKeys, sinks: [any AuditSink] = [],
        configuration: Configuration = Configuration(), signals: any SignalHandler = NoSignals()
    ) {
        store = authority.store
        self.authority = authority
        self.keys = keys
        self.sinks = sinks
        self.configuration = configuration.bounded
        self.signals = signals
        leases = Leases(store: authority.store, time: authority.time)
        cache = TileCache(capacity: configuration.cachedTiles)
        clocks = ClockWatch(authority.time)
        // An authority that sealed from its beginning leaves no entry without a seal.
        expectsSeals = authority.trail.isSealedFromStart
        if let sealer = keys.control as? any EntrySealer { authority.trail.seal(with: sealer) }
    }

    /// Sequencing, signing and streaming as background work, safe on every node.
    public var work: PeriodicWork {
        PeriodicWork(
            "audit.sequence", every: .milliseconds(configuration.intervalMilliseconds), time: authority.time,
            signals: signals
        ) { [self] in try await runOnce() }
    }

    /// Entries of a scope's log. That they are read is recorded before they are.
    ///
    /// The permit is for `Resource.log(of:)` in exactly this scope; a scope narrower than the workspace shows its own
    /// entries alone. Complexity: O(entries looked at), the newest first.
    public func entries(
        of scope: Scope, matching query: AuditQuery = AuditQuery(), _ permit: Permit<ReadAudit>
    ) async throws(AuditError) -> AuditPage {
        let own = try await enter(permit, "audit.read", scope, details: details(of: query))
        return try await page(of: scope, query, without: own)
    }

    /// Entries of many workspaces' logs, for an auditor with a permit for each; by the scopes of the permits.
    public func entries(
        across permits: [Permit<ReadAudit>], matching query: AuditQuery = AuditQuery()
    ) async throws(AuditError) -> [Scope: AuditPage] {
        var pages: [Scope: AuditPage] = [:]
        for permit in permits {
            pages[permit.context.scope] = try await entries(of: permit.context.scope, matching: query, permit)
        }
        return pages
    }

    /// Proof that the entry at an index is in the log of the newest checkpoint. Complexity: O(log entries).
    public func proof(
        of index: Int, in scope: Scope, _ permit: Permit<ReadAudit>
    ) async throws(AuditError) -> InclusionProof {
        try await proofs(of: [index], in: scope, permit)[0]
    }

    /// Proofs for entries at several indices, all against the newest checkpoint, in the order of the indices.
    public func proofs(
        of indices: [Int], in scope: Scope, _ permit: Permit<ReadAudit>
    ) async throws(AuditError) -> [InclusionProof] {
        let details = ["indices": String(indices.count), "first": indices.first.map(String.init) ?? "none"]
        _ = try await enter(permit, "audit.prove", scope, details: details)
        let reader = reader(scope)
        let newest = try await newest(reader)
        // What was pruned has no proof any more, also where its tiles are still in memory.
        let minimum = Int(try await reader.state().minimum)
        if let pruned = indices.first(where: { (0..<minimum).contains($0) }) {
            throw AuditError(.pruned, "entry \(pruned)")
        }
        var proofs: [InclusionProof] = []
        for index in indices { proofs.append(try await proof(of: index, reader, newest)) }
        return proofs
    }

    /// Proof that the log of the newest checkpoint begins with the one of a checkpoint of `size` entries.
    public func consistency(
        since size: Int, in scope: Scope, _ permit: Permit<ReadAudit>
    ) async throws(AuditError) -> (proof: [Digest], checkpoint: SignedNote) {
        _ = try await enter(permit, "audit.prove", scope, details: ["since": String(size)])
        let reader = reader(scope)
        let (note, newest) = try await newest(reader)
        guard (0...newest.size).contains(size) else { throw AuditError(.notSequenced, String(size)) }
        // Between whole tiles no proof needs what was pruned.
        let minimum = Int(try await reader.state().minimum)
        guard size >= minimum || size.isMultiple(of: Tile.width) else { throw AuditError(.pruned, String(size)) }
        for _ in 0..<2 {
            let hashes = try await reader.hashes(ProofPlan.consistency(size, newest.size))
            let old = try await reader.tree(size: size)
            let isRight = try crypto { () throws(CryptoError) in
                var hasher = try TreeHasher()
                guard let root = TreeHash(bytes: newest.root.bytes) else { return false }
                return try ProofCheck.isConsistent(size, old.root(&hasher), newest.size, root, hashes, &hasher)
            }
            if isRight { return (hashes.compactMap(\.digest), note) }
            reader.cache?.forget(reader.log)
        }
        throw AuditError(.tampered, "proof since \(size)")
    }

    /// The newest signed checkpoint of a scope's log; `nil` before the first. It holds a size and a root, and no entry: give
    /// it to whoever should notice when the log is cut or rewritten.
    public func checkpoint(of scope: Scope) async throws(AuditError) -> SignedNote? {
        try await reader(scope).checkpoint()
    }

    /// Checks every entry of a log against its newest checkpoint and one that was held elsewhere. What is wrong raises an
    /// alarm. Complexity: O(entries).
    public func verify(
        _ scope: Scope, against held: SignedNote? = nil, by verifier: AuditVerifier, _ permit: Permit<ReadAudit>
    ) async throws(AuditError) -> AuditVerification {
        _ = try await enter(permit, "audit.verify", scope, details: [:])
        let reader = reader(scope)
        let result = try await verification(reader, held, verifier)
        switch result {
        case .intact, .unanchored: return result
        default: break
        }
        // What only other keys find wrong is no alarm.
        let own = try await verification(reader, nil, AuditVerifier(keys: keys.signers.map(\.verifierKey)))
        switch own {
        case .intact, .unanchored: break
        default: try await raise(.verificationFailed, scope, about: nil, details: ["found": "\(own)"])
        }
        return result
    }

    /// Checks the permit for a log and records that it is read; returns the id of that entry.
    func enter<Action>(
        _ permit: Permit<Action>, _ action: String, _ scope: Scope, wholeLog: Bool = false, details: [String: String]
    ) async throws(AuditError) -> Identifier<AuditRecord> {
        try await check(permit, action, scope)
        if wholeLog {
            try await recorded(action, permit) { () throws(AuditError) in
                guard scope.isWholeLog else { throw AuditError(AccessError(.wrongResource)) }
            }
        }
        let entry = authority.entry(action, permit, details: details)
        try await storing { () throws(StoreError) in try await store.record(entry, in: authority.trail) }
        return entry.id
    }

    func check<Action>(
        _ permit: Permit<Action>, _ action: String, _ scope: Scope
    ) async throws(AuditError) {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: .log(of: scope), in: scope)
        } catch {
            throw AuditError(error)
        }
    }

    /// Runs an act under a permit, and records it when it is refused.
    func recorded<Action>(
        _ action: String, _ permit: Permit<Action>, _ body: () async throws(AuditError) -> Void
    ) async throws(AuditError) {
        do throws(AuditError) {
            try await body()
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            do throws(StoreError) {
                try await authority.recordRefusal(of: action, permit, code: error.code.rawValue)
            } catch {
                throw AuditError(AccessError(.notRecorded))
            }
            throw error
        }
    }

    func reader(_ scope: Scope) -> LogReader {
        LogReader(store: store, log: Partition(scope), control: keys.control, cache: cache)
    }

    func newest(_ reader: LogReader) async throws(AuditError) -> (note: SignedNote, checkpoint: Checkpoint) {
        guard let note = try await reader.checkpoint() else { throw AuditError(.notSequenced) }
        guard let checkpoint = Checkpoint(text: note.text) else { throw AuditError(.tampered, "checkpoint") }
        return (note, checkpoint)
    }

    func proof(
        of index: Int, _ reader: LogReader, _ newest: (note: SignedNote, checkpoint: Checkpoint)
    ) async throws(AuditError) -> InclusionProof {
        let (note, checkpoint) = newest
        guard index >= 0, index < checkpoint.size else { throw AuditError(.notSequenced, String(index)) }
        let place = index % Tile.width
        for _ in 0..<2 {
            let hashes = try await reader.hashes(ProofPlan.inclusion(index, in: checkpoint.size))
            let tile = try await reader.tile(TileID(level: 0, index: index / Tile.width), width: place + 1)
            let root = try crypto { () throws(CryptoError) in
                var hasher = try TreeHasher()
                return try ProofCheck.root(leaf: tile.hashes[place], index, in: checkpoint.size, hashes, &hasher)
            }
            if root?.digest == checkpoint.root {
                return InclusionProof(index: index, hashes: hashes.compactMap(\.digest), checkpoint: note)
            }
            // Tiles in memory may be of a past that the store was put back behind: once more, from the store.
            reader.cache?.forget(reader.log)
        }
        throw AuditError(.tampered, "proof of entry \(index)")
    }

    /// Raises an alarm about a log, once a day for each thing that it is about; `nil` for one that is told each time.
    func raise(
        _ kind: Alarm.Kind, _ scope: Scope, about name: String?, details: [String: String]
    ) async throws(AuditError) {
        let instant = authority.time.now
        try await storing { () throws(StoreError) in
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                if let name {
                    let key = Key(
                        Partition(scope),
                        [.text("audit.alarm"), .text("\(kind.rawValue).\(name)"), .text(instant.day.description)])
                    guard try await transaction.claim(key) else { return }
                }
                let alarm = Alarm(kind, in: scope, about: Partition(scope).name, details: details)
                try await transaction.raise(alarm, at: instant)
            }
        }
    }

    func raise(_ kind: Alarm.Kind, _ scope: Scope, about name: String, _ error: AuditError) async throws(AuditError) {
        let details = ["error": error.code.rawValue, "about": error.detail ?? ""]
        try await raise(kind, scope, about: "\(name).\(error.detail ?? "")", details: details)
    }

    /// Nothing is removed while the wall clock disagrees with the ledger or the boot clock.
    func checkClocks() async throws(AuditError) {
        let last = try await keys.reading { (ledger) throws(LedgerError) in try await ledger.lastLine() }
        guard !clocks.disagrees(with: last?.at) else { throw AuditError(.clockDisagrees) }
    }

    private func details(of query: AuditQuery) -> [String: String] {
        var details: [String: String] = [:]
        details["action"] = query.action
        details["actor"] = query.actor?.description
        details["resource"] = query.resource
        details["from"] = query.from?.description
        details["until"] = query.until?.description
        return details
    }
}
