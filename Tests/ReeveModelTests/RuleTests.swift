// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReeveTesting
import Testing

@Suite struct RuleTests {
    private static func path(_ text: String) throws -> Path { try #require(Path(text)) }

    /// Kleene's tables, written out.
    @Test func truthFollowsKleene() {
        let all = Truth.allCases
        #expect(all.map(\.negated) == [.no, .yes, .unknown])
        #expect(
            all.map { left in all.map { left.and($0) } } == [
                [.yes, .no, .unknown], [.no, .no, .no], [.unknown, .no, .unknown],
            ])
        #expect(
            all.map { left in all.map { left.or($0) } } == [
                [.yes, .yes, .yes], [.yes, .no, .unknown], [.yes, .unknown, .unknown],
            ])
        #expect([true, false, nil].map { Truth($0) } == [.yes, .no, .unknown])
    }

    @Test func aMissingFactIsUnknownAndAKnownOneIsNot() throws {
        let mfa = try Self.path("user.mfa")
        #expect(Condition.fact(mfa).truth(under: [:]) == .unknown)
        #expect(Condition.known(mfa).truth(under: [:]) == .no)
        #expect(Condition.not(.fact(mfa)).truth(under: [:]) == .unknown)
        #expect(Condition.all([]).truth(under: [:]) == .yes)
        #expect(Condition.any([]).truth(under: [:]) == .no)
        let finding = Finding(
            rule: try Self.path("forbid.x"), condition: .all([.fact(mfa), .constant(.yes)]), under: [:])
        #expect(finding.truth == .unknown)
        #expect(finding.missing == [mfa])
    }

    @Test func conditionsAreOneMemberObjects() throws {
        let condition = Condition.all([
            .not(.fact(try Self.path("a.b"))), .any([.known(try Self.path("c")), .constant(.unknown)]),
        ])
        let encoder = JSONEncoder()
        let data = try encoder.encode(condition)
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"{"all":[{"not":{"fact":"a.b"}},{"any":[{"known":"c"},{"constant":"unknown"}]}]}"#)
        #expect(try JSONDecoder().decode(Condition.self, from: data) == condition)
        let deep =
            String(repeating: #"{"not":"#, count: 40) + #"{"constant":"yes"}"# + String(repeating: "}", count: 40)
        let wide = #"{"any":["# + Array(repeating: #"{"constant":"no"}"#, count: 1000).joined(separator: ",") + "]}"
        #expect(throws: EncodingError.self) {
            try encoder.encode((0..<40).reduce(Condition.constant(.yes)) { one, _ in .not(one) })
        }
        #expect(throws: EncodingError.self) {
            try encoder.encode(Condition.any(Array(repeating: .constant(.no), count: 1000)))
        }
        for text in [
            "{}", #"{"fact":"a","known":"b"}"#, #"{"fact":"a","unless":{"fact":"b"}}"#, #"{"fact":"a b"}"#,
            #"{"else":[]}"#, "[]", deep, wide,
        ] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(Condition.self, from: Data(text.utf8)) }
        }
    }

    @Test func aNoticeIsAnsweredByTheLatestResponse() throws {
        let (mine, other) = (
            try #require(Digest(bytes: .init(repeating: 1, count: 32))),
            try #require(Digest(bytes: .init(repeating: 2, count: 32)))
        )
        let notice = Notice(
            document: mine, channel: .email, communicated: Timestamp(seconds: 10), effective: Timestamp(seconds: 100))
        func answer(_ kind: Response.Kind, _ second: Int64, _ document: Digest) -> Response {
            Response(document: document, kind: kind, at: Timestamp(seconds: second), actor: .host("t"))
        }
        func standing(_ responses: [Response], _ second: Int64) -> Notice.Standing {
            notice.standing(after: responses, at: Timestamp(seconds: second))
        }
        #expect(standing([], 99) == .awaiting)
        let early = Notice(
            document: mine, channel: .email, communicated: Timestamp(seconds: 100), effective: Timestamp(seconds: 10))
        #expect(early.standing(after: [], at: Timestamp(seconds: 50)) == .awaiting)
        #expect(early.standing(after: [], at: Timestamp(seconds: 100)) == .silent)
        #expect(standing([], 100) == .silent)
        #expect(standing([answer(.accepted, 20, mine)], 50) == .accepted)
        #expect(standing([answer(.accepted, 20, mine)], 19) == .awaiting)
        #expect(standing([answer(.accepted, 9, mine), answer(.accepted, 20, other)], 50) == .awaiting)
        #expect(standing([answer(.accepted, 20, mine), answer(.declined, 30, mine)], 50) == .declined)
        #expect(standing([answer(.declined, 20, mine), answer(.accepted, 30, mine)], 50) == .accepted)
        for responses in [
            [answer(.accepted, 20, mine), answer(.declined, 20, mine)],
            [answer(.declined, 20, mine), answer(.accepted, 20, mine)],
        ] {
            #expect(standing(responses, 50) == .declined)
        }
    }

    @Test func transportIsHTTPSWithStrongKeys() throws {
        let policy = TransportPolicy.standard
        for address in [
            "https://a.example/x?y#z", "HTTPS://a.example", "https://a.example:8443/@x", "https://[::1]/",
            "https://[::ffff:127.0.0.1]:1", "https://192.0.2.1", "https://xn--bcher-kva.example",
        ] {
            #expect(policy.refusal(ofAddress: address) == nil, "\(address)")
        }
        let refused: [(String, TransportPolicy.Refusal)] = [
            ("http://a.example", .notHTTPS), ("", .notHTTPS), ("https:/a", .notHTTPS), ("ftp://a", .notHTTPS),
            (" https://a", .notHTTPS), ("https://", .malformedAddress), ("https:///x", .malformedAddress),
            ("https://:443/", .malformedAddress), ("https://a b", .malformedAddress),
            ("https://a\\@b", .malformedAddress),
            ("https://ä.example", .malformedAddress), ("https://a\n.example", .malformedAddress),
            ("https://user:password@a.example", .holdsCredentials), ("https://?@x", .malformedAddress),
            ("https://good.com%2f.evil.com", .malformedAddress),
            ("https://good.com%00.evil.com", .malformedAddress),
            ("https://%40evil", .malformedAddress),
            ("https://[::1]evil.com", .malformedAddress),
            ("https://[evil.com]", .malformedAddress),
            ("https://[::1", .malformedAddress),
            ("https://a.example:443:80", .malformedAddress),
            ("https://a.example:99999", .malformedAddress),
            ("https://a.example:0", .malformedAddress),
            ("https://a.example:", .malformedAddress),
            ("https://a.example:+1", .malformedAddress),
            ("https://.", .malformedAddress),
            ("https://a..b", .malformedAddress),
            ("https://a.example.", .malformedAddress),
            ("https://a|b", .malformedAddress),
            ("https://a\"b", .malformedAddress),
            ("https://<x>", .malformedAddress),
            ("https://good.com,evil.com", .malformedAddress),
            ("https://127.1", .malformedAddress),
            ("https://2130706433", .malformedAddress),
            ("https://1.2.3.4.5", .malformedAddress),
            ("https://-a.example", .malformedAddress),
            ("https://a-.example", .malformedAddress),
        ]
        for (address, why) in refused { #expect(policy.refusal(ofAddress: address) == why, "\(address)") }
        // Clause S1.6: 112-bit triple DES is refused, AES-128 is not.
        #expect(policy.refusal(ofConnectionWith: .tls12, keyBits: 112) == .keyTooShort)
        #expect(policy.refusal(ofConnectionWith: .tls12, keyBits: 128) == nil)
        #expect(policy.refusal(ofConnectionWith: .tls11, keyBits: 256) == .tlsTooOld)
        let weak = TransportPolicy(minimumTLS: .tls10, minimumKeyBits: 40)
        #expect(weak == .standard)
        let decoded = try JSONDecoder().decode(
            TransportPolicy.self, from: Data(#"{"minimumTLS":10,"minimumKeyBits":1}"#.utf8))
        #expect(decoded == .standard)
    }

    @Test func textsAreFilledInOnce() {
        let english = TextCatalogue(language: "en", texts: [.init("a"): "{n} of {m} {{x}}", .init("b"): "only here"])
        let german = TextCatalogue(language: "de", texts: [.init("a"): "{n} von {m}"]).falling(backOn: english)
        #expect(english.text(.init("a"), ["n": "{m}", "m": "3"]) == "{m} of 3 {x}")
        #expect(german.text(.init("a"), ["n": "1"]) == "1 von {m}")
        #expect(german.text(.init("b")) == "only here")
        #expect(german.text(.init("nowhere")) == "nowhere")
        for mark in ["\u{947}", "\u{200D}", "\u{E33}"] {
            let text = TextCatalogue(language: "hi", texts: [.init("a"): "{n}\(mark)"]).text(.init("a"), ["n": "5"])
            #expect(Array(text.utf8) == Array("5\(mark)".utf8))
        }
        #expect(german.adding([.init("b"): "hier {"]).text(.init("b")) == "hier {")
    }

    @Test func anEventKeepsItsIdAndKind() throws {
        let event = DomainEvent(
            "plans.threshold-reached", at: Timestamp(seconds: 1), scope: .platform, subject: "co_1",
            details: ["at": "80"])
        #expect(event.id.description.hasPrefix("evt_"))
        #expect(try JSONDecoder().decode(DomainEvent.self, from: JSONEncoder().encode(event)) == event)
    }
}

@Suite struct TimelineProperties {
    /// The timeline answers as the text of its definition does, whatever was recorded.
    @Test func theLastRecordedFactThatHoldsCounts() throws {
        var generator = Scale.current.generator(for: "timelines")
        for _ in 0..<Scale.current.cases(ci: 3000, soak: 100_000) {
            var timeline = Timeline<Int>()
            var facts: [(from: Int64, until: Int64?, recorded: Int64, value: Int?)] = []
            var recorded: Int64 = 0
            for number in 0..<Int.random(in: 0...8, using: &generator) {
                let from = Int64.random(in: 0...9, using: &generator)
                let until = Bool.random(using: &generator) ? from + Int64.random(in: 1...5, using: &generator) : nil
                recorded += Int64.random(in: 0...2, using: &generator)
                let value = Bool.random(using: &generator) ? number : nil
                facts.append((from, until, recorded, value))
                try timeline.record(
                    value, from: Timestamp(seconds: from), until: until.map { Timestamp(seconds: $0) },
                    at: Timestamp(seconds: recorded))
            }
            for known in 0...recorded {
                var last: Int?
                for second in Int64(0)...16 {
                    let fact = facts.last { $0.recorded <= known && $0.from <= second && second < ($0.until ?? .max) }
                    let instant = Timestamp(seconds: second)
                    let value = timeline.value(at: instant, asKnownAt: Timestamp(seconds: known))
                    #expect(value == fact?.value)
                    // Between changes the value stays.
                    let change = timeline.nextChange(
                        after: Timestamp(seconds: second - 1), asKnownAt: Timestamp(seconds: known))
                    if second > 0, change != instant { #expect(value == last) }
                    last = value
                }
            }
            #expect(try JSONDecoder().decode(Timeline<Int>.self, from: JSONEncoder().encode(timeline)) == timeline)
        }
    }

    @Test func thePastIsNotRewritten() throws {
        var timeline = Timeline<Int>()
        try timeline.record(1, from: Timestamp(seconds: 5), at: Timestamp(seconds: 10))
        #expect(throws: Timeline<Int>.Refusal.recordedInThePast) {
            try timeline.record(2, from: Timestamp(seconds: 5), at: Timestamp(seconds: 9))
        }
        #expect(throws: Timeline<Int>.Refusal.emptySpan) {
            try timeline.record(
                2, from: Timestamp(seconds: 5), until: Timestamp(seconds: 5), at: Timestamp(seconds: 10))
        }
        #expect(timeline.assertions.count == 1)
        let early =
            #"[{"from":"2026-01-01T00:00:00.000000Z","recorded":"2026-01-02T00:00:00.000000Z","value":1},{"from":"2026-01-01T00:00:00.000000Z","recorded":"2026-01-01T00:00:00.000000Z","value":2}]"#
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Timeline<Int>.self, from: Data(early.utf8)) }
    }
}

