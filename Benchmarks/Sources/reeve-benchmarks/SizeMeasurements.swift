// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import ReeveVault

/// How many records and bytes what tenants have takes in a store, keys included: the constants of `Scripts/sizing`.
struct SizeMeasurements {
    private let trust: TestTrust
    private var partitions: [Partition] = [.platform]
    private var last = (records: 0, bytes: 0)

    init() async throws { trust = try await TestTrust() }

    mutating func run() async throws {
        let (workspaces, connections, jobs) = (50, 20, 200)
        try await trust.layer.runOnce()
        _ = try await grown()
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.apiKey])
        var scopes: [Scope] = []
        var ids: [(Scope, Identifier<Connection>)] = []
        for _ in 0..<workspaces {
            let scope = Scope(Identifier<Workspace>(at: trust.time.now), .production)
            scopes.append(scope)
            partitions.append(Partition(scope))
            ids.append((scope, try await store(connector, in: scope)))
        }
        try await trust.layer.runOnce()
        try await say("workspace with its first connection", per: workspaces)
        for scope in scopes { for _ in 1..<connections { ids.append((scope, try await store(connector, in: scope))) } }
        try await trust.layer.runOnce()
        try await say("further connection", per: workspaces * (connections - 1))
        for (scope, id) in ids {
            let permit = try await trust.permit(OpenCredential.self, on: .credential(of: id), in: scope)
            _ = try await trust.layer.vault.withCredential(id, permit) { _ in }
        }
        try await trust.layer.runOnce()
        try await say("opening of a credential by a person or the host, recorded", per: ids.count)
        var companies: [Identifier<Company>] = []
        for _ in 0..<workspaces {
            let company = Identifier<Company>(at: trust.time.now)
            try await trust.layer.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
            companies.append(company)
        }
        try await trust.layer.runOnce()
        try await say("company with a plan", per: workspaces)
        for company in companies {
            for _ in 0..<jobs {
                try await trust.layer.tasks.admit(trust.job(), of: company, tasks: 1).commit(used: 1)
            }
        }
        try await trust.layer.tasks.giveBackAll()
        try await trust.layer.runOnce()
        try await say("task", per: workspaces * jobs)
    }

    private func store(_ connector: Connector, in scope: Scope) async throws -> Identifier<Connection> {
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: scope)
        try await trust.layer.vault.store(
            Credential.apiKey(SecretBytes.random(count: 40)), for: connection, of: connector,
            try await trust.permit(StoreCredential.self, on: .credential(of: connection.id), in: scope))
        return connection.id
    }

    private mutating func say(_ what: String, per count: Int) async throws {
        let (records, bytes) = try await grown()
        print(
            what.padded(64)
                + "\((Double(records) / Double(count) * 1000).rounded() / 1000) records, \(bytes / count) bytes")
    }

    /// What came since the last time.
    private mutating func grown() async throws -> (Int, Int) {
        var (records, bytes) = (0, 0)
        for partition in partitions {
            var range = KeyRange(under: Key(partition))
            while true {
                let page = try await trust.store.records(in: range, limit: 1000)
                for entry in page { bytes += entry.key.bytes.count + 16 + entry.record.bytes.count }
                records += page.count
                guard page.count == 1000, let key = page.last?.key else { break }
                range = range.after(key)
            }
        }
        defer { last = (records, bytes) }
        return (records - last.records, bytes - last.bytes)
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(width - count, 1)) }
}
