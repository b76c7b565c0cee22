// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Synchronization
import Testing

/// What a host knows to be somebody's.
@Suite struct KnownIdentityTests {
    private func scrubbed(_ text: String, _ known: KnownIdentities) -> ScrubReport {
        let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
        return Scrubber().scrub(Array("[\"\(escaped)\"]".utf8), as: .plainJSON, for: .publicLibrary, knowing: known)
    }

    @Test(arguments: [
        ("Ask Dana Whitfield.", "Ask Person 1."), ("DANA WHITFIELD", "Person 1"), ("dana_whitfield", "Person 1"),
        ("dana-whitfield", "Person 1"),
        ("danaWhitfield", "Person 1"), ("Whitfield, Dana", "Person 1"), ("Dána Whitfièld", "Person 1"),
        ("Dаnа Whitfield", "Person 1"),
        ("for Northwind Traders Ltd", "for Company 1 Ltd"), ("Northwind Traders Holdings Ltd", "Company 1"),
        ("see crm.northwind-traders.co/x", "see crm.company1.example/x"),
        ("Dana Whitfield and Lee Ågren of Northwind Traders", "Person 1 and Person 2 of Company 1"),
        ("Lee Agren, Whitfield Dana, Dana Whitfield", "Person 1, Person 2, Person 2"),
        ("Person 1 is Dana Whitfield", "Person 1 is Person 2"),
        ("dana.whitfield@northwind-traders.co", "user1@example.com"),
        ("Müller GmbH and MUELLER", "Company 1 GmbH and MUELLER"),
    ])
    func namesGo(_ before: String, _ after: String) throws {
        let known = try KnownIdentities(
            people: ["Dana Whitfield", "Lee Ågren"], organizations: ["Northwind Traders", "Müller"],
            domains: ["northwind-traders.co"])
        let report = scrubbed(before, known)
        #expect(try strings(output(report)) == [after])
        let again = scrubbed(after, known)
        #expect(again.findings.isEmpty)
        #expect(report.findings.allSatisfy { $0.rule.hasPrefix("known.") || $0.kind == .email })
    }

    /// A name is none within a longer word, nor over what parts it.
    @Test(arguments: [
        "banana whitfields", "Dana, 4711 / x / Whitfield", "Danawhitfieldson", "acmetric", "Dana ((((((( Whitfield",
        "Da na Whit",
    ])
    func longerWordsStay(_ text: String) throws {
        let known = try KnownIdentities(people: ["Dana Whitfield"], organizations: ["Acme"])
        #expect(try strings(output(scrubbed(text, known))) == [text])
    }

    /// In every script, in capitals and without accents, composed or not; where words are not parted within them.
    @Test(arguments: [
        ("Ελένη Παπαδοπούλου", "ΕΛΕΝΗ ΠΑΠΑΔΟΠΟΥΛΟΥ"), ("Ελένη Παπαδοπούλου", "Ελενη Παπαδοπουλου"),
        ("Γιώργος", "ΓΙΩΡΓΟΣ"),
        ("Сергей Иванов", "СЕРГЕЙ ИВАНОВ"), ("Сергей Иванов", "Серге\u{438}\u{306} Иванов"), ("Семён", "СЕМЕН"),
        ("Œuvrard", "œuvrard"),
        ("Jörg Groß", "JÖRG GROẞ"), ("Ｄａｎｉｅｌ", "daniel"),
    ])
    func spellingsOfManyScripts(_ name: String, _ text: String) throws {
        let known = try KnownIdentities(people: [name])
        #expect(try strings(output(scrubbed(text, known)))[0].hasPrefix("Person 1"), "\(text)")
    }

    /// A digit is no letter of a name; where it would be one of the stand-in, a person decides.
    @Test(arguments: ["Acme2", "acme87", "see acme_2"]) func digitsEndAName(_ text: String) throws {
        #expect(scrubbed(text, try KnownIdentities(organizations: ["Acme"])).findings.count == 1)
    }

    @Test(arguments: [
        ("王小明", "联系王小明处理", "联系Person 1处理"), ("田中太郎", "田中太郎さんに連絡", "Person 1さんに連絡"), ("김철수", "김철수는 부장", "Person 1는 부장"),
    ])
    func wordsThatAreNotParted(_ name: String, _ before: String, _ after: String) throws {
        #expect(try strings(output(scrubbed(before, KnownIdentities(people: [name])))) == [after])
    }

