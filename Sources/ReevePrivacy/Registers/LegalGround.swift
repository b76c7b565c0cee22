// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Why something is disclosed to an authority.
public enum LegalGround: Hashable, Sendable, Codable {
    /// A subpoena, an order of a court or another process (clause P2i.1): the host's reference to the papers.
    case process(reference: String)
    /// A belief that it is necessary (clause P2i.2), and who holds it.
    case belief(Belief, author: ActContext.Actor)

    /// What it is believed to be necessary for.
    public enum Belief: String, Hashable, Sendable, Codable, CaseIterable {
        /// Something illegal was done, or is suspected.
        case illegalActs
        /// Fraud.
        case fraud
        /// Somebody's physical safety.
        case safety
        /// The terms were broken.
        case terms
        /// The law asks for it.
        case law
    }
}
