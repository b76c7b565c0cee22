// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A company that uses the platform; the host keeps the company itself, Reeve its id and status.
public struct Company: Hashable, Sendable, Codable, Identifiable {
    /// Where a company stands in its life with the platform (clause S4.2).
    public enum Status: String, Hashable, Sendable, Codable, CodingKeyRepresentable, CaseIterable {
        /// Trying the product out; gets the trial plan.
        case proofOfConcept
        /// A customer; gets the bronze plan.
        case customer
        /// No longer a customer: nothing new is admitted.
        case former
    }

    /// The company's id.
    public let id: Identifier<Company>
    /// Its status, as the host last said.
    public var status: Status

    /// A company in a status.
    public init(id: Identifier<Company>, status: Status) {
        self.id = id
        self.status = status
    }
}