@Suite struct ZoneProperties {
    /// The start of a day is the first instant that lies on it or later, found by trying every quarter of an hour.
    @Test func aDayStartsAtItsFirstInstant() throws {
        var generator = Scale.current.generator(for: "zones")
        for _ in 0..<Scale.current.cases(ci: 300, soak: 10_000) {
            var at: Int64 = 0
            var transitions: [ZoneRules.Transition] = []
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                at += Int64.random(in: 1...300, using: &generator) * 900
                transitions.append(
                    .init(at: Timestamp(seconds: at), offset: Int.random(in: -72...72, using: &generator) * 900))
            }
            let zone = try #require(
                ZoneRules(
                    name: "x", initialOffset: Int.random(in: -72...72, using: &generator) * 900,
                    transitions: transitions))
            for day in Int32(-1)...8 {
                let first = (Int64(-400)...1000).first {
                    zone.day(at: Timestamp(seconds: $0 * 900)) >= CivilDay(daysSince1970: day)
                }
                #expect(zone.start(of: CivilDay(daysSince1970: day)) == Timestamp(seconds: try #require(first) * 900))
            }
            #expect(try JSONDecoder().decode(ZoneRules.self, from: JSONEncoder().encode(zone)) == zone)
        }
    }

    @Test func badRulesAreRefused() {
        let later = ZoneRules.Transition(at: Timestamp(seconds: 5), offset: 0)
        #expect(ZoneRules(name: "x", initialOffset: 0, transitions: [later, later]) == nil)
        #expect(ZoneRules(name: "x", initialOffset: 18 * 3600 + 1, transitions: []) == nil)
        for offset in ["99999", "-9223372036854775808", "9223372036854775807"] {
            let json = #"{"name":"x","initialOffset":\#(offset),"transitions":[]}"#
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(ZoneRules.self, from: Data(json.utf8)) }
        }
        #expect(ZoneRules.utc.start(of: CivilDay(daysSince1970: 1)) == Timestamp(seconds: 86_400))
    }

    @Test func periodsCountFromTheirAnchor() throws {
        let anchor = try #require(CivilDay(year: 2026, month: 1, day: 31))
        let starts = (0...3).map {
            ZoneRules.utc.day(at: ZoneRules.utc.periodStart($0, months: 1, from: anchor)).description
        }
        #expect(starts == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"])
        #expect(
            ZoneRules.utc.periodStart(.max, months: 2, from: anchor)
                > ZoneRules.utc.periodStart(0, months: 2, from: anchor))
        #expect(
            ZoneRules.utc.periodStart(.min, months: 2, from: anchor)
                < ZoneRules.utc.periodStart(0, months: 2, from: anchor))
    }
}
