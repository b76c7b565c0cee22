// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import Testing

@testable import ReevePrivacy

@Suite struct PolicyHistoryTests {
    private let subject = Identifier<DataSubject>(high: 1, low: 1)
    private let archived: Timestamp
    private let now: Timestamp
    private let next: Timestamp

    init() throws {
        archived = try #require(CivilDay(year: 2016, month: 3, day: 7)).startInUTC
        now = try #require(CivilDay(year: 2026, month: 1, day: 1)).startInUTC
        next = try #require(CivilDay(year: 2026, month: 3, day: 1)).startInUTC
    }

    private func document(_ name: String) throws -> Digest { try Digest(hashing: Array(name.utf8)) }

    private func history(isStrict: Bool = false) throws -> PolicyHistory {
        var history = PolicyHistory(isStrict: isStrict)
        try history.schedule(
            ReferencePolicies.privacy2016, document: document("one"), terms: "terms-1", effective: archived, at: now)
        return history
    }

    /// A version that allows more; or one that only says it otherwise.
    private func version(_ name: String, isWider: Bool) throws -> PolicyVersion {
        var version = ReferencePolicies.privacy2016
        version.name = name
        version.rules.reverse()
        if isWider {
            let number = try #require(version.rules.firstIndex { $0.name == path("phone.contact") })
            version.rules[number].scope.purposes?.insert(purpose("support.help"))
        }
        return version
    }

    private func notice(_ name: String, at instant: Timestamp, effective: Timestamp? = nil) throws -> Notice {
        Notice(document: try document(name), channel: .email, communicated: instant, effective: effective ?? next)
    }