    /// A name that is one of the code is not changed: a person decides.
    @Test(arguments: [
        "const acme = 1; return acme;", "return items.map(i => i.acme.id)", "acmeLoad()", "if (acme) { send(acme) }",
    ])
    func codeIsNotRenamed(_ code: String) throws {
        let known = try KnownIdentities(organizations: ["Acme"])
        let workflow = Array(
            #"{"nodes":[{"name":"A","type":"t","parameters":{"jsCode":"\#(code)"}}],"connections":{}}"#.utf8)
        guard case .needsReview = Scrubber().scrub(workflow, as: .n8n, for: .publicLibrary, knowing: known).verdict
        else {
            Issue.record("\(code)")
            return
        }
        let text = Array(
            #"{"nodes":[{"name":"A","type":"t","parameters":{"jsCode":"send('to Acme') // for Acme"}}],"connections":{}}"#
                .utf8)
        let report = Scrubber().scrub(text, as: .n8n, for: .publicLibrary, knowing: known)
        #expect(try strings(output(report)).contains("send('to Company 1') // for Company 1"))
    }

    /// Short texts are looked at, too; what is too short to be told is refused.
    @Test func shortNames() throws {
        let known = try KnownIdentities(organizations: ["IBM"])
        #expect(try strings(output(scrubbed("IBM", known))) == ["Company 1"])
        #expect(throws: KnownIdentitiesError.tooShort(.person, at: 1)) {
            try KnownIdentities(people: ["Dana W", "Li"])
        }
        #expect(throws: KnownIdentitiesError.tooShort(.domain, at: 0)) { try KnownIdentities(domains: ["a.b"]) }
        #expect(!"\(try KnownIdentities(people: ["Dana Whitfield"]))".contains("Dana"))
        #expect(scrubbed("Dana", try KnownIdentities()).findings.isEmpty)
    }

    /// A name in two lists has one class, whatever order a set would give; the longest name at a place goes.
    @Test func oneNameHasOneClass() throws {
        let known = try KnownIdentities(
            people: ["Vance"], organizations: ["Vance", "Vance Holdings"], domains: ["vance"])
        for _ in 0..<20 {
            #expect(try strings(output(scrubbed("Vance of Vance Holdings", known))) == ["Person 1 of Company 1"])
        }
        let other = try KnownIdentities(organizations: ["Vance", "Acme"])
        #expect(try strings(output(scrubbed("Vance, Acme", known.union(other)))) == ["Person 1, Company 1"])
        #expect(try strings(output(scrubbed("Vance, Acme", other.union(known)))) == ["Company 1, Company 2"])
        #expect(try known.union(known) == known && KnownIdentities() == .none && KnownIdentities.none.isEmpty)
    }

