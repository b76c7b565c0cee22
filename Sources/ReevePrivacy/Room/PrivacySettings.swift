// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a ``Privacy`` decides by: the versions of a policy, and what is on file.
public struct PrivacySettings: Sendable {
    /// The versions of the policy: uses are decided by the one in force when they are made.
    public var policies: PolicyHistory
    /// What is on file.
    public var registers: PrivacyRegisters

    /// Where people reach the holder: each refusal says so (clause P16.1).
    public var contacts: ContactDirectory?

    /// The cookies and other trackers that are set, as who asks about them is told (clause P2e.6).
    public var trackers: TrackerRegister?
    /// How customers are named and reached, as people are told who are sent to them (clause P9.5).
    public var customers: [Identifier<Company>: String] = [:]

    /// Settings.
    public init(
        policies: PolicyHistory = .init(), registers: PrivacyRegisters = .none, contacts: ContactDirectory? = nil
    ) {
        self.policies = policies
        self.registers = registers
        self.contacts = contacts
    }
}

extension PrivacySettings {
    /// What an audit entry says of them: which versions there are, and how much is on file.
    var details: [String: String] {
        let names = policies.entries.map(\.version.name).joined(separator: ",")
        return [
            "versions": names.cut(toBytes: 2000), "providers": String(registers.providers.entries.count),
            "objections": String(registers.providers.objections.count),
            "agreements": String(registers.agreements.count),
            "attestations": String(registers.attestations.attestations.count),
            "grounds": String(registers.grounds.count), "locations": String(registers.locations.count),
            "successions": String(registers.successions.count),
            "standard": (registers.standard?.documents.map(\.name).joined(separator: ",") ?? "unknown")
                .cut(toBytes: 2000),
        ]
    }
}