    /// P0.4, P14.1, P14.3: versions on a line; none before the first, none changed.
    @Test func versionsFollowEachOther() throws {
        var history = try history()
        #expect(
            history.entry(at: archived)?.version.name == "2016-03-07" && history.entry(at: archived)?.terms == "terms-1"
        )
        #expect(history.entry(at: archived.advanced(by: .microseconds(-1))) == nil)
        let wider = try version("2026-03-01", isWider: true)
        func schedule(_ version: PolicyVersion, _ name: String, _ effective: Timestamp) throws {
            try history.schedule(version, document: document(name), terms: "terms-2", effective: effective, at: now)
        }
        #expect(throws: PolicyHistory.Refusal.inThePast) {
            try schedule(wider, "two", now.advanced(by: .microseconds(-1)))
        }
        #expect(throws: PolicyHistory.Refusal.nameTaken) { try schedule(ReferencePolicies.privacy2016, "two", next) }
        #expect(throws: PolicyHistory.Refusal.nameTaken) { try schedule(wider, "one", next) }
        var broken = wider
        broken.rules[0].clauses = []
        #expect(throws: PolicyHistory.Refusal.self) { try schedule(broken, "two", next) }
        #expect(history.entries.count == 1)
        try schedule(wider, "two", next)
        #expect(throws: PolicyHistory.Refusal.inThePast) {
            try schedule(version("2026-02-01", isWider: true), "three", next)
        }
        #expect(history.entry(at: next.advanced(by: .microseconds(-1)))?.version.name == "2016-03-07")
        #expect(history.entry(at: next)?.version.name == "2026-03-01")
        #expect(history.scheduled(after: now).map(\.version.name) == ["2026-03-01"])
        #expect(history.entries[1].diff?.changes.isEmpty == false)
    }

    /// P14.2: a millisecond before is in time, at the instant is not; what says nothing new needs no notice.
    @Test func materialChangesAreMadeKnownBefore() throws {
        for isStrict in [false, true] {
            for (shift, isInTime) in [(-1, true), (0, false), (1, false)] {
                var history = try history(isStrict: isStrict)
                try history.schedule(
                    version("two", isWider: true), document: document("two"), terms: "t", effective: next, at: now)
                #expect(history.noticeStatus(of: "two", at: now) == .due(before: next))
                #expect(history.findings(at: now).count == 1)
                let told = try notice("two", at: next.advanced(by: .milliseconds(shift)))
                try history.add(told)
                let after = next.advanced(by: .seconds(10))
                #expect(history.noticeStatus(of: "two", at: after) == (isInTime ? .done(told) : .missed))
                #expect(history.findings(at: after).isEmpty == isInTime)
                // A strict history goes on with the version before.
                #expect(history.entry(at: after)?.version.name == (isStrict && !isInTime ? "2016-03-07" : "two"))
            }
        }
        var history = try history()
        try history.schedule(
            version("two", isWider: false), document: document("two"), terms: "t", effective: next, at: now)
        #expect(history.noticeStatus(of: "two", at: next) == .notRequired && history.findings(at: next).isEmpty)
        #expect(
            history.noticeStatus(of: "2016-03-07", at: next) == .notRequired
                && history.noticeStatus(of: "x", at: next) == nil)
        #expect(throws: PolicyHistory.Refusal.unknownDocument) { try history.add(notice("x", at: now)) }
        #expect(throws: PolicyHistory.Refusal.otherInstant) { try history.add(notice("two", at: now, effective: now)) }
    }

    /// What was not told does not come into force under another name.
    @Test func whatWasMissedIsNotHidden() throws {
        var history = try history(isStrict: true)
        let (second, third) = (next.advanced(by: .seconds(100)), next.advanced(by: .seconds(200)))
        try history.schedule(
            version("two", isWider: true), document: document("two"), terms: "t", effective: next, at: now)
        try history.schedule(
            version("three", isWider: true), document: document("three"), terms: "t", effective: second, at: now)
        try history.schedule(
            version("four", isWider: true), document: document("four"), terms: "t", effective: third, at: now)
        let after = third.advanced(by: .seconds(1))
        #expect(history.entries[2].isMaterial == false && history.noticeStatus(of: "three", at: after) == .missed)
        #expect(history.entry(at: after)?.version.name == "2016-03-07" && history.findings(at: after).count == 3)
        let told = try notice("four", at: second, effective: third)
        try history.add(told)
        #expect(
            history.noticeStatus(of: "four", at: after) == .done(told)
                && history.entry(at: after)?.version.name == "four")
        // Nobody is held to a version that was never in force.
        var log = AcceptanceLog()
        _ = log.noteUse(by: subject, at: now, of: history)
        _ = log.note(.accepted, by: subject, to: "two", at: now, of: history)
        #expect(log.version(for: subject, at: after, of: history)?.name == "2016-03-07")
    }

    /// P14.5: who declined has declined until they accept, also where the next version is in force.
    @Test func decliningLasts() throws {
        var history = try history()
        let later = next.advanced(by: .seconds(100))
        try history.schedule(
            version("two", isWider: true), document: document("two"), terms: "t", effective: next, at: now)
        try history.schedule(
            version("three", isWider: true), document: document("three"), terms: "t", effective: later, at: now)
        var log = AcceptanceLog()
        _ = log.noteUse(by: subject, at: now, of: history)
        _ = log.note(.declined, by: subject, to: "two", at: next, of: history)
        let after = later.advanced(by: .seconds(1))
        #expect(log.hasDeclined(subject, at: after, of: history) && !log.hasDeclined(subject, at: now, of: history))
        _ = log.note(.accepted, by: subject, to: "three", at: after, of: history)
        #expect(
            !log.hasDeclined(subject, at: after, of: history)
                && !log.hasDeclined(Identifier(high: 3, low: 3), at: after, of: history))
    }

    /// P0.2, P14.4: the first use while a version is in force is one acceptance, which names policy and terms.
    @Test func useIsAcceptance() throws {
        var history = try history()
        try history.schedule(
            version("two", isWider: true), document: document("two"), terms: "terms-2", effective: next, at: now)
        var log = AcceptanceLog()
        #expect(log.noteUse(by: subject, at: archived.advanced(by: .seconds(-1)), of: history) == nil)
        let use = log.noteUse(by: subject, at: now, of: history)
        let first = try #require(use)
        #expect(first.kind == .continuedUse && first.policy == "2016-03-07" && first.terms == "terms-1")
        #expect(log.noteUse(by: subject, at: now.advanced(by: .seconds(5)), of: history) == nil)
        // Before it is in force nobody agrees to it by use.
        _ = log.noteUse(by: subject, at: next.advanced(by: .microseconds(-1)), of: history)
        #expect(log.answer(of: subject, to: "two", at: next) == nil)
        #expect(log.noteUse(by: subject, at: next, of: history)?.policy == "two")
        #expect(log.events(of: subject).count == 2 && log.events(of: Identifier(high: 2, low: 2)).isEmpty)
    }

    /// P14.5, P14.6: what a new version allows is not allowed for who did not agree to it; who declined stays with the one before.
    @Test func nobodyIsHeldToWhatTheyDidNotAgreeTo() throws {
        var history = try history()
        try history.schedule(
            version("two", isWider: true), document: document("two"), terms: "terms-2", effective: next, at: now)
        var log = AcceptanceLog()
        #expect(log.version(for: subject, at: now, of: history) == nil)
        _ = log.noteUse(by: subject, at: now, of: history)
        let ask = Ask(.contactByCall, ["contact.phone"], for: "support.help")
        func isAllowed(_ instant: Timestamp) throws -> Bool {
            let version = log.version(for: subject, at: instant, of: history)
            return try #require(version).compile().decide(ask.request).isAllowed
        }
        #expect(try !isAllowed(next.advanced(by: .seconds(9))))
        #expect(log.note(.declined, by: subject, to: "two", at: next, of: history)?.kind == .declined)
        #expect(log.hasDeclined(subject, at: next, of: history) && !log.hasDeclined(subject, at: now, of: history))
        #expect(log.noteUse(by: subject, at: next.advanced(by: .seconds(1)), of: history) == nil)
        #expect(try !isAllowed(next.advanced(by: .seconds(9))))
        #expect(
            log.note(.accepted, by: subject, to: "two", at: next.advanced(by: .seconds(5)), of: history)?.kind
                == .explicit)
        #expect(try isAllowed(next.advanced(by: .seconds(9))))
        // At one instant who declines is heard.
        _ = log.note(.declined, by: subject, to: "two", at: next.advanced(by: .seconds(5)), of: history)
        #expect(
            try !isAllowed(next.advanced(by: .seconds(9)))
                && log.note(.accepted, by: subject, to: "x", at: now, of: history) == nil)
    }
}

