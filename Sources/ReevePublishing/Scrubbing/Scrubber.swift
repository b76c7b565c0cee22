// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel

/// Proof that these exact bytes were scrubbed for one destination, under the rules of one version, a short time ago.
///
/// Only a ``Scrubber`` makes one, and only a publisher with that scrubber takes it.
public struct ScrubbedRecipe: Sendable {
    /// The bytes to publish.
    public let bytes: [UInt8]
    /// Where they may be published.
    public let destination: Destination
    /// The digest of the input.
    public let inputDigest: Digest
    /// The digest of ``bytes``.
    public let digest: Digest
    /// The version of the detection rules.
    public internal(set) var rulesVersion: Int
    /// The digest of the destination's policy, and of the host's own rules.
    public let policy: Digest
    /// Who will be able to read it; ``PublishingPolicy/Audience/warning`` says what its author should know.
    public let audience: PublishingPolicy.Audience
    /// What was let through because a person approved it.
    public let approvals: Set<Fingerprint>

    fileprivate let scrubber: InstanceID
    fileprivate let deadline: Duration

    fileprivate init(
        bytes: [UInt8], destination: Destination, inputDigest: Digest, digest: Digest, policy: Digest,
        audience: PublishingPolicy.Audience, approvals: Set<Fingerprint>, scrubber: InstanceID, deadline: Duration
    ) {
        self.bytes = bytes
        self.destination = destination
        self.inputDigest = inputDigest
        self.digest = digest
        self.policy = policy
        self.audience = audience
        rulesVersion = Detection.rulesVersion
        self.approvals = approvals
        self.scrubber = scrubber
        self.deadline = deadline
    }
}

extension ScrubbedRecipe: CustomStringConvertible, CustomReflectable {
    /// The destination and the digest; not the bytes, which belong into no log.
    public var description: String { "scrubbed recipe \(digest) for \(destination)" }
    /// The destination and the digest.
    public var customMirror: Mirror { Mirror(self, children: ["destination": destination, "digest": digest]) }
}

/// Takes personal data and secrets out of recipes, and says whether what is left may be published (clause P1.4).
///
/// Everything it does not replace stays byte for byte the same. A document that it cannot read is blocked, and what it is not sure of goes to a
/// person; what no rule looks for stays. All calls may be made concurrently. Complexity: O(bytes · log findings), for each layer of at most 8.
///
///     let report = scrubber.scrub(bytes, as: .workato, for: .publicLibrary)
public final class Scrubber: Sendable {
    /// How long a ``ScrubbedRecipe`` may be published: one hour.
    public static let lifetime = Duration.seconds(3600)

    private let instance = InstanceID()
    let limits: JSONTokens.Limits
    let time: any TimeSource
    private let policies: [Destination: PublishingPolicy]
    let custom: CustomRules

    /// A scrubber with a policy for each destination, rules of the host's own, and limits for its input.
    public init(
        policies: [Destination: PublishingPolicy] = [:], rules custom: CustomRules = .none,
        limits: JSONTokens.Limits = .init(), time: any TimeSource = SystemTime()
    ) {
        self.policies = policies
        self.custom = custom
        self.limits = limits
        self.time = time
    }

    /// The policy for a destination: ``PublishingPolicy/everyone`` where none was given, and for the public library where the given one is
    /// for fewer.
    public func policy(for destination: Destination) -> PublishingPolicy {
        guard let policy = policies[destination] else { return .everyone }
        return destination == .publicLibrary && policy.audience != .everyone ? .everyone : policy
    }

