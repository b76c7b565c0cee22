// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What somebody asks for about personal data.
public enum RequestKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// To see what is held (clause P9.2).
    case access
    /// To have something wrong put right (clause P9.1).
    case rectify
    /// To have something added (clause P9.5).
    case amend
    /// To have it erased (clause P9.3).
    case delete
    /// Not to have it sold, shared or used for something (clause P8.4).
    case optOut
    /// To have it taken off a page that everybody sees (clause P4.3).
    case publicRemoval
    /// To learn more about cookies (clause P2e.6).
    case cookieDetails
    /// To learn what was given to whom for marketing in a year (clause P13.1).
    case shineTheLight
    /// That data of a child is held: anybody may say so (clause P12.4).
    case childReport
    /// To have it kept, and not used.
    case restrict
    /// To have it in a form that another service reads.
    case portability

    /// Whether it has to be known that the subject asks, before something is told or changed. To end something, or to say that a child's data is there, nobody has to prove who
    /// they are.
    public var needsIdentity: Bool {
        switch self {
        case .access, .rectify, .amend, .delete, .shineTheLight, .restrict, .portability: true
        case .optOut, .publicRemoval, .cookieDetails, .childReport: false
        }
    }

    /// Whether the answer shows data of the subject's.
    public var tellsData: Bool { self == .access || self == .portability }

    /// Whether it asks for data to go.
    public var erases: Bool { self == .delete || self == .publicRemoval || self == .childReport }
}

/// How a request came.
public enum RequestChannel: String, Hashable, Sendable, Codable, CaseIterable {
    /// From who is signed in: it is known who asks.
    case account
    /// To the address for privacy (clause P9.6).
    case email
    /// To the postal address (clause P13.2).
    case post
    /// By a form on the sites.
    case form
    /// By phone.
    case phone

    /// Whether it is in writing, as some requests have to be (clause P13.2).
    public var isWritten: Bool { self != .phone }
}
