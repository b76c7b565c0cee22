// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePublishing
import ReeveStorage
import ReeveTesting
import ReeveVault

/// Measures what the rooms do, in nanoseconds an operation: the median of seven rounds in one process.
@main
struct Benchmarks {
    static func main() async throws {
        let isQuick = CommandLine.arguments.contains("--quick")
        let benchmarks = Benchmarks(scale: isQuick ? 1 : 10)
        print("operation".padding(toLength: 52, withPad: " ", startingAt: 0) + "ns/operation")
        try benchmarks.crypto()
        try await benchmarks.storage()
        try await benchmarks.rooms()
        try benchmarks.publishing()
    }

    private let scale: Int

    private func crypto() throws {
        let key = try KeyHandle(SecretBytes.random(count: 32))
        let data = [UInt8](repeating: 1, count: 64)
        for count in [64, 256, 1024, 4096, 65_536] {
            let secret = try SecretBytes.random(count: count)
            let sealed = try secret.withBytes { try key.seal($0, authenticating: data) }
            try measure("AES-256-GCM seal \(count) B", 20_000) {
                _ = try secret.withBytes { try key.seal($0, authenticating: data) }
            }
            try measure("AES-256-GCM open \(count) B", 20_000) { _ = try key.open(sealed[...], authenticating: data) }
        }
        let mac = try HMACKey(SecretBytes.random(count: 32))
        try measure("HMAC-SHA256 64 B", 20_000) { _ = try mac.authenticate(data) }
        try measure("SHA-256 64 B", 20_000) { _ = try Digest(hashing: data) }
    }

    private func storage() async throws {
        for size in [1000, 100_000 * scale] {
            let store = MemoryStore()
            for start in stride(from: 0, to: size, by: 50) {
                var changes = Changes()
                for index in start..<start + 50 { changes.write(key(index), [UInt8](repeating: 7, count: 300)) }
                try await store.commit(changes)
            }
            var index = 0
            try await measure("MemoryStore read, \(size) records", 20_000) {
                index = (index + 7919) % size
                _ = try await store.record(for: key(index))
            }
            try await measure("MemoryStore commit of one record, \(size) records", 5000) {
                index = (index + 7919) % size
                var changes = Changes()
                changes.write(key(index), [UInt8](repeating: 8, count: 300))
                try await store.commit(changes)
            }
        }
    }

    private func rooms() async throws {
        let trust = try await TestTrust()
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.oauth2])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let credential = try Credential.oauth2(accessToken: SecretBytes.random(count: 256))
        try await trust.layer.vault.store(
            credential, for: connection, of: connector, trust.permit(StoreCredential.self, on: resource))
        let permit = try await trust.permit(OpenCredential.self, on: resource)
        try await measure("vault.withCredential, entry committed first", 1000) {
            _ = try await trust.layer.vault.withCredential(connection.id, permit) { $0.method }
        }
        try await measure("access decision with permit", 20_000) {
            _ = await trust.layer.access.permit(OpenCredential.self, on: resource, as: trust.context())
        }
        let plan = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        try await trust.layer.plans.setPackage(tasksPerPeriod: 1_000_000_000, for: trust.company, plan)
        try await measure("admit and commit, one store commit each", 500) {
            try await trust.admission().commit(used: 1)
        }
    }

    private func publishing() throws {
        let block =
            #"{"number":1,"keyword":"action","provider":"crm","as":"a1b2c3","input":{"text":"Hello #{_dp('{\"path\":[\"Email\"]}')}, "#
            + #"we will be in touch shortly about your order","limit":"100"},"uuid":"9c1b6f0e-53e2-4f0f-8a55-7d0f1f1f6b21"}"#
        let count = 100_000 / block.utf8.count
        let recipe = Array(
            (#"{"name":"Bench","code":{"keyword":"trigger","block":["#
                + Array(repeating: block, count: count).joined(separator: ",")
                + #"]},"config":[]}"#).utf8)
        try JSONTokens(recipe).validate()
        try measure("JSONTokens.validate of a \(recipe.count / 1000) kB recipe", 20) {
            try JSONTokens(recipe).validate()
        }
        let scrubber = Scrubber()
        measure("whole scrub of a \(recipe.count / 1000) kB clean recipe", 5) {
            _ = scrubber.scrub(recipe, as: .workato, for: .publicLibrary)
        }
    }

    private func key(_ index: Int) -> Key { Key(.platform, [.text("bench"), .integer(Int64(index))]) }

    private func measure<E: Error>(_ name: String, _ rounds: Int, _ body: () throws(E) -> Void) throws(E) {
        var times: [Double] = []
        for _ in 0..<7 {
            let start = ContinuousClock.now
            for _ in 0..<rounds * scale / 10 + 1 { try body() }
            times.append(nanoseconds(since: start, rounds))
        }
        report(name, times)
    }

    private func measure<E: Error>(_ name: String, _ rounds: Int, _ body: () async throws(E) -> Void) async throws(E) {
        var times: [Double] = []
        for _ in 0..<7 {
            let start = ContinuousClock.now
            for _ in 0..<rounds * scale / 10 + 1 { try await body() }
            times.append(nanoseconds(since: start, rounds))
        }
        report(name, times)
    }

    private func nanoseconds(since start: ContinuousClock.Instant, _ rounds: Int) -> Double {
        let parts = start.duration(to: .now).components
        return (Double(parts.seconds) * 1e9 + Double(parts.attoseconds) / 1e9) / Double(rounds * scale / 10 + 1)
    }

    private func report(_ name: String, _ times: [Double]) {
        print(name.padding(toLength: 52, withPad: " ", startingAt: 0) + String(format: "%.0f", times.sorted()[3]))
    }
}