    /// Scrubs a recipe for a destination. What is known to be somebody's goes wherever it stands, and so does what a word tells in one place
    /// (`born 1980-05-21`), where the recipe is read again for it, twice at most. With a review the findings that a person must
    /// decide about have fingerprints, and those that were approved stay.
    public func scrub(
        _ input: [UInt8], as format: RecipeFormat, for destination: Destination, knowing known: KnownIdentities? = nil,
        review: Review? = nil
    ) -> ScrubReport {
        do throws(BlockReason) {
            let policy = policy(for: destination)
            var rules = SearchRules(kept: policy.kept, known: known, custom: custom)
            func scrubbed() throws(BlockReason) -> (FirstPass, ScrubReport) {
                let reading = try Reading(input, format, limits, by: rules)
                var pool = Surrogates(occupied: reading.found.surrogates, policy.replacement)
                let pass = FirstPass(reading, &pool, review: reviewed(review, destination))
                return (pass, self.report(of: pass, format, destination, rules))
            }
            let (pass, report) = try scrubbed()
            // What a word told in one place stands elsewhere without one; what was packed again looks like a secret.
            for withPacked in [false, true] {
                guard case .blocked(.survivor) = report.verdict, let taken = pass.taken(withPacked: withPacked) else {
                    return report
                }
                rules.taken = taken
                guard let again = try? scrubbed().1 else { return report }
                if case .blocked(.survivor) = again.verdict { continue }
                return again
            }
            return report
        } catch {
            return ScrubReport(verdict: .blocked(error), input: input)
        }
    }

    func reviewed(_ review: Review?, _ destination: Destination) -> ReviewedScrub? {
        review.map { ReviewedScrub(review: $0, approved: $0.approved(for: destination, at: time.now)) }
    }

    /// What a document is, by itself or among others of which values were taken out.
    func report(
        of pass: FirstPass, _ format: RecipeFormat, _ destination: Destination, _ rules: SearchRules,
        taken: DenyList? = nil
    ) -> ScrubReport {
        let verdict = verdict(of: pass, format, destination, rules, taken)
        var report = ScrubReport(
            verdict: verdict, findings: pass.findings, dropped: pass.dropped, input: pass.input, edits: pass.edits)
        // What cannot be changed is the cause of what still stands there; that it is not certain that all of it was found stays.
        if case .blocked(.survivor) = verdict, pass.findings.contains(where: { $0.action == .blocked }) {
            report.verdict = .blocked(.notReplaceable)
        }
        return report
    }

    private func verdict(
        of pass: FirstPass, _ format: RecipeFormat, _ destination: Destination, _ rules: SearchRules,
        _ taken: DenyList?
    ) -> Verdict {
        do throws(BlockReason) {
            let policy = policy(for: destination)
            try SecondPass.check(pass, format, limits, by: rules, taken: taken)
            if let path = pass.reader.privacy, !policy.admitsPrivate { throw .privateRecipe(path.masked(DenyList([]))) }
            if pass.findings.contains(where: { $0.action == .blocked }) { return .blocked(.notReplaceable) }
            if pass.findings.contains(where: { $0.action == .review }) { return .needsReview }
            let (input, output, rule): (Digest, Digest, Digest)
            do throws(CryptoError) {
                input = try Digest(hashing: pass.input)
                // What nothing was changed in is the same bytes.
                output = pass.edits.isEmpty ? input : try Digest(hashing: pass.output)
                rule = try policy.digest(with: custom)
            } catch {
                throw .cryptoFailed
            }
            return .publishable(
                ScrubbedRecipe(
                    bytes: pass.output, destination: destination, inputDigest: input, digest: output, policy: rule,
                    audience: policy.audience,
                    approvals: Set(pass.findings.filter { $0.action == .approved }.compactMap(\.fingerprint)),
                    scrubber: instance, deadline: time.uptime + Self.lifetime))
        } catch {
            return .blocked(error)
        }
    }

    /// Why a proof is not taken; `nil` when it is.
    func refusal(of recipe: ScrubbedRecipe, for destination: Destination) -> PublishingError.Code? {
        guard recipe.scrubber == instance else { return .foreignProof }
        guard recipe.destination == destination else { return .wrongDestination }
        guard recipe.rulesVersion == Detection.rulesVersion else { return .olderRules }
        guard time.uptime < recipe.deadline else { return .expired }
        return nil
    }
}
