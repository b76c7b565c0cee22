// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Where data comes from.
public enum DataOrigin: String, Hashable, Sendable, Codable, CaseIterable {
    /// The subject, or somebody for them, gave it.
    case provided
    /// The service saw it, as in a log.
    case observed
    /// An app that is connected gave it.
    case thirdParty
    /// A device's hardware.
    case deviceHardware
    /// A device's operating system, or other software on it.
    case deviceSoftware
    /// The holder sent it to the device.
    case deviceAssigned
    /// Somebody else's site or service: the holder's policy does not apply to it (clauses P3.1, P3.3).
    case external

    /// All that a device conveys (clause P2g.2).
    public static let device: Set<DataOrigin> = [.deviceHardware, .deviceSoftware, .deviceAssigned]
}