@Suite struct MeasureTests {
    private let day = CivilDay(daysSince1970: 20_000)

    /// P6.1, S2.4: measures of each kind, and what a contract asks for and is missing.
    @Test func whatAContractAsksForIsCompared() {
        let register = MeasureRegister([
            SecurityMeasure(path("encryption.atRest"), .technological, since: day, evidence: "e1"),
            SecurityMeasure(path("guards"), .physical, since: day, through: day, evidence: "e2"),
            SecurityMeasure(path("training"), .administrative, since: day.advanced(byDays: 1), evidence: "e3"),
        ])
        #expect(
            register.measures(.technological, on: day).count == 1 && register.measures(.physical, on: day).count == 1)
        #expect(register.measures(.administrative, on: day).isEmpty)
        let required: Set = [path("encryption"), path("guards"), path("training"), path("backup")]
        #expect(register.missing(required, on: day) == [path("backup"), path("training")])
        #expect(register.missing(required, on: day.advanced(byDays: 1)) == [path("backup"), path("guards")])
        #expect(register.missing([path("encryption.inTransit")], on: day) == [path("encryption.inTransit")])
    }

    /// P16.1, P2a.8: one place for whom to write to.
    @Test func contacts() {
        let contacts = ContactDirectory(privacy: "privacy@example.com", help: "help@example.com", postal: "1 Main St")
        #expect(contacts.phishing == contacts.help && contacts.vulnerability == nil)
    }
}

@Suite struct TrackerRegisterTests {
    private func cookie(
        _ name: String = "sid", _ lifetime: Tracker.Lifetime = .session, aim: String = "service.login",
        isEssential: Bool = false, _ holding: Set<DataCategory> = []
    ) -> Tracker {
        Tracker(
            name, description: "keeps\tyou\nsigned in", for: purpose(aim), lifetime: lifetime, isEssential: isEssential,
            holding: holding)
    }

