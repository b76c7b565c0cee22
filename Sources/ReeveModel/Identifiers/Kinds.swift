// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension Company: IdentifiedEntity {
    /// `co`
    public static var identifierPrefix: String { "co" }
}
extension Workspace: IdentifiedEntity {
    /// `ws`
    public static var identifierPrefix: String { "ws" }
}
extension Project: IdentifiedEntity {
    /// `proj`
    public static var identifierPrefix: String { "proj" }
}
extension User: IdentifiedEntity {
    /// `user`
    public static var identifierPrefix: String { "user" }
}
extension Connector: IdentifiedEntity {
    /// `app`
    public static var identifierPrefix: String { "app" }
}
extension Connection: IdentifiedEntity {
    /// `conn`
    public static var identifierPrefix: String { "conn" }
}
extension Recipe: IdentifiedEntity {
    /// `rcp`
    public static var identifierPrefix: String { "rcp" }
}
extension Job: IdentifiedEntity {
    /// `job`
    public static var identifierPrefix: String { "job" }
}

/// Names one access decision; a permit and the audit entry of the act carry it. Prefix `dec`.
public enum DecisionRecord: IdentifiedEntity {
    /// `dec`
    public static var identifierPrefix: String { "dec" }
}

/// Whom data is about, by name only: Reeve stores no people. Prefix `sub`.
public enum DataSubject: IdentifiedEntity {
    /// `sub`
    public static var identifierPrefix: String { "sub" }
}

/// Names one audit entry. Prefix `aud`.
public enum AuditRecord: IdentifiedEntity {
    /// `aud`
    public static var identifierPrefix: String { "aud" }
}

/// Names one chain of calls that belong together across rooms. Prefix `cor`.
public enum Correlation: IdentifiedEntity {
    /// `cor`
    public static var identifierPrefix: String { "cor" }
}

/// Names a process that writes audit entries. Prefix `wrt`.
public enum Writer: IdentifiedEntity {
    /// `wrt`
    public static var identifierPrefix: String { "wrt" }
}

/// Names a part of a limit that one process holds. Prefix `quo`.
public enum QuotaLeaseRecord: IdentifiedEntity {
    /// `quo`
    public static var identifierPrefix: String { "quo" }
}

/// Names a piece of personal data that a host registered for retention. Prefix `dat`.
public enum DataRecord: IdentifiedEntity {
    /// `dat`
    public static var identifierPrefix: String { "dat" }
}

/// Names a legal hold's case. Prefix `case`.
public enum LegalCase: IdentifiedEntity {
    /// `case`
    public static var identifierPrefix: String { "case" }
}

/// Names one publication of a recipe. Prefix `pub`.
public enum PublicationRecord: IdentifiedEntity {
    /// `pub`
    public static var identifierPrefix: String { "pub" }
}

/// Names a value that is split over several records. Prefix `blob`.
public enum BlobRecord: IdentifiedEntity {
    /// `blob`
    public static var identifierPrefix: String { "blob" }
}

/// Names one worker that holds leases. Prefix `wkr`.
public enum Worker: IdentifiedEntity {
    /// `wkr`
    public static var identifierPrefix: String { "wkr" }
}
