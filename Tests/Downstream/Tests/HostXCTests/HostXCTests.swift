// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Host
import ReeveAccess
import ReeveTesting
import XCTest

final class HostXCTests: XCTestCase {
    func testTheStoreKeepsEveryPromise() async throws {
        for promise in StoreContract.all { try await promise.check { DictionaryStore() } }
    }

    func testTheSyncWritesItsLog() async throws {
        let trust = try await TestTrust()
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        var sync = NightlySync()
        sync.run(permit, try await trust.admission(tasks: 2), needed: 1)
        XCTAssertEqual(sync.log.count, 1)
    }
}
