// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That a parent permitted to collect a child's data (clause P12.3; 16 CFR 312.5). No rule of ``ReferencePolicies/privacy2016`` asks for it: under that, of who is
/// known to be a child nothing is collected. ``PolicyVersion/allowingParentalPermission()`` makes a policy that takes it.
public struct ParentalPermission: Hashable, Sendable, Codable {
    /// How the holder made sure that a parent gave it.
    public enum Method: String, Hashable, Sendable, Codable, CaseIterable {
        /// A form that was signed and sent back.
        case signedForm
        /// A payment that the account's owner is told of.
        case payment
        /// A call by telephone or video to trained staff.
        case call
        /// A government's identification that was checked.
        case governmentID
        /// Questions that a child could not answer.
        case knowledgeQuestions
        /// A picture compared with an identification.
        case facialMatch
        /// A message and a further step: good for what the holder does itself, and for nothing that is disclosed.
        case messagePlus
    }

    /// The child.
    public let child: Identifier<DataSubject>
    /// How it was made sure.
    public let method: Method
    /// When.
    public let at: Timestamp
    /// The host's reference to what shows it; no personal data.
    public let reference: String

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case child, method, at, reference
    }

    /// Reads a permission; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            for: try container.decode(Identifier<DataSubject>.self, forKey: .child),
            by: try container.decode(Method.self, forKey: .method),
            at: try container.decode(Timestamp.self, forKey: .at),
            reference: try container.decode(String.self, forKey: .reference))
    }

    /// A permission.
    public init(for child: Identifier<DataSubject>, by method: Method, at: Timestamp, reference: String) {
        self.child = child
        self.method = method
        self.at = at
        self.reference = reference
    }

    /// Whether it is good for a request.
    func covers(_ request: UseRequest) -> Bool {
        // The day may be behind, where it is still the one before.
        child == request.subject.id && !reference.isEmpty && at.day <= request.day.advanced(byDays: 1)
            && (method != .messagePlus || request.recipient.kind == .own)
    }
}

extension ParentalPermission: CustomStringConvertible, CustomReflectable {
    /// How it was given; not for whom.
    public var description: String { "permitted by a parent, by \(method)" }
    /// How it was given.
    public var customMirror: Mirror { Mirror(self, children: ["method": method]) }
}

extension PolicyVersion {
    /// This version, where what is forbidden to collect of a known child is not with a parent's permission; its name says so (clause P12.3). Whatever else is forbidden
    /// of a child stays so. A host that is told to stop passes no permission any more.
    public func allowingParentalPermission() -> PolicyVersion {
        var version = self
        version.name += "+parental"
        for index in rules.indices where rules[index].effect == .forbid && rules[index].scope.operations == [.collect] {
            version.rules[index].when = rules[index].when.unlessPermittedByParent
        }
        return version
    }
}

extension Condition {
    /// The condition, where a known child with a permission is none.
    fileprivate var unlessPermittedByParent: Condition {
        switch self {
        case .known(DerivedFact.under13): .all([self, .not(.fact(DerivedFact.parentPermits))])
        case .constant, .fact, .known: self
        case .not(let condition): .not(condition.unlessPermittedByParent)
        case .all(let all): .all(all.map(\.unlessPermittedByParent))
        case .any(let any): .any(any.map(\.unlessPermittedByParent))
        }
    }
}
