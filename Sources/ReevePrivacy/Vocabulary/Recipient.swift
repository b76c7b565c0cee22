// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Who gets to see data.
public struct Recipient: Hashable, Sendable, Codable {
    /// What a recipient is to the one who holds the data.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// The holder itself.
        case own
        /// A member of its group: what it controls, what controls it, what is controlled by the same.
        case affiliate
        /// Somebody who works for the holder, such as a hosting company.
        case serviceProvider
        /// Somebody with purposes of their own.
        case partner
        /// A customer of the holder.
        case customer
        /// An app that the subject connected.
        case connectedApp
        /// Somebody whom the subject authorised.
        case authorizedByUser
        /// A court, or another public authority.
        case authority
        /// Who takes the holder over, or a part of it.
        case acquirer
        /// Everybody.
        case everyone
    }

    /// What the recipient is.
    public let kind: Kind
    /// The host's own name for it, as in its registers; `nil` for one that has none.
    public let name: String?

    /// A recipient; one that is somebody else should have a name, since a choice may be about that one alone.
    public init(_ kind: Kind, _ name: String? = nil) {
        self.kind = kind
        self.name = name
    }

    /// The holder itself.
    public static let own = Recipient(.own)
    /// Everybody.
    public static let everyone = Recipient(.everyone)

    /// What may be told of its name to others than the subject: whom a subject authorised may be a person.
    var tellableName: String? { kind == .authorizedByUser ? nil : name }
}

extension Recipient: CustomStringConvertible, CustomReflectable {
    /// What it is and its name; not whom a subject authorised.
    public var description: String { tellableName.map { "\(kind) \($0)" } ?? "\(kind)" }
    /// What it is and its name.
    public var customMirror: Mirror { Mirror(self, children: ["recipient": description]) }
}