    /// The worst that a host or a model could give: a text for a name, nothing, signs alone, thousands of names that begin alike.
    @Test func badNamesAreRefused() throws {
        #expect(throws: KnownIdentitiesError.tooLong(.organization, at: 0)) {
            try KnownIdentities(organizations: [String(repeating: "a", count: 257)])
        }
        for name in ["", "   ", "—", "\u{200B}\u{200B}\u{200B}", "\0\0\0", "a\u{301}\u{302}b", "😀😀😀"] {
            #expect(throws: KnownIdentitiesError.tooShort(.person, at: 0), "\(name.debugDescription)") {
                try KnownIdentities(people: [name])
            }
        }
        let error = KnownIdentitiesError.tooLong(.person, at: 3)
        #expect(error.description.contains("number 4 of the known names (person)"))
    }

    /// Where nothing may be changed a name blocks; parameters, packages and policies know it like any other class.
    @Test func namesAreAClassLikeOthers() throws {
        let known = try KnownIdentities(people: ["Dana Whitfield"])
        let key = Scrubber().scrub(
            Array(#"{"dana_whitfield":1}"#.utf8), as: .plainJSON, for: .publicLibrary, knowing: known)
        guard case .blocked(.notReplaceable) = key.verdict else { throw BrokenPromise(key.summary) }
        #expect(!key.html(title: "t").contains("dana"))
        let policy = try PublishingPolicy(audience: .everyone, replacement: .parameter)
        let scrubber = Scrubber(policies: [.publicLibrary: policy])
        let text = Array(#"["by Dana Whitfield"]"#.utf8)
        let report = scrubber.scrub(text, as: .plainJSON, for: .publicLibrary, knowing: known)
        #expect(try strings(output(report)) == ["by REPLACE_WITH_PERSON_1"])
        let package = Scrubber().scrub(
            [PackageFile(path: "dana whitfield/a.json", bytes: text, format: .plainJSON)], for: .publicLibrary,
            knowing: known)
        #expect(package.recipes?.first?.path == "Person 1/a.json")
        let team = try #require(Destination("team"))
        let own = try PublishingPolicy(audience: .organization, keeping: [.person])
        let kept = Scrubber(policies: [team: own]).scrub(text, as: .plainJSON, for: team, knowing: known)
        #expect(try output(kept) == text && kept.findings.map(\.action) == [.kept])
    }
}

/// A host's own way to tell names.
@Suite struct RecognizerTests {
    private struct Words: Recognizer {
        let answer: @Sendable ([String]) async throws -> KnownIdentities
        func identities(in texts: [String]) async throws -> KnownIdentities { try await answer(texts) }
    }
    private struct Failed: Error {}

    private static let recipe = Form.nestedJSON.recipe(with: "Dana Whitfield, as WHITFIELD_DANA")

    /// It is asked about every text once, and what it tells goes wherever it stands.
    @Test func whatItTellsGoesEverywhere() async throws {
        let asked = Words { texts in
            #expect(texts.contains("ask Dana Whitfield, as WHITFIELD_DANA") && Set(texts).count == texts.count)
            return try KnownIdentities(people: ["Dana Whitfield"])
        }
        let other = Words { _ in try KnownIdentities(organizations: ["Planted"]) }
        let report = await Scrubber().scrub(Self.recipe, as: .workato, for: .publicLibrary, asking: [asked, other])
        let text = try strings(output(report)).joined(separator: "\n")
        #expect(text.contains("ask Person 1, as Person 1") && text.contains("Company 1"))
        let none = await Scrubber().scrub(Self.recipe, as: .workato, for: .publicLibrary, asking: [])
        // By itself the second writing of the name is none.
        #expect(try String(decoding: output(none), as: UTF8.self).contains("WHITFIELD_DANA"))
    }

    /// One that throws, and one that never answers, leave nothing published; the error shows nothing.
    @Test func oneThatFailsBlocks() async throws {
        let failing = Words { _ in throw Failed() }
        let report = await Scrubber().scrub(Self.recipe, as: .workato, for: .publicLibrary, asking: [failing])
        guard case .blocked(.recognizerFailed) = report.verdict else { throw BrokenPromise(report.summary) }
        #expect(!report.html(title: "t").contains("Dana"))
        let broken = await Scrubber().scrub([0x7B], as: .workato, for: .publicLibrary, asking: [failing])
        guard case .blocked(.malformed) = broken.verdict else { throw BrokenPromise(broken.summary) }
    }

    @Test func oneThatStallsBlocks() async throws {
        let time = ManualTime()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let stalling = Words { _ in
            begin.yield()
            // It ignores that it is cancelled.
            await withCheckedContinuation { late in Self.abandoned.withLock { $0.append(late) } }
            return try KnownIdentities(people: ["Dana Whitfield"])
        }
        let scrubber = Scrubber(time: time)
        async let report = scrubber.scrub(
            Self.recipe, as: .workato, for: .publicLibrary, asking: [stalling], within: .seconds(5))
        for await _ in begun { break }
        time.advance(by: .seconds(5))
        guard case .blocked(.recognizerFailed) = await report.verdict else {
            throw BrokenPromise("a recognizer that stalls")
        }
        // What it answers now is dropped.
        for late in Self.abandoned.withLock({ $0 }) { late.resume() }
    }

    private static let abandoned = Mutex<[CheckedContinuation<Void, Never>]>([])
}

@Suite struct KnownIdentityProperties {
    /// Thousands of names that begin alike cost what one does; a text made of their beginnings is read once.
    @Test func manyNamesEnd() throws {
        let same = String(repeating: "a", count: 256)
        let alike = (0..<20_000).map { "dan\($0)x" } + (3...256).map { String(repeating: "a", count: $0) }
        let known = try KnownIdentities(people: [same], organizations: alike)
        for text in [String(repeating: "a", count: 200_000), String(repeating: "dana ", count: 40_000)] {
            let report = Scrubber().scrub(
                Array("[\"\(text)\"]".utf8), as: .plainJSON, for: .publicLibrary, knowing: known)
            #expect(report.findings.isEmpty)
        }
    }

    private static let first = ["Dana", "Lee", "Åsa", "José", "Zoë", "Björn", "Mai", "Oluwaseun", "Renée", "Tomasz"]
    private static let last = [
        "Whitfield", "Ågren", "Nguyen", "O'Brien", "García López", "Schröder", "Kowalczyk", "Adeyemi", "Saint-Clair",
        "Vance",
    ]

    /// 200 known identities in 22 disguises: none is readable in what is published, whatever it is written in.
    @Test func noneSurvivesInADisguise() throws {
        var generator = Scale.current.generator(for: "known identities")
        let people = Self.first.flatMap { first in Self.last.map { "\(first) \($0)" } }
        let organizations = Self.last.flatMap { last in
            ["\(last) Holdings", "New \(last) Works", "\(last) & Sons", "\(last) Robotics", "Bank of \(last)"]
        }
        let domains = (0..<50).map { "tenant-\($0).northwind.example" }
        let known = try KnownIdentities(people: people, organizations: organizations, domains: domains)
        let all = people + organizations + domains
        #expect(all.count == 200)
        var published = 0
        for identity in all {
            for (number, disguise) in Self.disguises.enumerated() {
                let text = disguise(identity)
                let place = Form.allCases.randomElement(using: &generator) ?? .literal
                let report = Scrubber().scrub(
                    place.recipe(with: text), as: .workato, for: .publicLibrary, knowing: known)
                #expect(!report.findings.isEmpty, "disguise \(number) of \(identity) in \(place)")
                guard case .publishable(let recipe) = report.verdict else { continue }
                published += 1
                let shown = try strings(recipe.bytes).flatMap(Self.readings).map(Self.letters)
                let isShown = shown.contains { $0.contains(Self.letters(identity)) }
                #expect(!isShown, "disguise \(number) of \(identity) in \(place)")
            }
        }
        #expect(published > 2000)
    }

    /// What somebody reads in a text: its letters and digits, as nobody writes them differently.
    private static func letters(_ text: String) -> String {
        let plain = text.precomposedStringWithCompatibilityMapping
            .folding(options: [.diacriticInsensitive, .caseInsensitive, .widthInsensitive], locale: nil)
            .replacing("а", with: "a").replacing("е", with: "e").replacing("о", with: "o")
        return plain.filter { $0.isLetter || $0.isNumber }
    }

    /// A text in all layers of it.
    private static func readings(of text: String) -> [String] {
        var (all, open) = ([String](), [text])
        while let next = open.popLast(), all.count < 100 {
            all.append(next)
            for run in next.matches(of: /[A-Za-z0-9+\/]{16,}={0,2}/) {
                open +=
                    Data(base64Encoded: String(run.output)).flatMap { String(data: $0, encoding: .utf8) }.map { [$0] }
                    ?? []
            }
            if next.contains("%"), let decoded = next.removingPercentEncoding, decoded != next { open.append(decoded) }
            let decoded = next.replacing(/&#(x?)([0-9a-fA-F]+);|%u([0-9a-f]{4})|U\+([0-9A-F]{4,6}) ?/) { match in
                let (digits, radix) =
                    match.2.map { (String($0), match.1 == "x" ? 16 : 10) } ?? (String(match.3 ?? match.4 ?? ""), 16)
                return UInt32(digits, radix: radix).flatMap(Unicode.Scalar.init).map { String($0) } ?? ""
            }
            if decoded != next { open.append(decoded) }
        }
        return all
    }

    /// Ways to write a name.
    private static let disguises: [@Sendable (String) -> String] = [
        { $0 }, { $0.uppercased() }, { $0.lowercased() }, { $0.replacing(" ", with: "_") },
        { $0.replacing(" ", with: "-") },
        { $0.replacing(" ", with: ".") }, { $0.replacing(" ", with: "\u{A0}") }, { $0.replacing(" ", with: "  ") },
        { $0.replacing(" ", with: "") },
        { $0.decomposedStringWithCanonicalMapping }, { $0.folding(options: .diacriticInsensitive, locale: nil) },
        { Data("for \($0) only".utf8).base64EncodedString() },
        { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? $0 },
        { $0.unicodeScalars.map { "&#\($0.value);" }.joined() },
        { $0.unicodeScalars.map { "&#x" + String($0.value, radix: 16) + ";" }.joined() },
        { $0.map { "\($0)\u{200B}" }.joined() },
        { $0.replacing("a", with: "а").replacing("e", with: "е").replacing("o", with: "о") },
        {
            String(
                String.UnicodeScalarView(
                    $0.unicodeScalars.map {
                        (0x21...0x7E).contains($0.value) ? Unicode.Scalar($0.value + 0xFEE0) ?? $0 : $0
                    }))
        },
        { Data(Data("for \($0) only".utf8).base64EncodedString().utf8).base64EncodedString() },
        { "x@y, \($0)'s <b>\($0)</b>" },
        { $0.unicodeScalars.map { "%u" + String(0x10000 + $0.value, radix: 16).suffix(4) }.joined() },
        {
            $0.unicodeScalars.map { "U+" + String(0x10000 + $0.value, radix: 16).suffix(4).uppercased() }.joined(
                separator: " ")
        },
    ]
}
