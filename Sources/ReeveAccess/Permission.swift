// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a decision is about, for example `credential.open`: a dotted path.
public struct Permission: Hashable, Sendable, TextCodable {
    /// The dotted path.
    public let path: Path
    /// The dotted path's text.
    public var description: String { path.description }
    /// Reads a dotted path.
    public init?(_ text: String) {
        guard let path = Path(text) else { return nil }
        self.path = path
    }
}

/// A dangerous act as a type, so that a permit for one act cannot be handed to another.
///
/// The actions that Reeve's rooms take are declared below. Types of your own compile, but no room takes them.
public protocol PermitAction: Sendable {
    /// The permission that a decision for this action is about, for example `credential.open`.
    static var permission: String { get }
}

/// Storing a connection's credential.
public enum StoreCredential: PermitAction {
    /// `credential.store`
    public static var permission: String { "credential.store" }
}

/// Opening a connection's credential.
public enum OpenCredential: PermitAction {
    /// `credential.open`
    public static var permission: String { "credential.open" }
}

/// Destroying a connection's key, and with it every credential under it.
public enum DestroyCredential: PermitAction {
    /// `credential.destroy`
    public static var permission: String { "credential.destroy" }
}

/// Making a scrubbed recipe public.
public enum PublishRecipe: PermitAction {
    /// `recipe.publish`
    public static var permission: String { "recipe.publish" }
}

/// Changing what a company may use.
public enum ChangePlan: PermitAction {
    /// `plan.change`
    public static var permission: String { "plan.change" }
}

/// Placing or releasing a legal hold.
public enum ChangeHold: PermitAction {
    /// `hold.change`
    public static var permission: String { "hold.change" }
}

/// Reading an audit log.
public enum ReadAudit: PermitAction {
    /// `audit.read`
    public static var permission: String { "audit.read" }
}