    /// P2e.2: nothing personal in a cookie; names, lives and purposes are what they can be.
    @Test func whatACookieCannotBe() {
        for bad in [
            cookie(""), cookie("a b"), cookie("a;b"), cookie("ä"), cookie(String(repeating: "a", count: 129)),
            cookie("a", .persistent(days: 0)),
            cookie("a", .persistent(days: 401)), cookie("a", aim: "marketing.targeted", isEssential: true),
            cookie("a", .session, [category("contact.email")]),
            cookie("a", .session, [category("identity")]),
        ] {
            #expect(bad.defects.count == 1, "\(bad)")
            #expect(throws: PrivacyDefects.self) { try TrackerRegister([bad]) }
        }
        let twice = #expect(throws: PrivacyDefects.self) { try TrackerRegister([cookie(), cookie()]) }
        #expect(twice?.lines == ["tracker `sid` is there twice"])
        // What is no name is repeated in no error.
        for name in ["dana@acme.example", "a\u{1B}[2J", String(repeating: "x", count: 100_000)] {
            let bad = cookie(name, .persistent(days: .max))
            let error = #expect(throws: PrivacyDefects.self) { try TrackerRegister([bad, bad]) }
            #expect(error?.lines.count == 4 && error?.description.utf8.count ?? .max < 500)
            #expect(error?.description.contains(name.prefix(10)) == false)
        }
        for good in [
            cookie(), cookie("a", .persistent(days: 400)), cookie("a", .session, [category("telemetry.page")]),
        ] { #expect(good.defects.isEmpty) }
    }

    /// P2e.5, P2e.6: the essential one is set without consent, the other is not; whoever asks is given all of them.
    @Test func cookiesAreDeclaredAndAskedFor() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let register = try TrackerRegister([cookie("b", .persistent(days: 30)), cookie("a", isEssential: true)])
        let visitor = SubjectFacts(.visitor, residence: region("de"), choices: ChoiceState.none)
        let day = CivilDay(daysSince1970: 20_000)
        #expect(policy.decide(try #require(register["a"]).request(for: visitor, on: day)).isAllowed)
        #expect(policy.decide(try #require(register["b"]).request(for: visitor, on: day)).clauses == [clause("P2e.5")])
        #expect(register["c"] == nil)
        #expect(
            register.export()
                == "a\tcookie\tsession\tservice.login\tessential\tkeeps you signed in\nb\tcookie\t30 days\tservice.login\toptional\tkeeps you signed in\n"
        )
    }

    /// P2d.1, P2f.1, P2g.1: logs, beacons and identifiers are declared alike, each for what it is; whoever asks is given the kinds that they ask for.
    @Test func othersAreDeclaredAlike() throws {
        func tracker(_ name: String, _ kind: Tracker.Kind, _ aim: String, _ holding: [String] = []) -> Tracker {
            Tracker(
                name, kind: kind, description: "d", for: purpose(aim), lifetime: .persistent(days: 90),
                isEssential: false, holding: Set(holding.map(category)))
        }
        let all = [
            tracker("access log", .log, "analytics.usage", ["log.ip", "telemetry.page"]),
            tracker("pixel", .beacon, "analytics.usage", ["beacon.web"]),
            tracker("push id", .deviceIdentifier, "service.login", ["device.identifier"]), cookie("sid"),
        ]
        let register = try TrackerRegister(all)
        #expect(register.export().hasPrefix("sid\tcookie\t") && register.export([.log]).hasPrefix("access log\tlog\t"))
        #expect(register.export(Set(Tracker.Kind.allCases)).split(separator: "\n").count == 4)
        for bad in [
            tracker("l", .log, "analytics.usage", ["contact.email"]),
            tracker("b", .beacon, "analytics.usage", ["log.ip"]),
            tracker("d", .deviceIdentifier, "service.login", ["beacon.web"]), tracker("", .log, "analytics.usage"),
            tracker("a\tb", .log, "analytics.usage"), tracker("a\nb", .beacon, "analytics.usage"),
        ] { #expect(bad.defects.count == 1, "\(bad)") }
        let policy = try ReferencePolicies.privacy2016.compile()
        let visitor = SubjectFacts(.visitor, residence: region("us"), choices: ChoiceState.none)
        let day = CivilDay(daysSince1970: 20_000)
        for name in ["pixel", "access log", "push id"] {
            #expect(policy.decide(try #require(register[name]).request(for: visitor, on: day)).isAllowed, "\(name)")
        }
        // For another purpose than it was declared for, nothing is collected.
        let other = tracker("pixel", .beacon, "marketing.targeted.radio", ["beacon.web"])
        #expect(!policy.decide(other.request(for: visitor, on: day)).isAllowed)
    }

    /// P2e.3, P2e.4, P2g.4: one of a session goes on the day that it ended, and not before; another stays across it for its days.
    @Test func whatIsOfASessionGoesWithIt() {
        let set = CivilDay(daysSince1970: 20_000)
        func kind(_ tracker: Tracker, _ ended: Int?, on day: Int) -> Disposition.Kind {
            let claims = tracker.claims(setOn: set, sessionEnded: ended.map { set.advanced(byDays: $0) })
            return Disposition(of: claims, on: set.advanced(byDays: day)).kind
        }
        let (session, persistent) = (cookie(), cookie("b", .persistent(days: 30)))
        #expect(kind(session, nil, on: 1000) == .mayKeep)
        #expect(kind(session, 3, on: 2) == .mayKeep && kind(session, 3, on: 3) == .mustDelete)
        for ended in [nil, 0, 3] as [Int?] {
            #expect(kind(persistent, ended, on: 29) == .mayKeep && kind(persistent, ended, on: 30) == .mustDelete)
        }
        let ends = Disposition(of: session.claims(setOn: set, sessionEnded: set.advanced(byDays: 3)), on: set)
        #expect(ends.nextChange == set.advanced(byDays: 3) && ends.reasons == [.tracker("sid")])
    }
}

