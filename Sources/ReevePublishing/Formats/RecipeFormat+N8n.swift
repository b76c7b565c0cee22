// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension RecipeFormat {
    /// Workflows of n8n, as its editor and API export them.
    public static let n8n = RecipeFormat(
        "n8n", .n8n,
        [
            RoleZone(
                "workflow",
                roles: [
                    .label: ["name", "description"],
                    .structural: ["active", "isArchived", "createdAt", "updatedAt"],
                    .identity: [
                        "id", "versionId", "activeVersionId", "parentFolder", "homeProject", "usedCredentials",
                    ],
                    .sample: ["pinData", "staticData", "shared", "activeVersion", "triggerCount"],
                ],
                entries: [
                    "nodes": "node", "connections": "connections", "settings": "settings", "meta": "meta",
                    "tags": "tags",
                ]),
            RoleZone(
                "node",
                roles: [
                    .structural: [
                        "id", "type", "typeVersion", "position", "disabled", "onError", "alwaysOutputData",
                        "continueOnFail", "executeOnce", "maxTries", "retryOnFail", "waitBetweenTries", "notesInFlow",
                    ],
                    .label: ["name"],
                    .comment: ["notes"],
                    .identity: ["webhookId"],
                ],
                defining: ["name"],
                entries: ["parameters": "parameters", "credentials": "credentials"]),
            RoleZone(
                "parameters",
                roles: [
                    .structural: ["__rl"],
                    .sample: ["cachedResultName", "cachedResultUrl"],
                    .code: ["jsCode", "functionCode", "pythonCode", "code"],
                ],
                entries: ["workflowJson": "workflow"]),
            RoleZone("credentials", otherwise: .credential, roles: [.identity: ["id"]]),
            RoleZone("connections", otherwise: .reference, names: .reference, entries: ["*": "edges"]),
            RoleZone("edges", otherwise: .structural, roles: [.reference: ["node"]]),
            RoleZone(
                "settings", otherwise: .structural, roles: [.identity: ["errorWorkflow", "callerIds"]],
                versions: ["executionOrder": ["v0", "v1"]]),
            RoleZone("meta", otherwise: .structural, roles: [.identity: ["instanceId", "templateId"]]),
            RoleZone(
                "tags", otherwise: .label, roles: [.identity: ["id"], .structural: ["createdAt", "updatedAt"]]),
        ])
}
