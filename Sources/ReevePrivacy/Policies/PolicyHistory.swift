// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// The versions of a policy, from when each is in force, and whether people were told in time (clauses P14.1 to P14.3).
///
/// Versions are added and never changed. Not legal advice: whether a late notice is good enough is not for this type to say, unless it is strict.
public struct PolicyHistory: Sendable {
    /// Why a version is not scheduled, or a notice not taken.
    public enum Refusal: Error, Hashable, Sendable {
        /// The version has defects, or cannot be compared with the one before.
        case defects(PrivacyDefects)
        /// There is a version of that name.
        case nameTaken
        /// It would be in force before now, or not after the last one.
        case inThePast
        /// No version has that document.
        case unknownDocument
        /// The document was not sent out yet at that instant, or is said to be in force from another one.
        case otherInstant
    }

    /// Whether people were told of a version before it was in force.
    public enum NoticeStatus: Hashable, Sendable {
        /// It changes nothing that has to be told.
        case notRequired
        /// There is still time.
        case due(before: Timestamp)
        /// They were.
        case done(Notice)
        /// They were not.
        case missed
    }

    /// A version, and what goes with it.
    public struct Entry: Sendable {
        /// The rules, ready to decide.
        public let policy: PrivacyPolicy
        /// The digest of the rules.
        public let digest: Digest
        /// The digest of the text that people read.
        public let document: Digest
        /// The name of the version of the terms that goes with it.
        public let terms: String
        /// From when on it is in force.
        public let effective: Timestamp
        /// What it changes in the one before; `nil` for the first.
        public let diff: PrivacyPolicyDiff?
        /// How people were told, in the order in which it was noted.
        public fileprivate(set) var notices: [Notice] = []

        /// The rules.
        public var version: PolicyVersion { policy.version }
        /// Whether it changes something that has to be told.
        public var isMaterial: Bool { diff?.isMaterial ?? false }
    }

    /// Whether a version that had to be told and was not in time is not in force.
    public let isStrict: Bool
    /// All versions, the oldest first.
    public private(set) var entries: [Entry] = []

    /// A history without a version.
    public init(isStrict: Bool = false) {
        self.isStrict = isStrict
    }

    /// A history of one version that has always been in force, for a host that keeps no texts: the version stands for its own document.
    public init(of version: PolicyVersion) throws(PrivacyDefects) {
        isStrict = false
        let (policy, digest) = (try version.compile(), try version.digest())
        let start = Timestamp(microseconds: .min)
        entries = [
            Entry(
                policy: policy, digest: digest, document: digest, terms: version.name, effective: start, diff: nil)
        ]
    }

    /// Schedules a version after all others. The first one may have been in force before now.
    public mutating func schedule(
        _ version: PolicyVersion, document: Digest, terms: String, effective: Timestamp, at now: Timestamp
    ) throws(Refusal) {
        guard !entries.contains(where: { $0.version.name == version.name || $0.document == document }) else {
            throw .nameTaken
        }
        if let last = entries.last, effective < now || effective <= last.effective { throw .inThePast }
        do throws(PrivacyDefects) {
            let policy = try version.compile()
            let diff = try entries.last?.version.changes(to: version)
            entries.append(
                Entry(
                    policy: policy, digest: try version.digest(), document: document, terms: terms,
                    effective: effective, diff: diff))
        } catch {
            throw .defects(error)
        }
    }

    /// Notes that people were told.
    public mutating func add(_ notice: Notice) throws(Refusal) {
        guard let index = entries.firstIndex(where: { $0.document == notice.document }) else { throw .unknownDocument }
        guard notice.effective == entries[index].effective else { throw .otherInstant }
        entries[index].notices.append(notice)
    }

    /// Whether people were told of a version before it was in force, as of an instant; `nil` for a name that no version has.
    ///
    /// In a strict history a version also has to be told where the one before it was not, and so was never in force.
    public func noticeStatus(of name: String, at now: Timestamp) -> NoticeStatus? {
        entries.indices.first { entries[$0].version.name == name }.map { status(of: $0, at: now) }
    }

    private func status(of index: Int, at now: Timestamp) -> NoticeStatus {
        let entry = entries[index]
        guard needsNotice(index) else { return .notRequired }
        let inTime = entry.notices.filter { $0.communicated < entry.effective && $0.communicated <= now }
        if let first = inTime.min(by: { $0.communicated < $1.communicated }) { return .done(first) }
        return now < entry.effective ? .due(before: entry.effective) : .missed
    }

    private func needsNotice(_ index: Int) -> Bool {
        // From the first version on: what one that was never in force brings, the next one brings.
        var isBehind = false
        for entry in entries[...index].dropLast() {
            let wasTold = entry.notices.contains { $0.communicated < entry.effective }
            isBehind = isStrict && (entry.isMaterial || isBehind) && !wasTold
        }
        return entries[index].isMaterial || isBehind
    }

    /// The versions that are or were in force up to an instant, the oldest first. Complexity: O(versions²).
    public func entries(upTo instant: Timestamp) -> [Entry] {
        entries.indices.filter { index in
            entries[index].effective <= instant && !(isStrict && status(of: index, at: instant) == .missed)
        }.map { entries[$0] }
    }

    /// The version in force at an instant; `nil` before the first. Complexity: O(versions²).
    public func entry(at instant: Timestamp) -> Entry? { entries(upTo: instant).last }

    /// Versions that are not in force yet, the next one first.
    public func scheduled(after instant: Timestamp) -> [Entry] { entries.filter { $0.effective > instant } }

    /// What has to be seen to: notices that are due, and those that were missed.
    public func findings(at now: Timestamp) -> [String] {
        entries.indices.compactMap { index in
            let name = entries[index].version.name
            return switch status(of: index, at: now) {
            case .notRequired, .done: nil
            case .due(let end): "version `\(name)` has to be made known before \(end)"
            case .missed: "version `\(name)` was not made known before it was in force"
            }
        }
    }
}