@Suite struct BreachTests {
    private let aware = Timestamp(seconds: 1_700_000_000)

    private func breach(_ position: Breach.Position, _ risk: Breach.Risk? = nil, hours: Int? = nil) -> Breach {
        Breach(.monitoring, position: position, aware: aware, risk: risk, contractHours: hours)
    }

    /// S2.5: hours are those that pass, over a change of the clocks as well, and each tells who is next above.
    @Test func hoursPassAndEachTellsTheNext() {
        // The night in which Europe's clocks go forward, in 2026.
        let night = Timestamp(seconds: 1_774_746_000)
        let parties: [(Breach.Position, [Breach.Party])] = [
            (.subprocessor, [.processor]), (.processor, [.controller]), (.controller, [.authority, .subjects]),
        ]
        for (position, told) in parties {
            let breach = Breach(.subprocessor, position: position, aware: night, contractHours: 48)
            #expect(breach.obligations.map(\.party) == told)
            let hours = position == .controller ? 72 : 48
            #expect(breach.obligations[0].due == Timestamp(seconds: 1_774_746_000 + Int64(hours) * 3600))
        }
    }

    /// S2.5: who works for somebody tells them; a controller tells the authority within 72 hours, and the subjects where the risk is high or unknown.
    @Test func whoIsToldByWhen() {
        let threeDays = aware.advanced(by: .seconds(72 * 3600))
        #expect(
            breach(.subprocessor, hours: 24).obligations == [
                .init(party: .processor, due: aware.advanced(by: .seconds(86_400)))
            ])
        #expect(breach(.processor).obligations == [.init(party: .controller, due: nil)])
        let authority = Breach.Obligation(party: .authority, due: threeDays)
        let subjects = Breach.Obligation(party: .subjects, due: nil)
        #expect(
            breach(.controller).obligations == [authority, subjects]
                && breach(.controller, .high).obligations == [authority, subjects])
        #expect(
            breach(.controller, .possible).obligations == [authority]
                && breach(.controller, .unlikely).obligations.isEmpty)
        #expect(
            breach(.processor, hours: .max).obligations.count == 1
                && breach(.processor, hours: .min).obligations[0].due == aware)
    }

    @Test func lateNeedsReasons() throws {
        var breach = breach(.controller)
        let due = aware.advanced(by: .seconds(72 * 3600))
        #expect(throws: Breach.Refusal.beforeAware) {
            try breach.note(.authority, at: aware.advanced(by: .microseconds(-1)))
        }
        #expect(throws: Breach.Refusal.needsReasons) {
            try breach.note(.authority, at: due.advanced(by: .microseconds(1)))
        }
        #expect(throws: Breach.Refusal.needsReasons) {
            try breach.note(.authority, at: due.advanced(by: .microseconds(1)), reasons: "")
        }
        #expect(breach.open(at: due).map(\.isLate) == [false, false])
        #expect(breach.open(at: due.advanced(by: .microseconds(1))).map(\.isLate) == [true, false])
        try breach.note(.authority, at: due)
        // What is told later, in parts, was told in time.
        try breach.note(.authority, at: due.advanced(by: .seconds(100)))
        #expect(breach.notifications.count == 2 && breach.open(at: due).map(\.obligation.party) == [.subjects])
        // More is known now.
        breach.risk = .possible
        #expect(breach.open(at: due).isEmpty)
        var late = self.breach(.controller)
        try late.note(.authority, at: due.advanced(by: .seconds(1)), reasons: "the log was sealed")
        #expect(late.notifications[0].reasons == "the log was sealed")
    }
}
