// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Finds personal data and secrets in a text, in all layers of it.
///
///     let findings = try Detector().findings(in: "mail dana@acme.com")
///     // e-mail, `email.address`, 5..<18
///
/// It looks for more than a ``Scrubber`` takes out: also for dates and URLs, and with a lower `minimum` for what could be anything. The
/// text is looked into as a recipe's texts are: JSON, base 64, percent codes, escapes.
public struct Detector: Sendable {
    private let rules: SearchRules

    /// A detector that also knows names and rules of the host's, and does not report what it is less sure of than `minimum`, from 0 to 1; what is
    /// below, or no number, is 0, and what is above is 1.
    public init(knowing known: KnownIdentities? = nil, rules custom: CustomRules = .none, minimum: Double = 0.3) {
        rules = SearchRules(
            known: known, custom: custom, minimum: minimum > 0 ? min(minimum, 1) : 0, isForScrubbing: false)
    }

    /// What stands in a text, in order; a number that could be of several classes is reported as each of them, the surest first.
    ///
    /// Throws when it cannot be looked into. Complexity: O(bytes) for each layer.
    public func findings(in text: String) throws(DetectionError) -> [TextFinding] {
        let reader: DocumentReader
        let hits: Hits
        do throws(ReadFailure) {
            reader = try DocumentReader(text: text, shortest: rules.shortest)
        } catch {
            throw .tooManyLayers
        }
        do throws(BlockReason) {
            var clean = CleanTexts()
            hits = try Hits(reader, by: rules, clean: &clean)
        } catch {
            throw error == .tooManyFindings ? .tooManyFindings : .tooManyLayers
        }
        let offsets = ScalarOffsets(text)
        var seen: Set<Place> = []
        return hits.hits.filter { seen.insert(Place(rule: $0.match.rule, span: $0.span)).inserted }.map { hit in
            TextFinding(
                kind: hit.match.kind, rule: hit.match.rule, confidence: hit.match.score, utf8: hit.span,
                scalars: offsets[hit.span.lowerBound]..<offsets[hit.span.upperBound])
        }
    }

}

/// Where a rule found something: in a text that could be code it is found twice.
private struct Place: Hashable {
    let rule: String
    let span: Range<Int>
}

/// Something that stands in a text. It does not hold the value.
public struct TextFinding: Hashable, Sendable {
    /// Its class.
    public let kind: DataClass
    /// The rule that found it, for example `id.us.ssn`.
    public let rule: String
    /// How sure the rule is, from 0 to 1.
    public let confidence: Double
    /// Where it stands, in bytes of UTF-8; of what is packed as a whole, where the packing stands.
    public let utf8: Range<Int>
    /// Where it stands, in Unicode scalars.
    public let scalars: Range<Int>
}

/// Why a text cannot be looked into. What it holds is unknown then.
public enum DetectionError: Error, Hashable, Sendable {
    /// Values are packed into each other more than eight times.
    case tooManyLayers
    /// There are more than 10,000 findings.
    case tooManyFindings
}

/// For each offset in bytes that in Unicode scalars.
private struct ScalarOffsets {
    /// `nil` for ASCII, where both are the same.
    private var offsets: [Int]?

    init(_ text: String) {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return }
        var (all, count): ([Int], Int) = ([], 0)
        all.reserveCapacity(text.utf8.count + 1)
        for byte in text.utf8 {
            if byte & 0xC0 != 0x80 { count += 1 }
            all.append(count - 1)
        }
        all.append(count)
        offsets = all
    }

    subscript(offset: Int) -> Int { offsets.map { $0[offset] } ?? offset }
}
