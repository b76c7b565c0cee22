// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

@Suite struct AccessTests {
    private let store = SpyStore(TestStore())
    private let time = ManualTime()
    private let operatorActor = ActContext.Actor.host("app")
    private let scope = Scope(Identifier(high: 1, low: 1), .production)
    private let resource = Resource(Identifier<Connection>(high: 2, low: 2))

    private func authority() async throws -> AccessAuthority {
        try await AccessAuthority.soleOperator(operatorActor, reason: "no roles yet", store: store, time: time)
    }

    private func context(_ scope: Scope? = nil) -> ActContext {
        ActContext(actor: operatorActor, scope: scope ?? self.scope)
    }

    @Test func makingASoleOperatorIsRecordedFirst() async throws {
        _ = try await authority()
        let entries = try store.auditEntries()
        #expect(entries.map(\.action) == ["access.soleOperator"])
        #expect(entries.first?.context.reason == "no roles yet")
        #expect(entries.first?.policy != nil)
        let broken = FaultyStore(TestStore(), failing: 1)
        await #expect(throws: AccessError(.storeFailed)) {
            _ = try await AccessAuthority.soleOperator(operatorActor, reason: "x", store: broken, time: time)
        }
    }

    @Test(arguments: ["", " ", "\n\t"]) func aReasonIsNeeded(_ reason: String) async {
        await #expect(throws: AccessError(.reasonMissing)) {
            _ = try await AccessAuthority.soleOperator(operatorActor, reason: reason, store: store, time: time)
        }
    }

    @Test func theOperatorGetsAPermitAndNobodyElse() async throws {
        let authority = try await authority()
        let permit = try await authority.permit(OpenCredential.self, on: resource, as: context()).get()
        #expect(permit.context == context() && permit.resource == resource)
        let start = store.commits.count
        let others: [ActContext.Actor] = [
            .host("other"), .host(""), .rule("app"), .person(Identifier(high: 0, low: 0)),
        ]
        for actor in others {
            let answer = await authority.permit(
                OpenCredential.self, on: resource, as: ActContext(actor: actor, scope: scope))
            guard case .failure(let denial) = answer else {
                Issue.record("\(actor) got a permit")
                continue
            }
            #expect(denial.reason == .noGrant && denial.isRecorded)
        }
        let entries = try store.auditEntries(from: start)
        #expect(entries.map(\.outcome) == Array(repeating: .refused, count: others.count))
        #expect(entries.allSatisfy { $0.action == "access.permit" && $0.refusal == "noGrant" })
    }

    @Test func aDenialThatCannotBeRecordedIsStillADenial() async throws {
        let faulty = FaultyStore(TestStore(), failing: 2, with: .crash)
        let authority = try await AccessAuthority.soleOperator(operatorActor, reason: "x", store: faulty, time: time)
        let answer = await authority.permit(
            OpenCredential.self, on: resource, as: ActContext(actor: .host("b"), scope: scope))
        guard case .failure(let denial) = answer else {
            Issue.record("a stranger got a permit")
            return
        }
        #expect(!denial.isRecorded)
    }

    @Test func aPermitIsGoodOnlyAtItsDoor() async throws {
        let authority = try await authority()
        let permit = try await authority.permit(OpenCredential.self, on: resource, as: context()).get()
        try await authority.check(permit, for: "t", on: resource, in: scope)
        let start = store.commits.count
        let other = Resource(Identifier<Connection>(high: 2, low: 3))
        await #expect(throws: AccessError(.wrongResource)) {
            try await authority.check(permit, for: "t", on: other, in: scope)
        }
        for scope in [Scope.platform, Scope(Identifier(high: 1, low: 1)), Scope(Identifier(high: 1, low: 1), .test)] {
            await #expect(throws: AccessError(.wrongResource)) {
                try await authority.check(permit, for: "t", on: resource, in: scope)
            }
        }
        let second = try await AccessAuthority.soleOperator(operatorActor, reason: "x", store: store, time: time)
        await #expect(throws: AccessError(.foreignPermit)) {
            try await second.check(permit, for: "t", on: resource, in: scope)
        }
        let refused = try store.auditEntries(from: start).filter { $0.action == "t" }
        #expect(refused.count == 5 && refused.allSatisfy { $0.outcome == .refused && $0.decision == permit.decision })
    }

    @Test func aPermitEndsAfter30SecondsWhateverTheWallClockSays() async throws {
        let authority = try await authority()
        let permit = try await authority.permit(OpenCredential.self, on: resource, as: context()).get()
        time.advance(by: .seconds(30) - .nanoseconds(1))
        try await authority.check(permit, for: "t", on: resource, in: scope)
        time.advance(by: .nanoseconds(1))
        time.setWallClock(to: Timestamp(seconds: 0))
        await #expect(throws: AccessError(.expired)) {
            try await authority.check(permit, for: "t", on: resource, in: scope)
        }
    }

    @Test func messagesSayWhatToDo() {
        for code in AccessError.Code.allCases { #expect("\(AccessError(code))".count > 20, "\(code)") }
        #expect("\(AccessError(StoreError.outcomeUnknown))".contains("reply was lost"))
    }
}
