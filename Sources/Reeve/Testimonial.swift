// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
public import ReevePrivacy

/// What somebody said of the service, to be shown to everybody with their name (clause P5.1).
public struct Testimonial: Hashable, Sendable, Codable {
    /// Its id and its version, as the author's consent names it in `ChoiceScope.items`: consent to one version is none to another.
    public let item: String
    /// Whose words it is.
    public let author: Identifier<DataSubject>
    /// As what it is registered once it is shown.
    public let record: Identifier<DataRecord>
    /// The places that show it, by the names of their `DataLocation`s.
    public let locations: Set<String>
    /// The customer of whose people the author is; `nil` where that is nobody.
    public let customer: Identifier<Company>?

    /// A testimonial.
    public init(
        _ item: String, by author: Identifier<DataSubject>, as record: Identifier<DataRecord>,
        at locations: Set<String>,
        of customer: Identifier<Company>? = nil
    ) {
        self.item = item
        self.author = author
        self.record = record
        self.locations = locations
        self.customer = customer
    }

    static let category = DataCategory(trusted: "testimonial.name")
    private static let purpose = Purpose(trusted: "marketing.materials")

    /// What its author has to allow.
    func request(on day: CivilDay) -> UseRequest {
        UseRequest(
            .publish, .personal([Self.category], from: [.provided]), for: Self.purpose, to: .everyone, as: .controller,
            about: SubjectFacts(.customer, id: author), item: item, on: day)
    }
}

extension Testimonial: CustomStringConvertible, CustomReflectable {
    /// Which one it is; not whose.
    public var description: String { "testimonial \(item) as \(record)" }
    /// Which one it is.
    public var customMirror: Mirror { Mirror(self, children: ["item": item, "record": record]) }
}

/// How testimonials are shown, by the consent of their authors.
extension TrustLayer {
    /// Shows a testimonial with its author's name: the policy has to allow it by the author's consent to this very version (clause P5.1), or nothing is done
    /// (`PrivacyError.Code.notAllowed`). It is registered as public before `act` shows it, so that whoever asks for it to be removed is heard (clause P4.3).
    public func publish<Result: Sendable>(
        _ testimonial: Testimonial, as context: ActContext, _ act: (UseRequest) async throws -> Result
    ) async throws -> Result {
        let today = access.time.now.day
        let clearance = try await privacy.clearance(
            for: testimonial.request(on: today), of: testimonial.customer, as: context)
        do throws(PrivacyError) {
            try await retention.register(
                RetainedRecord(
                    id: testimonial.record, category: Testimonial.category, created: today, as: .controller,
                    about: testimonial.author, of: testimonial.customer, at: testimonial.locations, isPublic: true),
                as: context)
        } catch {
            // It was shown before: under this name, and by this author.
            guard error.code == .alreadyRegistered, try await isRegistered(testimonial) else { throw error }
            try await retention.extend(testimonial.record, to: testimonial.locations, as: context)
            // The consent is given again: what was to go without it stays.
            try await retention.withdrawDemand(on: testimonial.record, by: Self.withdrawal, as: context)
        }
        return try await privacy.perform(clearance, act)
    }

    /// Takes a testimonial back when its author's consent does not hold any more (clause P5.1): it goes from all its places as anything does that its subject has erased, unless a hold keeps
    /// it. Returns a receipt from each place; none when it may still be shown. `PrivacyError.Code.unknownRecord` or `unknownLocation` for a record that is no testimonial of its author's. Copies that nobody can take back may remain (clause P4.2).
    @discardableResult
    public func withdrawUnlessConsented(
        _ testimonial: Testimonial, as context: ActContext
    ) async throws -> [ErasureReceipt] {
        let request = testimonial.request(on: access.time.now.day)
        guard try await !privacy.decision(on: request, of: testimonial.customer).isAllowed else { return [] }
        // Another record is none of its author's words.
        guard try await isRegistered(testimonial) else {
            // It went before, which is a success that says so.
            if try await retention.wasErased(testimonial.record, in: context.scope) {
                return try await retention.erase(testimonial.record, as: context)
            }
            // It is refused, and recorded so.
            _ = try await retention.erasurePermit(for: testimonial.record, at: "", as: context)
            throw PrivacyError(.unknownRecord)
        }
        try await retention.demand(testimonial.record, by: Self.withdrawal, as: context)
        return try await retention.erase(testimonial.record, as: context)
    }

    /// Whether a testimonial is registered as one, by its author.
    private func isRegistered(_ testimonial: Testimonial) async throws(PrivacyError) -> Bool {
        try await retention.records(about: testimonial.author).contains {
            $0.id == testimonial.record && $0.category == Testimonial.category && $0.isPublic
        }
    }

    /// Stands in the place of a request: the author took the consent back.
    private static let withdrawal = Identifier<SubjectRequestRecord>(high: 0, low: 2)
}
