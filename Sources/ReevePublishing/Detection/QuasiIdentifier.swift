// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A fact that says little about a person by itself, and with others who it is (P1.2): age, sex and postcode together tell most people apart
/// (Sweeney, 2000).
enum QuasiIdentifier: CaseIterable {
    case age, sex, place, job, employer, nationality, family, belief

    /// Words of keys, in lower case; two words of a key together are one.
    fileprivate var words: Set<String> {
        switch self {
        case .age: ["age", "birthyear", "yearofbirth", "alter", "edad", "leeftijd"]
        case .sex: ["gender", "sex", "geschlecht", "sexe", "genero", "género", "sesso"]
        case .place:
            [
                "zip", "zipcode", "postcode", "postalcode", "plz", "city", "town", "municipality", "hometown", "stadt",
                "ville", "ciudad", "residence",
            ]
        case .job: ["jobtitle", "occupation", "profession", "beruf", "profesion", "jobrole"]
        case .employer: ["employer", "arbeitgeber", "employeur", "companyname", "workplace"]
        case .nationality: ["nationality", "citizenship", "staatsangehörigkeit", "nationalité", "nacionalidad"]
        case .family: ["maritalstatus", "marital", "familienstand"]
        case .belief: ["ethnicity", "ethnic", "race", "religion", "disability", "orientation"]
        }
    }

    /// Facts that tell who somebody is where one record has all of them.
    private static let sets: [(name: String, facts: Set<QuasiIdentifier>)] = [
        ("age-sex-place", [.age, .sex, .place]), ("age-job-place", [.age, .job, .place]),
        ("job-employer-place", [.job, .employer, .place]), ("sex-nationality-place", [.sex, .nationality, .place]),
        ("age-family-place", [.age, .family, .place]), ("belief-place-age", [.belief, .place, .age]),
        ("belief-place-job", [.belief, .place, .job]),
    ]

    /// The words of all of them.
    static let allWords = allCases.reduce(into: Set<String>()) { $0.formUnion($1.words) }
    private static let byWord = Dictionary(allCases.flatMap { fact in fact.words.map { ($0, fact) } }) { first, _ in
        first
    }

    /// The fact that a key names, if it names one.
    private init?(key: [UInt8]) {
        let words = TextWords.of(key)
        let pairs = zip(words, words.dropFirst()).map { $0 + $1 }
        let triples = zip(pairs, words.dropFirst(2)).map { $0 + $1 }
        // `city_id`, `age_group_count` name other things.
        guard words.count <= 4,
            !["id", "ids", "count", "type", "code", "url"].contains(words.last ?? "") || words.count == 1
                || pairs.last == "postalcode" || pairs.last == "zipcode",
            let fact = (triples + pairs + words).lazy.compactMap({ Self.byWord[$0] }).first
        else { return nil }
        self = fact
    }

    /// Whether a key names a fact.
    static func isFact(_ key: [UInt8]) -> Bool { QuasiIdentifier(key: key) != nil }

    /// A fact that stands in a document, and the record that it is of.
    struct Place {
        let fact: QuasiIdentifier
        let record: JSONPath

        /// What a value is by its key or its label; `nil` for none, and for what is computed.
        init?(of value: TextPiece) {
            guard !value.bytes.isEmpty, value.bytes.count <= 256, value.bytes[0] != UInt8(ascii: "="),
                !value.isDropped, !value.role.isFixed, !value.bytes.holds(Array("{{".utf8)),
                !value.bytes.holds(Array("#{".utf8)), value.bytes.contains(where: { $0 > 0x20 }),
                let key = value.label ?? value.path.lastKey.map({ Array($0.utf8) }), key.count <= 64,
                let fact = QuasiIdentifier(key: key)
            else { return nil }
            self.fact = fact
            record = value.label == nil ? value.path.parent : value.path.parent.parent
        }
    }

    /// Sets that are complete in a record, without those facts that go: for each piece of one the name of a set and all its values.
    static func complete(
        in pieces: [TextPiece], without gone: Set<Int>
    ) -> [(piece: Int, set: String, values: [UInt8])] {
        var records: [JSONPath: [(piece: Int, fact: QuasiIdentifier)]] = [:]
        for (index, piece) in pieces.enumerated() {
            guard let place = piece.fact, piece.joints.isEmpty, piece.seal == nil, !gone.contains(index) else {
                continue
            }
            records[place.record, default: []].append((index, place.fact))
        }
        var found: [Int: (set: String, values: [UInt8])] = [:]
        for facts in records.values {
            let present = Set(facts.map(\.fact))
            for (name, set) in sets where present.isSuperset(of: set) {
                let members = facts.filter { set.contains($0.fact) }
                let values = Array(members.map { pieces[$0.piece].bytes }.joined(separator: [0x1F]))
                for member in members where found[member.piece] == nil { found[member.piece] = (name, values) }
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value.set, $0.value.values) }
    }
}
