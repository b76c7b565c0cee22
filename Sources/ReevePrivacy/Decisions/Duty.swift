// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What must be done with a use that is allowed: before it, or as a part of it.
public struct Duty: Hashable, Sendable, TextCodable, Comparable {
    /// The duty's name.
    public let path: Path
    /// The dotted path.
    public var description: String { path.description }
    /// Reads a dotted path.
    public init?(_ text: String) {
        guard let path = Path(text) else { return nil }
        self.path = path
    }
    /// Orders by name.
    public static func < (left: Self, right: Self) -> Bool { left.path < right.path }

    /// The recipient promises to make out nobody (clause P1.8).
    public static let noReidentification = Duty(literal: "recipient.noReidentification")
    /// The subject is told to look at the other service's privacy settings before it is connected (clause P2b.2).
    public static let noticeThirdPartySettings = Duty(literal: "notice.thirdPartySettings")
    /// It is sealed before it is stored (clause P2h.1).
    public static let encryptedAtRest = Duty(literal: "encrypted.atRest")
    /// It is sent by TLS with at least 128 bits (clause P6.2).
    public static let encryptedInTransit = Duty(literal: "encrypted.inTransit")
    /// The disclosure is written down (clause P2i.1).
    public static let recordDisclosure = Duty(literal: "record.disclosure")
    /// The subject is told of cookies (clause P2e.5).
    public static let informCookies = Duty(literal: "notice.cookies")
    /// The subject is warned that everybody can read it (clause P4.1).
    public static let warnPublic = Duty(literal: "notice.public")
    /// The visitor's age is asked first (clause P12.2).
    public static let ageGate = Duty(literal: "ageGate")
    /// The subject is told to which countries it goes, whose law may differ (clause P7.3).
    public static let noticeDifferentLaw = Duty(literal: "notice.differentLaw")
    /// The subject is told that they leave the service, and that another's policy holds there (clause P3.1).
    public static let noticeLeaving = Duty(literal: "notice.leavingService")
    /// What was published is taken down (clause P5.1).
    public static let unpublish = Duty(literal: "unpublish")
    /// The subject, who does not agree, stops using the service; what is collected of them ends (clause P14.5).
    public static let discontinue = Duty(literal: "discontinue")
    /// The subject is told to be careful with what they write (clause P6.4).
    public static let caution = Duty(literal: "notice.caution")
}
