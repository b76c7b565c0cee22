// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePrivacy
import ReeveTesting
import Testing

/// The doors of what personal data may be used for, and of what must go.
extension Door {
    static let privacy: [Door] = [
        Door(name: "Privacy.choose(_:shown:towards:as:)", action: "privacy.choose") { stage in
            try await stage.trust.layer.privacy.choose(
                try stage.optOut(at: stage.trust.time.now), as: stage.trust.context())
        } refuse: { stage in
            // Without what becomes of the service.
            let all = ChoiceEvent(
                .optedOut, ChoiceScope(), by: Stage.reader, at: stage.trust.time.now, under: "2016-03-07",
                evidence: .init(.settings))
            try await stage.trust.layer.privacy.choose(all, as: stage.trust.context())
        },
        Door(name: "Privacy.unsubscribe(by:of:signedIn:as:)", action: "privacy.choose") { stage in
            let now = stage.trust.time.now
            let token = try (try Stage.tokens).token(
                for: Stage.reader, purpose: try #require(Purpose("marketing")), expires: now.advanced(by: .seconds(60)))
            try await stage.trust.layer.privacy.unsubscribe(by: token, of: try Stage.tokens, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.privacy.unsubscribe(by: "none", of: try Stage.tokens, as: stage.trust.context())
        },
        Door(name: "Privacy.update(as:_:)", action: "privacy.update") { stage in
            try await stage.trust.layer.privacy.update(as: stage.trust.context()) { $0.policies = PolicyHistory() }
        } refuse: { _ in
            // What is refused is the change's own to say; without its entry there is none.
        },
        Door(name: "Privacy.noteUse(by:as:)", action: "privacy.accept") { stage in
            _ = try await stage.trust.layer.privacy.noteUse(by: Stage.reader, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.privacy.update(as: stage.trust.context()) { $0.policies = PolicyHistory() }
            _ = try await stage.trust.layer.privacy.noteUse(by: Stage.reader, as: stage.trust.context())
        },
        Door(name: "Privacy.note(_:to:by:as:)", action: "privacy.accept") { stage in
            _ = try await stage.trust.layer.privacy.note(
                .accepted, to: "2016-03-07", by: Stage.reader, as: stage.trust.context())
        } refuse: { stage in
            _ = try await stage.trust.layer.privacy.note(
                .accepted, to: "1999", by: Stage.reader, as: stage.trust.context())
        },
        Door(name: "Privacy.clearance(for:of:as:)", action: "privacy.clearance") { stage in
            // A clearance that is given is recorded by the use that takes it.
            _ = try await stage.trust.layer.privacy.clearance(for: try stage.newsletter, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.privacy.choose(
                try stage.optOut(at: stage.trust.time.now), as: stage.trust.context())
            _ = try await stage.trust.layer.privacy.clearance(for: try stage.newsletter, as: stage.trust.context())
        },
        Door(name: "Privacy.perform(_:having:_:)", action: "privacy.use") { stage in
            let clearance = try await stage.trust.layer.privacy.clearance(
                for: try stage.newsletter, as: stage.trust.context())
            try await stage.trust.layer.privacy.perform(clearance) { _ in }
        } refuse: { stage in
            let clearance = try await stage.trust.layer.privacy.clearance(
                for: try stage.newsletter, as: stage.trust.context())
            try await stage.trust.layer.privacy.choose(
                try stage.optOut(at: stage.trust.time.now), as: stage.trust.context())
            try await stage.trust.layer.privacy.perform(clearance) { _ in }
        },
        Door(name: "Retention.register(_:as:)", action: "privacy.register") { stage in
            let record = RetainedRecord(
                id: Identifier(high: 5, low: 5), category: stage.record.category, created: stage.record.created,
                as: .controller, at: ["host"])
            try await stage.trust.layer.retention.register(record, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.retention.register(stage.record, as: stage.trust.context())
        },
        Door(name: "Retention.placeHold(_:_:on:_:)", action: "privacy.placeHold") { stage in
            try await stage.trust.layer.retention.placeHold(
                stage.hold, on: stage.record.id, stage.holdPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.retention.placeHold(
                stage.hold, on: stage.record.id, stage.holdPermit(stage.other))
        },
        Door(name: "Retention.releaseHold(_:on:_:)", action: "privacy.releaseHold") { stage in
            try await stage.trust.layer.retention.releaseHold(
                stage.placed, on: stage.held.id, stage.holdPermit(stage.trust, stage.held))
        } refuse: { stage in
            try await stage.trust.layer.retention.releaseHold(
                stage.hold, on: stage.record.id, stage.holdPermit(stage.trust))
        },
        Door(name: "Retention.erasurePermit(for:at:as:)", action: "privacy.erasurePermit") { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            _ = try await stage.erasurePermit()
        } refuse: { stage in
            _ = try await stage.erasurePermit()
        },
        Door(name: "Retention.erase(_:)", action: "privacy.erase") { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            try await stage.trust.layer.retention.erase(try await stage.erasurePermit())
        } refuse: { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            let permit = try await stage.erasurePermit()
            try await stage.trust.layer.retention.placeHold(
                stage.hold, on: stage.record.id, stage.holdPermit(stage.trust))
            try await stage.trust.layer.retention.erase(permit)
        },
        Door(name: "Retention.erase(_:as:)", action: "privacy.erase") { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            try await stage.trust.layer.retention.erase(stage.record.id, as: stage.trust.context())
        } refuse: { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            stage.trust.location.isFailing = true
            try await stage.trust.layer.retention.erase(stage.record.id, as: stage.trust.context())
        },
        Door(name: "Retention.eraseDue(limit:as:)", action: "privacy.erase") { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            // The other record is held.
            let round = try await stage.trust.layer.retention.eraseDue(as: stage.trust.context())
            #expect(round.erased == 1)
        } refuse: { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            stage.trust.location.isFailing = true
            let round = try await stage.trust.layer.retention.eraseDue(as: stage.trust.context())
            if round.failed > 0 { throw PrivacyError(.removalFailed) }
        },
        Door(name: "Retention.replayErasures(as:)", action: "privacy.eraseAgain") { stage in
            stage.trust.location.put(stage.erased.id)
            _ = try await stage.trust.layer.retention.replayErasures(as: stage.trust.context())
        } refuse: { stage in
            stage.trust.time.setWallClock(to: stage.trust.time.now.advanced(by: .seconds(3600)))
            _ = try await stage.trust.layer.retention.replayErasures(as: stage.trust.context())
        },
        Door(name: "Retention.note(_:on:of:as:)", action: "privacy.noteAnchor") { stage in
            try await stage.trust.layer.retention.note(
                .lastUsed, on: stage.record.created, of: stage.record.id, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.retention.note(
                .created, on: stage.record.created, of: stage.record.id, as: stage.trust.context())
        },
        Door(name: "Retention.closeCase(_:_:)", action: "privacy.closeCase") { stage in
            try await stage.trust.layer.retention.closeCase(
                stage.placed, try await stage.trust.permit(ChangeHold.self, on: Resource(stage.placed)))
        } refuse: { stage in
            try await stage.trust.layer.retention.closeCase(
                stage.placed, try await stage.other.permit(ChangeHold.self, on: Resource(stage.placed)))
        },
        Door(name: "Retention.liftLock(on:_:)", action: "privacy.liftLock") { stage in
            try await stage.trust.layer.retention.liftLock(on: stage.record.id, stage.holdPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.retention.liftLock(on: stage.record.id, stage.holdPermit(stage.other))
        },
        Door(name: "Retention.lock(as:)", action: "privacy.lock") { stage in
            try await stage.trust.layer.retention.lock(as: stage.trust.context())
        } refuse: { stage in
            let category = stage.record.category
            let rules = try (0...RetentionSchedule.maximumRules).map { days in
                RetentionRule(
                    category: category, days: days, lock: .compliance, clause: try #require(ClauseReference("P11.5")))
            }
            let authority = stage.trust.layer.access
            try await Retention(schedule: .init(rules: rules), authority: authority).lock(as: stage.trust.context())
        },
        Door(name: "Retention.noteEnd(of:on:sequence:_:)", action: "privacy.noteEnd") { stage in
            try await stage.trust.layer.retention.noteEnd(
                of: stage.trust.company, on: stage.record.created, sequence: 2, stage.planPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.retention.noteEnd(
                of: stage.trust.company, on: stage.record.created, sequence: 2, stage.planPermit(stage.other))
        },
        Door(name: "Retention.extend(_:to:about:as:)", action: "privacy.extendRecord") { stage in
            try await stage.trust.layer.retention.extend(stage.record.id, to: ["host"], as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.retention.extend(stage.record.id, to: ["nowhere"], as: stage.trust.context())
        },
        Door(name: "Retention.noteReturn(of:sequence:_:)", action: "privacy.noteReturn") { stage in
            try await stage.trust.layer.retention.noteReturn(
                of: stage.trust.company, sequence: 2, stage.planPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.retention.noteReturn(
                of: stage.trust.company, sequence: 2, stage.planPermit(stage.other))
        },
        Door(name: "Retention.demand(_:by:as:)", action: "privacy.demand") { stage in
            try await stage.trust.layer.retention.demand(
                stage.record.id, by: Stage.request, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.retention.demand(
                Identifier(high: 9, low: 9), by: Stage.request, as: stage.trust.context())
        },
        Door(name: "Retention.withdrawDemand(on:by:as:)", action: "privacy.withdrawDemand") { stage in
            try await stage.trust.layer.retention.withdrawDemand(
                on: stage.record.id, by: Stage.request, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.retention.withdrawDemand(
                on: Identifier(high: 9, low: 9), by: Stage.request, as: stage.trust.context())
        },
        Door(
            name: "SubjectRequests.receive(_:about:through:residence:year:scope:as:)", action: "privacy.receiveRequest"
        ) {
            stage in
            _ = try await stage.trust.layer.requests.receive(
                .access, about: Stage.reader, through: .account, as: stage.trust.context())
        } refuse: { _ in
            // What cannot be asked is taken, and answered with a refusal.
        },
        Door(name: "SubjectRequests.note(_:of:as:)", action: "privacy.noteRequest") { stage in
            try await stage.trust.layer.requests.note(.confirmed, of: stage.asked.id, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.requests.note(.begun, of: stage.asked.id, as: stage.trust.context())
        },
        Door(name: "SubjectRequests.answer(_:residual:_:)", action: "privacy.answerRequest") { stage in
            _ = try await stage.trust.layer.requests.answer(
                stage.asked.id, stage.answerPermit(stage.trust, stage.asked))
        } refuse: { stage in
            _ = try await stage.trust.layer.requests.answer(
                stage.asked.id, stage.answerPermit(stage.other, stage.asked))
        },
        Door(name: "SubjectRequests.correct(_:_:_:)", action: "privacy.correct") { stage in
            _ = try await stage.trust.layer.requests.correct(
                stage.wrong.id, [stage.record.id: Array("{}".utf8)], stage.answerPermit(stage.trust, stage.wrong))
        } refuse: { stage in
            _ = try await stage.trust.layer.requests.correct(
                stage.wrong.id, [:], stage.answerPermit(stage.trust, stage.wrong))
        },
        Door(name: "TrustLayer.offboard(_:shredding:on:sequence:_:)", action: "privacy.noteEnd") { stage in
            try await stage.trust.layer.offboard(
                stage.trust.company, sequence: 2, stage.planPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.offboard(
                stage.trust.company, sequence: 2, stage.planPermit(stage.other))
        },
        Door(name: "TrustLayer.reinstate(_:sequence:_:)", action: "privacy.noteReturn") { stage in
            try await stage.trust.layer.reinstate(
                Company(id: stage.trust.company, status: .customer), sequence: 2, stage.planPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.reinstate(
                Company(id: stage.trust.company, status: .customer), sequence: 2, stage.planPermit(stage.other))
        },
        Door(name: "TrustLayer.decline(_:by:ending:shredding:sequence:_:)", action: "privacy.noteEnd") { stage in
            try await stage.trust.layer.decline(
                "2016-03-07", by: Stage.reader, ending: stage.trust.company, sequence: 2,
                stage.planPermit(stage.trust))
        } refuse: { stage in
            try await stage.trust.layer.decline(
                "2016-03-07", by: Stage.reader, ending: stage.trust.company, sequence: 2,
                stage.planPermit(stage.other))
        },
        Door(name: "TrustLayer.replayErasures(as:)", action: "privacy.eraseAgain") { stage in
            stage.trust.location.put(stage.erased.id)
            try await stage.trust.layer.replayErasures(as: stage.trust.context())
        } refuse: { stage in
            stage.trust.time.setWallClock(to: stage.trust.time.now.advanced(by: .seconds(3600)))
            try await stage.trust.layer.replayErasures(as: stage.trust.context())
        },
        Door(name: "Retention.registerRooms(about:as:)", action: "privacy.register") { stage in
            try await stage.trust.layer.privacy.noteUse(by: Stage.reader, as: stage.trust.context())
            try await stage.trust.layer.retention.registerRooms(about: Stage.reader, as: stage.trust.context())
        } refuse: { stage in
            // Of whom the rooms have nothing there is nothing to register, and nothing to refuse.
            try await stage.trust.layer.retention.registerRooms(
                about: Identifier(high: 9, low: 9), as: stage.trust.context())
        },
        Door(name: "TrustLayer.publish(_:as:_:)", action: "privacy.register") { stage in
            try await stage.consent(.given)
            try await stage.trust.layer.publish(stage.testimonial(), as: stage.trust.context()) { _ in }
        } refuse: { stage in
            try await stage.consent(.given)
            try await stage.trust.layer.publish(stage.testimonial(at: "nowhere"), as: stage.trust.context()) { _ in }
        },
        Door(name: "TrustLayer.withdrawUnlessConsented(_:as:)", action: "privacy.erase") { stage in
            try await stage.consent(.given)
            try await stage.trust.layer.publish(stage.testimonial(), as: stage.trust.context()) { _ in }
            stage.trust.time.advance(by: .seconds(1))
            try await stage.consent(.withdrawn)
            try await stage.trust.layer.withdrawUnlessConsented(stage.testimonial(), as: stage.trust.context())
        } refuse: { stage in
            try await stage.consent(.given)
            try await stage.trust.layer.publish(stage.testimonial(), as: stage.trust.context()) { _ in }
            stage.trust.time.advance(by: .seconds(1))
            try await stage.consent(.withdrawn)
            stage.trust.location.isFailing = true
            try await stage.trust.layer.withdrawUnlessConsented(stage.testimonial(), as: stage.trust.context())
        },
        Door(name: "SealedRecords.keep(_:as:_:)", action: "privacy.register") { stage in
            try await stage.keepSealed(Stage.sealed)
        } refuse: { stage in
            try await stage.keepSealed(stage.record.id)
        },
        Door(name: "SealedRecords.withContent(of:_:_:)", action: "vault.open") { stage in
            try await stage.keepSealed(Stage.sealed)
            let permit = try await stage.trust.permit(
                OpenCredential.self, on: SealedRecords.resource(of: Stage.sealed))
            _ = try await stage.trust.layer.sealed.withContent(of: Stage.sealed, permit) { $0.byteCount }
        } refuse: { stage in
            let permit = try await stage.trust.permit(
                OpenCredential.self, on: SealedRecords.resource(of: Stage.sealed))
            _ = try await stage.trust.layer.sealed.withContent(of: Stage.sealed, permit) { $0.byteCount }
        },
        Door(name: "BusinessTransfer.handOver(to:_:_:)", action: "privacy.handOver") { stage in
            let now = stage.trust.time.now
            try await stage.trust.layer.privacy.update(as: stage.trust.context()) {
                $0.registers.successions = [
                    "acme": Succession(.merger, reference: "deed 7", effective: now, bound: ["2016-03-07"])
                ]
            }
            let permit = try await stage.trust.permit(
                TransferData.self, on: Resource(kind: "acquirer", "acme"), in: .platform)
            _ = try await stage.trust.layer.transfer.handOver(to: "acme", permit) { _ in }
        } refuse: { stage in
            let permit = try await stage.trust.permit(
                TransferData.self, on: Resource(kind: "acquirer", "acme"), in: .platform)
            _ = try await stage.trust.layer.transfer.handOver(to: "acme", permit) { _ in }
        },
    ]
}

extension Stage {
    fileprivate static var tokens: UnsubscribeTokens {
        get throws { UnsubscribeTokens(key: try HMACKey(SecretBytes(copying: Array(repeating: 7, count: 32)))) }
    }

    static let request = Identifier<SubjectRequestRecord>(high: 4, low: 4)

    fileprivate func erasurePermit() async throws -> ErasurePermit {
        try await trust.layer.retention.erasurePermit(for: record.id, at: "host", as: trust.context())
    }

    fileprivate func planPermit(_ trust: TestTrust) async throws -> Permit<ChangePlan> {
        try await trust.permit(ChangePlan.self, on: .plan(of: self.trust.company), in: .platform)
    }

    fileprivate func answerPermit(
        _ trust: TestTrust, _ request: SubjectRequest
    ) async throws -> Permit<AnswerRequest> {
        try await trust.permit(AnswerRequest.self, on: Resource(request.id), in: .platform)
    }

    static let reader = Identifier<DataSubject>(high: 3, low: 3)
    fileprivate static let sealed = Identifier<DataRecord>(high: 7, low: 7)

    /// Keeps something about the reader under a key of its own.
    fileprivate func keepSealed(_ id: Identifier<DataRecord>) async throws {
        let facts = RetainedRecord(
            id: id, category: try #require(DataCategory("content.message")), created: trust.time.now.day,
            as: .controller, about: Self.reader, at: [])
        let permit = try await trust.permit(StoreCredential.self, on: SealedRecords.resource(of: id))
        try await trust.layer.sealed.keep(SecretBytes(copying: [1, 2, 3]), as: facts, permit)
    }

    fileprivate func testimonial(at place: String = "host") -> Testimonial {
        Testimonial("t1@2", by: Self.reader, as: Identifier(high: 8, low: 8), at: [place])
    }

    fileprivate func consent(_ act: ChoiceEvent.Act) async throws {
        let scope = ChoiceScope(of: [try #require(DataCategory("testimonial.name"))], items: ["t1@2"])
        let event = ChoiceEvent(
            act, scope, by: Self.reader, at: trust.time.now, under: "2016-03-07", evidence: .init(.form))
        try await trust.layer.privacy.choose(event, as: trust.context())
    }

    /// A message for marketing.
    fileprivate var newsletter: UseRequest {
        get throws {
            UseRequest(
                .contactByEmail, .personal([try #require(DataCategory("contact.email"))], from: [.provided]),
                for: try #require(Purpose("marketing.email")), as: .controller,
                about: SubjectFacts(.customer, id: Self.reader), on: trust.time.now.day)
        }
    }

    /// Out of such messages.
    fileprivate func optOut(at instant: Timestamp) throws -> ChoiceEvent {
        ChoiceEvent(
            .optedOut, ChoiceScope(UseOperation.contact, for: [try #require(Purpose("marketing"))]), by: Self.reader,
            at: instant, under: "2016-03-07", evidence: .init(.settings))
    }
}
