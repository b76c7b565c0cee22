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

    /// The fact that a key names, if it names one: `postCode`, and not `city_id`.
    private init?(key: [UInt8]) {
        let words = TextWords.of(key)
        guard words.count <= 4, let last = words.last else { return nil }
        let pairs = zip(words, words.dropFirst()).map { $0 + $1 }
        let triples = zip(pairs, words.dropFirst(2)).map { $0 + $1 }
        let ends = [triples.last, pairs.last, last].compactMap { $0.flatMap { Self.byWord[$0] } }
        let others = Self.others.contains(last) ? [] : (triples + pairs + words).compactMap { Self.byWord[$0] }
        guard let fact = ends.first ?? others.first else { return nil }
        self = fact
    }

    /// Last words of keys that name something else.
    private static let others: Set<String> = ["id", "ids", "count", "type", "code", "url", "field", "column", "key"]
    /// What stands for a value in a schema.
    private static let types: Set<String> = [
        "string", "number", "integer", "boolean", "text", "date", "object", "array", "null", "int", "float", "any",
    ]
    /// Words of keys whose object belongs to the record around it.
    private static let belonging: Set<String> = [
        "address", "location", "contact", "demographics", "personal", "profile", "home", "details", "job", "employment",
        "work",
    ]

    /// Whether a key names a fact.
    static func isFact(_ key: [UInt8]) -> Bool { QuasiIdentifier(key: key) != nil }

    /// A fact that stands in a document, and the record that it is of.
    struct Place {
        let fact: QuasiIdentifier
        let record: JSONPath

        /// What a value is by its key or its label; `nil` for none, and for what is computed, a type, or the key's name itself.
        init?(of value: TextPiece) {
            guard !value.isDropped, !value.role.isFixed, (1...256).contains(value.bytes.count),
                let key = value.label ?? value.path.lastKey.map({ Array($0.utf8) }), key.count <= 64,
                let fact = QuasiIdentifier(key: key), !Self.isComputed(value.bytes)
            else { return nil }
            let words = TextWords.of(value.bytes)
            guard words != TextWords.of(key), words.count != 1 || !types.contains(words[0]) else { return nil }
            self.fact = fact
            // The elements of an array are one value.
            var path = value.path
            while case .index? = path.elements.last { path = path.parent }
            path = path.parent
            if value.label != nil { path = path.parent }
            // `{"age": 34, "address": {"city": …}}`.
            if case .key(let key)? = path.elements.last, !belonging.isDisjoint(with: TextWords.of(key.utf8)) {
                path = path.parent
            }
            record = path
        }

        private static func isComputed(_ text: [UInt8]) -> Bool {
            let isBlank = !text.contains { $0 > 0x20 }
            return isBlank || "=<{[".utf8.contains(text[0])
                || ["{{", "#{", "${", "@{"].contains { text.holds(Array($0.utf8)) }
        }
    }

    /// Sets that are complete in a record, without those facts that go: for each piece of one the name of a set and all its values. Complexity:
    /// O(facts · sets).
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
