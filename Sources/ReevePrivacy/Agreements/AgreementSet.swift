// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A document that says what holds between the holder and a customer.
public struct AgreementDocument: Hashable, Sendable, Codable {
    /// The kinds, each stronger than those after it (clauses S2.1, S2.9).
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        /// The law.
        case law
        /// The agreement between the two.
        case masterAgreement
        /// What it incorporates on processing personal data.
        case dataProcessing
        /// What it incorporates on health data.
        case businessAssociate
        /// The privacy policy of the services.
        case servicesPrivacyPolicy
        /// The privacy policy of the sites.
        case privacyPolicy
        /// The terms.
        case terms
        /// A summary in the help center.
        case helpCenterSummary

        /// Stronger is less.
        public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .law: 0
            case .masterAgreement: 1
            case .dataProcessing: 2
            case .businessAssociate: 3
            case .servicesPrivacyPolicy: 4
            case .privacyPolicy: 5
            case .terms: 6
            case .helpCenterSummary: 7
            }
        }

        /// Whether it holds by itself; others hold where one that does incorporates them.
        var isRoot: Bool { [.law, .masterAgreement, .privacyPolicy, .helpCenterSummary].contains(self) }
    }

    /// How data may leave a region that restricts it (clause S2.3).
    public struct TransferMechanism: Hashable, Sendable, Codable {
        /// The mechanisms.
        public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            /// The destination protects alike.
            case adequacy
            /// Standard contractual clauses.
            case standardClauses
            /// The United Kingdom's agreement or addendum.
            case ukAddendum
            /// Binding corporate rules.
            case bindingCorporateRules
        }

        /// The mechanism.
        public let kind: Kind
        /// The destinations it covers.
        public let destinations: Set<Region>

        /// A mechanism.
        public init(_ kind: Kind, to destinations: Set<Region>) {
            self.kind = kind
            self.destinations = destinations
        }
    }

    /// The document's name, with its version.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// Its first instant.
    public let effective: Timestamp
    /// From when on it does not hold any more; `nil` for none.
    public let ends: Timestamp?
    /// What it says, by key, such as `definition.recipe` or `liability.security`.
    public let terms: [Path: String]
    /// Names of documents that it makes a part of itself.
    public let incorporates: Set<String>
    /// The only regions where data may be; `nil` when it does not say (clause P7.1).
    public let residency: Set<Region>?
    /// How data may leave.
    public let mechanisms: [TransferMechanism]

    /// A document.
    public init(
        _ name: String, _ kind: Kind, effective: Timestamp, ends: Timestamp? = nil, terms: [Path: String] = [:],
        incorporates: Set<String> = [], residency: Set<Region>? = nil, mechanisms: [TransferMechanism] = []
    ) {
        self.name = name
        self.kind = kind
        self.effective = effective
        self.ends = ends
        self.terms = terms
        self.incorporates = incorporates
        self.residency = residency
        self.mechanisms = mechanisms
    }
}

extension AgreementDocument {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, kind, effective, ends, terms, incorporates, residency, mechanisms
    }

    /// Reads a document; a member that is not known is an error, since it may limit it.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .name), try container.decode(Kind.self, forKey: .kind),
            effective: try container.decode(Timestamp.self, forKey: .effective),
            ends: try container.decodeIfPresent(Timestamp.self, forKey: .ends),
            terms: try Self.terms(try container.decode([String: String].self, forKey: .terms), in: container),
            incorporates: try container.decode(Set<String>.self, forKey: .incorporates),
            residency: try container.decodeIfPresent(Set<Region>.self, forKey: .residency),
            mechanisms: try container.decode([TransferMechanism].self, forKey: .mechanisms))
    }

    private static func terms(
        _ read: [String: String], in container: KeyedDecodingContainer<CodingKeys>
    ) throws -> [Path: String] {
        var terms: [Path: String] = [:]
        for (key, text) in read {
            guard let path = Path(key) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .terms, in: container, debugDescription: "a key of a term is no path")
            }
            terms[path] = text
        }
        return terms
    }

    /// Writes a document, its terms as an object.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
        try container.encode(effective, forKey: .effective)
        try container.encodeIfPresent(ends, forKey: .ends)
        try container.encode(
            Dictionary(uniqueKeysWithValues: terms.map { ($0.key.description, $0.value) }), forKey: .terms)
        try container.encode(sorted: incorporates, forKey: .incorporates)
        try container.encode(sorted: residency, forKey: .residency)
        try container.encode(mechanisms, forKey: .mechanisms)
    }
}

/// What holds between the holder and one customer: documents, what they incorporate, and which says the last word.
///
/// A document counts while it is in force, and is the law, the master agreement, the policy or a summary, or one of those in force incorporates it, over
/// however many others (clauses P0.3, S2.8).
public struct AgreementSet: Hashable, Sendable, Codable {
    /// Why documents are no set.
    public enum Defect: Error, Hashable, Sendable {
        /// Two have one name.
        case nameTwice(String)
        /// One incorporates a document that is not there.
        case missing(String)
        /// One incorporates itself, over these.
        case cycle([String])
    }

