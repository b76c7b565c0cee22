// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReeveStorage
import ReeveTesting

/// The doors of the audit log.
extension Door {
    static let audit: [Door] = [
        reading("AuditLog.entries(of:matching:_:)", "audit.read") { stage, permit in
            _ = try await stage.trust.layer.audit.entries(of: stage.trust.scope, permit)
        },
        reading("AuditLog.proof(of:in:_:)", "audit.prove") { stage, permit in
            _ = try await stage.trust.layer.audit.proof(of: 0, in: stage.trust.scope, permit)
        },
        reading("AuditLog.proofs(of:in:_:)", "audit.prove") { stage, permit in
            _ = try await stage.trust.layer.audit.proofs(of: [0, 1], in: stage.trust.scope, permit)
        },
        reading("AuditLog.consistency(since:in:_:)", "audit.prove") { stage, permit in
            _ = try await stage.trust.layer.audit.consistency(since: 1, in: stage.trust.scope, permit)
        },
        reading("AuditLog.verify(_:against:by:_:)", "audit.verify") { stage, permit in
            let verifier = AuditVerifier(keys: [])
            _ = try await stage.trust.layer.audit.verify(stage.trust.scope, by: verifier, permit)
        },
        reading("AuditLog.export(_:_:to:)", "audit.export") { stage, permit in
            let scope = permit.context.scope
            try await stage.trust.layer.audit.export(scope, permit) { _, _ in }
        },
        reading("AuditLog.lines(_:of:from:_:to:)", "audit.export") { stage, permit in
            try await stage.trust.layer.audit.lines(.ocsf, of: stage.trust.scope, permit) { _ in }
        },
        Door(name: "AuditLog.value(_:of:in:_:)", action: "audit.reveal") { stage in
            let permit = try await stage.trust.permit(RevealAuditValue.self, on: .log(of: stage.trust.scope))
            _ = try await stage.trust.layer.audit.value("email", of: stage.personal(), in: stage.trust.scope, permit)
        } refuse: { stage in
            let scope = stage.trust.scope
            let permit = try await stage.other.permit(RevealAuditValue.self, on: .log(of: scope), in: scope)
            _ = try await stage.trust.layer.audit.value("email", of: stage.personal(), in: scope, permit)
        },
        Door(name: "AuditLog.record(_:on:details:personal:as:)", action: "host.call") { stage in
            try await stage.trust.layer.audit.record(
                "call", on: Resource(stage.trust.company), as: stage.trust.context())
        } refuse: { stage in
            // It is an entry, and needs none.
            _ = stage
        },
        Door(name: "AuditLog.erase(_:of:in:_:)", action: "audit.erase") { stage in
            let scope = Scope(try stage.workspace())
            try await stage.trust.layer.audit.erase(
                "email", of: stage.personal().id, in: scope,
                stage.trust.permit(EraseAuditValue.self, on: .log(of: scope), in: scope))
        } refuse: { stage in
            let scope = Scope(try stage.workspace())
            let permit = try await stage.trust.permit(EraseAuditValue.self, on: .log(of: scope), in: scope)
            stage.trust.time.setWallClock(to: Timestamp(seconds: 0))
            try await stage.trust.layer.audit.erase("email", of: Identifier(high: 1, low: 1), in: scope, permit)
        },
        Door(name: "AuditLog.prune(_:before:_:)", action: "audit.prune") { stage in
            let scope = Scope(try stage.workspace())
            try await stage.trust.layer.audit.prune(
                scope, before: 0, stage.trust.permit(PruneAudit.self, on: .log(of: scope), in: scope))
        } refuse: { stage in
            let scope = Scope(try stage.workspace())
            try await stage.trust.layer.audit.prune(
                scope, before: 10_000, stage.trust.permit(PruneAudit.self, on: .log(of: scope), in: scope))
        },
    ]

    /// A door that reads: refused with a permit of another authority.
    private static func reading(
        _ name: String, _ action: String, _ body: @escaping @Sendable (Stage, Permit<ReadAudit>) async throws -> Void
    ) -> Door {
        Door(name: name, action: action) { stage in
            try await stage.trust.layer.audit.runOnce()
            let scope = name.contains("export") ? Scope(try stage.workspace()) : stage.trust.scope
            try await body(stage, stage.trust.permit(ReadAudit.self, on: .log(of: scope), in: scope))
        } refuse: { stage in
            let scope = stage.trust.scope
            try await body(stage, stage.other.permit(ReadAudit.self, on: .log(of: scope), in: scope))
        }
    }
}

extension Stage {
    func workspace() throws -> Identifier<Workspace> {
        guard let workspace = trust.scope.workspace else { throw BrokenPromise("the stage has no workspace") }
        return workspace
    }

    /// An entry with a personal value.
    func personal() async throws -> AuditEntry {
        let entry = AuditEntry(at: trust.time.now, context: trust.context(), action: "test.personal", resource: "r")
        try await trust.store.record(entry, personal: [PersonalValue("email", "dana@example.org")], in: Trail())
        return try trust.store.auditEntries().last { $0.id == entry.id } ?? entry
    }
}
