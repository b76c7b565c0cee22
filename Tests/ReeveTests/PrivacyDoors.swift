// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
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
                id: Identifier(high: 5, low: 5), category: stage.record.category, anchor: stage.record.anchor)
            try await stage.trust.layer.retention.register(record, as: stage.trust.context())
        } refuse: { stage in
            try await stage.trust.layer.retention.register(stage.record, as: stage.trust.context())
        },
        Door(name: "Retention.placeHold(_:on:_:)", action: "privacy.placeHold") { stage in
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
        Door(name: "Retention.erasurePermit(for:as:)", action: "privacy.erasurePermit") { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            _ = try await stage.trust.layer.retention.erasurePermit(for: stage.record.id, as: stage.trust.context())
        } refuse: { stage in
            _ = try await stage.trust.layer.retention.erasurePermit(for: stage.record.id, as: stage.trust.context())
        },
        Door(name: "Retention.erase(_:_:)", action: "privacy.erase") { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            let permit = try await stage.trust.layer.retention.erasurePermit(
                for: stage.record.id, as: stage.trust.context())
            try await stage.trust.layer.retention.erase(permit) { _ in }
        } refuse: { stage in
            stage.trust.time.advance(by: .seconds(40 * 86_400))
            let permit = try await stage.trust.layer.retention.erasurePermit(
                for: stage.record.id, as: stage.trust.context())
            try await stage.trust.layer.retention.placeHold(
                stage.hold, on: stage.record.id, stage.holdPermit(stage.trust))
            try await stage.trust.layer.retention.erase(permit) { _ in Issue.record("it was removed") }
        },
    ]
}

extension Stage {
    fileprivate static var tokens: UnsubscribeTokens {
        get throws { UnsubscribeTokens(key: try HMACKey(SecretBytes(copying: Array(repeating: 7, count: 32)))) }
    }

    fileprivate static let reader = Identifier<DataSubject>(high: 3, low: 3)

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
