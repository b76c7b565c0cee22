// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Host
import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveTesting
import Testing

@Suite struct HostTests {
    @Test(arguments: StoreContract.all) func theStoreKeeps(_ promise: StorePromise) async throws {
        try await promise.check { DictionaryStore() }
    }

    @Test func theSyncUsesWhatItNeeds() async throws {
        let trust = try await TestTrust(over: DictionaryStore())
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        var sync = NightlySync()
        sync.run(permit, try await trust.admission(tasks: 10), needed: 4)
        sync.run(permit, try await trust.admission(tasks: 10), needed: 0)
        #expect(sync.log == ["\(trust.company) under \(permit.decision)", "nothing to do"])
        try await trust.layer.runOnce()
        #expect(try await trust.layer.plans.allowance(of: trust.company).used == 4)
    }
}
