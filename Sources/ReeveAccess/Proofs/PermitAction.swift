// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A dangerous act as a type, so that a permit for one act cannot be handed to another.
///
/// The actions that Reeve's rooms take are declared below. Types of your own compile, but no room takes them; the door for
/// a host's own acts is ``AccessAuthority/complete(_:)``.
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

/// Seeing which connections have credentials, and of what kind.
public enum ReadConnections: PermitAction {
    /// `connection.read`
    public static var permission: String { "connection.read" }
}

/// Destroying a connection's key, and with it every credential under it.
public enum DestroyCredential: PermitAction {
    /// `credential.destroy`
    public static var permission: String { "credential.destroy" }
}

/// Running a job, and using the data that its hour keeps.
public enum RunJob: PermitAction {
    /// `job.run`
    public static var permission: String { "job.run" }
}

/// Managing keys: rotating, suspending, destroying and repacking them.
public enum ManageKeys: PermitAction {
    /// `key.manage`
    public static var permission: String { "key.manage" }
}

/// Making a scrubbed recipe public.
public enum PublishRecipe: PermitAction {
    /// `recipe.publish`
    public static var permission: String { "recipe.publish" }
}

/// Deciding that something a scrubber was not sure of may be published.
public enum ApproveFinding: PermitAction {
    /// `finding.approve`
    public static var permission: String { "finding.approve" }
}

/// Writing a change of recipes.
public enum EditRecipe: PermitAction {
    /// `recipe.edit`
    public static var permission: String { "recipe.edit" }
}

/// Approving a change of recipes.
public enum ApproveRecipe: PermitAction {
    /// `recipe.approve`
    public static var permission: String { "recipe.approve" }
}

/// Deploying a change of recipes into an environment.
public enum DeployRecipe: PermitAction {
    /// `recipe.deploy`
    public static var permission: String { "recipe.deploy" }
}

/// Changing what a company may use: on `.plan(of: company)` or `.catalogue`, in the scope `.platform`.
public enum ChangePlan: PermitAction {
    /// `plan.change`
    public static var permission: String { "plan.change" }
}

/// Reviewing, approving or declining a price for a company: on `.plan(of: company)`, in the scope of its workspace.
public enum ApprovePrice: PermitAction {
    /// `price.approve`
    public static var permission: String { "price.approve" }
}

/// Placing or releasing a legal hold.
public enum ChangeHold: PermitAction {
    /// `hold.change`
    public static var permission: String { "hold.change" }
}

/// Answering what a subject asked about their data: showing it, putting it right, erasing it. On the request, in the scope `.platform`.
public enum AnswerRequest: PermitAction {
    /// `request.answer`
    public static var permission: String { "request.answer" }
}

/// Handing over what subjects chose, what holds and what they asked to who takes a business over, and taking it: in the scope `.platform`.
public enum TransferData: PermitAction {
    /// `data.transfer`
    public static var permission: String { "data.transfer" }
}

/// Giving and taking roles.
public enum ManageAccess: PermitAction {
    /// `access.manage`
    public static var permission: String { "access.manage" }
}

/// Proposing a matter that several persons have to approve.
public enum ProposeMatter: PermitAction {
    /// `quorum.propose`
    public static var permission: String { "quorum.propose" }
}

/// Approving a matter that several persons have to approve.
public enum ApproveMatter: PermitAction {
    /// `quorum.approve`
    public static var permission: String { "quorum.approve" }
}

/// Reading an audit log.
public enum ReadAudit: PermitAction {
    /// `audit.read`
    public static var permission: String { "audit.read" }
}

/// Seeing a personal value that an audit entry commits to.
public enum RevealAuditValue: PermitAction {
    /// `audit.reveal`
    public static var permission: String { "audit.reveal" }
}

/// Removing old entries from an audit log.
public enum PruneAudit: PermitAction {
    /// `audit.prune`
    public static var permission: String { "audit.prune" }
}

/// Erasing a personal value that an audit entry commits to.
public enum EraseAuditValue: PermitAction {
    /// `audit.erase`
    public static var permission: String { "audit.erase" }
}
