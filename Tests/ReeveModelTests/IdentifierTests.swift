// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReeveTesting
import Testing

/// Every kind of identifier, as closures over its type.
private struct Kind: Sendable, CustomTestStringConvertible {
    let prefix: String
    let text: @Sendable (Timestamp) -> String
    let parses: @Sendable (String) -> Bool
    let roundTrips: @Sendable (UInt64, UInt64) -> Bool

    init<Entity: IdentifiedEntity>(_: Entity.Type) {
        prefix = Entity.identifierPrefix
        text = { Identifier<Entity>(at: $0).description }
        parses = { Identifier<Entity>($0) != nil }
        roundTrips = { high, low in
            let id = Identifier<Entity>(high: high, low: low)
            return Identifier<Entity>(id.description) == id && Identifier<Entity>(uuid: id.uuid) == id
        }
    }

    var testDescription: String { prefix }

    static let all: [Kind] = [
        Kind(Company.self), Kind(Workspace.self), Kind(Project.self), Kind(User.self), Kind(Connector.self),
        Kind(Connection.self), Kind(Recipe.self), Kind(Job.self), Kind(DecisionRecord.self), Kind(AuditRecord.self),
        Kind(Correlation.self), Kind(Writer.self), Kind(QuotaLeaseRecord.self), Kind(DataRecord.self),
        Kind(LegalCase.self), Kind(PublicationRecord.self), Kind(BlobRecord.self),
    ]
}

@Suite struct IdentifierTests {
    @Test func everyKindHasItsOwnPrefix() {
        #expect(Set(Kind.all.map(\.prefix)).count == Kind.all.count)
        for kind in Kind.all { #expect((1...8).contains(kind.prefix.utf8.count), "\(kind.prefix)") }
    }

    @Test(arguments: Kind.all) private func everyOtherKindRefusesTheText(_ kind: Kind) {
        let text = kind.text(Timestamp(seconds: 1_700_000_000))
        for other in Kind.all { #expect(other.parses(text) == (other.prefix == kind.prefix), "\(other.prefix)") }
    }

    @Test(arguments: [
        "", "ws", "ws_", "ws_01jd9x0c4tq3v8m5n7k2b6r1f", "ws_01jd9x0c4tq3v8m5n7k2b6r1fzz",
        "ws_01JD9X0C4TQ3V8M5N7K2B6R1FZ", "ws_81jd9x0c4tq3v8m5n7k2b6r1fz", "ws_01jd9x0c4tq3v8m5n7k2b6r1fu",
        " ws_01jd9x0c4tq3v8m5n7k2b6r1fz", "ws_01jd9x0c4tq3v8m5n7k2b6r1fz\n", "ws-01jd9x0c4tq3v8m5n7k2b6r1fz",
        "WS_01jd9x0c4tq3v8m5n7k2b6r1fz", "ws_01jd9x0c4tq3v8m5n7k2b6r1fé", "ws_01jd9x0c4tq3v8m5n7k2b6r1il",
    ])
    func onlyOneSpellingIsRead(_ text: String) {
        #expect(Identifier<Workspace>(text) == nil)
    }

    @Test func extremesRoundTrip() {
        for kind in Kind.all {
            for (high, low) in [(0, 0), (UInt64.max, UInt64.max), (0, UInt64.max), (UInt64.max, 0)] {
                #expect(kind.roundTrips(high, low))
            }
        }
    }

    @Test func orderIsTheOrderOfTime() {
        let earlier = Identifier<Job>(at: Timestamp(microseconds: 1_700_000_000_000_000))
        let later = Identifier<Job>(at: Timestamp(microseconds: 1_700_000_000_001_000))
        #expect(earlier < later)
        #expect(earlier.description < later.description)
    }

    /// Identifiers of one instant share nothing but its milliseconds, and no word of the kernel's comes twice.
    @Test func identifiersOfOneInstantDiffer() {
        let at = Timestamp(microseconds: 1_700_000_000_000_000)
        let made = (0..<1000).map { _ in Identifier<Job>(at: at) }
        #expect(Set(made.map(\.low)).count == 1000)
        #expect(Set(made.map { $0.high >> 16 }).count == 1 && Set(made.map(\.high)).count > 900)
        let words = (0..<1000).flatMap { _ in
            var generator = KernelRandom()
            return (0..<3).map { _ in generator.next() }
        }
        #expect(Set(words).count == 3000)
    }
}

@Suite struct IdentifierProperties {
    /// Texts are injective, keep the order, and are read back.
    @Test func textsKeepOrderAndRoundTrip() {
        var generator = Scale.current.generator(for: "identifier texts")
        var last = Identifier<Workspace>(high: 0, low: 0)
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let next = Identifier<Workspace>(high: generator.next(), low: generator.next())
            #expect(Identifier<Workspace>(next.description) == next)
            #expect((last < next) == (last.description < next.description))
            last = next
        }
    }

    /// A text with one character changed is refused or is another identifier's.
    @Test func aChangedTextIsAnotherIdentifier() {
        var generator = Scale.current.generator(for: "changed identifier texts")
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let id = Identifier<Connection>(high: generator.next(), low: generator.next())
            var bytes = Array(id.description.utf8)
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            let old = bytes[index]
            bytes[index] = UInt8.random(in: 32..<127, using: &generator)
            let parsed = Identifier<Connection>(String(decoding: bytes, as: UTF8.self))
            #expect(bytes[index] == old ? parsed == id : parsed != id)
        }
    }
}
