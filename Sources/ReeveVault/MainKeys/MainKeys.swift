// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// Which main keys there are, and which one wraps an environment's keys from now on.
///
/// One key may serve every workspace, a workspace, or one environment of it; the narrowest counts. A key that was replaced
/// stays known until everything that it wrapped is repacked. A key is bound to where it was added: it wraps and unwraps
/// nothing elsewhere. All calls may be made concurrently.
public final class MainKeys: Sendable {
    /// Where a main key serves.
    public enum Reach: Hashable, Sendable {
        /// Every workspace that has no key of its own.
        case everyWorkspace
        /// A workspace.
        case workspace(Identifier<Workspace>)
        /// One environment of a workspace.
        case environment(Identifier<Workspace>, Environment)

        fileprivate var workspace: Identifier<Workspace>? {
            switch self {
            case .everyWorkspace: nil
            case .workspace(let workspace), .environment(let workspace, _): workspace
            }
        }
    }

    private struct State {
        /// The key that wraps from now on.
        var current: [Reach: any MainKeyProvider] = [:]
        /// All that were added, by reach and reference.
        var known: [Reach: [String: any MainKeyProvider]] = [:]

        /// A key serves one workspace, or all that have none of their own: who names another's is refused.
        mutating func add(_ key: any MainKeyProvider, for reach: Reach) throws(VaultError) {
            let reference = key.reference
            for (other, keys) in known where other.workspace != reach.workspace && keys[reference] != nil {
                throw VaultError(.mainKeyElsewhere)
            }
            known[reach, default: [:]][reference] = key
        }
    }
    private let state = Mutex(State())

    /// Main keys of which this one serves every workspace.
    public init(_ key: any MainKeyProvider) {
        state.withLock { state in
            state.known[.everyWorkspace] = [key.reference: key]
            state.current[.everyWorkspace] = key
        }
    }

    /// Main keys of which none serves every workspace: one without a key of its own stores nothing.
    public init() {}

    /// Lets a key unwrap what it wrapped there. Every process adds a new key before the first one uses it.
    ///
    /// Throws ``VaultError/Code/mainKeyElsewhere`` when a key of its reference serves another workspace.
    public func add(_ key: any MainKeyProvider, for reach: Reach) throws(VaultError) {
        try state.withLock { (state) throws(VaultError) in try state.add(key, for: reach) }
    }

    /// Lets a key wrap from now on what is new there. What others wrapped stays as it is until it is repacked
    /// (``Vault/repack(_:)``), and their keys stay known. Throws as ``add(_:for:)``.
    public func use(_ key: any MainKeyProvider, for reach: Reach) throws(VaultError) {
        try state.withLock { (state) throws(VaultError) in
            try state.add(key, for: reach)
            state.current[reach] = key
        }
    }

    /// Forgets a key that wraps nothing any more. One in use stays.
    public func remove(_ reference: String, from reach: Reach) {
        state.withLock { state in
            guard state.current[reach]?.reference.isIdentical(to: reference) != true else { return }
            state.known[reach]?[reference] = nil
        }
    }

    /// The key that wraps an environment's keys from now on.
    func current(for context: MainKeyContext) -> (any MainKeyProvider)? {
        let current = state.withLock(\.current)
        return Self.reaches(of: context).lazy.compactMap { current[$0] }.first
    }

    /// The key with a reference, if it was added for where this is.
    func key(_ reference: String, for context: MainKeyContext) -> (any MainKeyProvider)? {
        let known = state.withLock(\.known)
        return Self.reaches(of: context).lazy.compactMap { known[$0]?[reference] }.first
    }

    /// The narrowest first.
    private static func reaches(of context: MainKeyContext) -> [Reach] {
        [.environment(context.workspace, context.environment), .workspace(context.workspace), .everyWorkspace]
    }
}
