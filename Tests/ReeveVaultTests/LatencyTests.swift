// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import ReeveTesting
import ReeveVault
import Testing

@Suite(.serialized) struct LatencyTests {
    @Test func aStoreWithALatencyIsNotTampered() async throws {
        let world = try await VaultWorld()
        let process = try await world.restarted(over: YieldingStore(world.store, turns: 0, after: 20))
        try await process.store("first", world.stage.connection(1000))
        let errors = await withTaskGroup(of: String?.self) { group in
            for number in 0..<24 {
                group.addTask {
                    do {
                        try await process.store("x", world.stage.connection(UInt64(number)))
                        return nil
                    } catch {
                        return String(reflecting: error) + " "
                            + String(describing: (error as? VaultError)?.store.map { String(reflecting: $0) })
                    }
                }
            }
            return await group.reduce(into: [String]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(errors.isEmpty, "\(errors.count) of 24: \(errors.first ?? "")")
    }
}