    /// A term, and where it comes from.
    public struct ResolvedTerm: Hashable, Sendable {
        /// What holds.
        public let text: String
        /// The documents by which it holds: the one that holds by itself first, the one that says it last.
        public let path: [String]
        /// What other documents in force say to it, the strongest first.
        public let overridden: [Overridden]

        /// What does not hold.
        public struct Overridden: Hashable, Sendable {
            /// The document that says it.
            public let document: String
            /// What it says.
            public let text: String
        }
    }

    /// The documents.
    public let documents: [AgreementDocument]

    /// Agreements without a document: the policy alone holds.
    public static let none = AgreementSet()
    private init() { documents = [] }

    /// Of documents that are known to be a set.
    init(trusted documents: [AgreementDocument]) { self.documents = documents }

    /// A set of documents. Complexity: O(documents + incorporations).
    public init(_ documents: [AgreementDocument]) throws(Defect) {
        var byName: [String: AgreementDocument] = [:]
        for document in documents {
            guard byName.updateValue(document, forKey: document.name) == nil else { throw .nameTwice(document.name) }
        }
        var users: [String: [String]] = [:]
        for document in documents {
            for name in document.incorporates.sorted() {
                guard byName[name] != nil else { throw .missing(name) }
                users[name, default: []].append(document.name)
            }
        }
        // Those go whose parts have gone; a circle stays.
        var left = byName.mapValues(\.incorporates.count)
        var free = left.filter { $0.value == 0 }.map(\.key)
        while let name = free.popLast() {
            left[name] = nil
            for user in users[name] ?? [] {
                left[user]? -= 1
                if left[user] == 0 { free.append(user) }
            }
        }
        guard left.isEmpty else { throw .cycle(left.keys.sorted()) }
        self.documents = documents
    }

    /// Reads documents that are a set.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let documents = try container.decode([AgreementDocument].self)
        do throws(Defect) {
            self = try Self(documents)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no set of agreements: \(error)")
        }
    }

    /// Writes the documents.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(documents)
    }

    /// A document that holds.
    public struct Holding: Sendable {
        /// The document.
        public let document: AgreementDocument
        /// What the first of the documents by which it holds is.
        public let root: AgreementDocument.Kind
        /// Which document each was met in.
        fileprivate let parents: [String: String]

        /// The documents by which it holds: the one that holds by itself first, the document itself last. Complexity: O(their number).
        public var path: [String] {
            Array(sequence(first: document.name) { parents[$0] }).reversed()
        }

        /// How strong it is: no stronger than what it holds by.
        public var rank: AgreementDocument.Kind { max(document.kind, root) }
        /// Whether it holds by an agreement or by law, and not only by what the holder publishes.
        var isAgreed: Bool { root <= .masterAgreement }
    }

    /// The documents that hold at an instant, the strongest first. One that several incorporate holds by the strongest of them.
    ///
    /// Complexity: O(documents · log documents + incorporations).
    public func inForce(at instant: Timestamp) -> [Holding] {
        let byName = Dictionary(documents.map { ($0.name, $0) }) { first, _ in first }
        func holds(_ document: AgreementDocument) -> Bool {
            document.effective <= instant && document.ends.map { instant < $0 } ?? true
        }
        var (found, parents): ([String: AgreementDocument.Kind], [String: String]) = ([:], [:])
        let roots = documents.filter { $0.kind.isRoot && holds($0) }.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }
        for root in roots { found[root.name] = root.kind }
        for root in roots {
            var open = [root.name]
            while let user = open.popLast() {
                for name in byName[user]?.incorporates.sorted() ?? [] {
                    guard found[name] == nil, let next = byName[name], holds(next) else { continue }
                    (found[name], parents[name]) = (root.kind, user)
                    open.append(name)
                }
            }
        }
        return documents.compactMap { one in found[one.name].map { Holding(document: one, root: $0, parents: parents) }
        }
        .sorted { ($0.rank, $0.document.name) < ($1.rank, $1.document.name) }
    }

    /// What holds about a key at an instant, and what that overrides; `nil` when no document says anything. Of two of one kind the later one
    /// says it. Complexity: as ``inForce(at:)``.
    public func term(_ key: Path, at instant: Timestamp) -> ResolvedTerm? {
        let saying = inForce(at: instant).filter { $0.document.terms[key] != nil }
            .sorted { left, right in
                (left.rank, right.document.effective, left.document.name) < (
                    right.rank, left.document.effective, right.document.name
                )
            }
        guard let first = saying.first, let text = first.document.terms[key] else { return nil }
        let overridden = saying.dropFirst().map { other in
            ResolvedTerm.Overridden(document: other.document.name, text: other.document.terms[key] ?? "")
        }
        return ResolvedTerm(text: text, path: first.path, overridden: overridden)
    }
}
