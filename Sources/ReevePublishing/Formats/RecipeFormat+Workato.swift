// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension RecipeFormat {
    /// Recipes of Workato: `.recipe.json` files of an export, and the answers of its API, where `code` is packed into a
    /// string.
    public static let workato = RecipeFormat(
        "workato", .workato,
        [
            RoleZone(
                "recipe",
                roles: [
                    .structural: [
                        "version", "private", "concurrency", "keyword", "running", "created_at", "updated_at",
                    ],
                    .label: ["name", "description", "folder", "zip_name", "folder_full_path", "tags"],
                    .comment: ["version_comment"],
                    .identity: [
                        "id", "user_id", "folder_id", "project_id", "author_id", "author_name", "author_email",
                        "version_author_name", "version_author_email", "external_id", "webhook_url",
                    ],
                    // What its runs came to: usage leaves in aggregates only.
                    .sample: [
                        "last_run_at", "stopped_at", "copy_count", "job_succeeded_count", "job_failed_count",
                        "lifetime_task_count",
                    ],
                ],
                entries: ["code": "block", "config": "config"], privacy: ["private"]),
            block,
            input,
            schema,
            RoleZone(
                "config",
                roles: [.structural: ["keyword", "provider", "skip_validation"]],
                entries: ["account_id": "account"]),
            RoleZone("account", otherwise: .identity, roles: [.credential: ["name", "zip_name"], .label: ["folder"]]),
        ])

    /// Connection files of a Workato export. They hold no credentials, but their name often says whose they are.
    public static let workatoConnection = RecipeFormat(
        "workato-connection", .none,
        [
            RoleZone(
                "connection",
                roles: [
                    .credential: ["name"], .structural: ["root_folder", "custom"],
                    .label: ["description"],
                ],
                entries: ["provider": "provider"]),
            RoleZone("provider", otherwise: .structural, roles: [.label: ["zip_name", "folder"]]),
        ])

    /// Manifests of Workato's exports: the list of what is in a package. An asset is told by its file; its name, which may be a connection's,
    /// is emptied.
    public static let workatoManifest = RecipeFormat(
        "workato-manifest", .workato,
        [
            RoleZone(
                "manifest",
                roles: [
                    .structural: [
                        "status", "created_at", "updated_at", "deleted_at", "last_exported_at", "include_data",
                        "include_tags", "include_test_cases", "auto_generate_assets", "auto_run",
                    ],
                    .label: ["name", "project_path"],
                    .identity: ["id", "folder_id"],
                ],
                entries: ["export_manifest": "manifest", "result": "manifest", "assets": "asset"]),
            RoleZone(
                "asset",
                roles: [
                    .structural: ["type", "checked", "version", "root_folder", "unreachable", "status"],
                    .label: ["zip_name", "folder", "absolute_path"],
                    .sample: ["name"],
                    .identity: ["id", "folder_id"],
                ]),
        ])

    private static let schemas: Set<String> = [
        "body_schema", "schema", "parameters_schema_json", "result_schema_json", "code_output_schema_json",
        "extended_input_schema", "extended_output_schema",
    ]

    private static func entering(_ zone: String, _ keys: Set<String>) -> [String: String] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0, zone) })
    }

    private static let block = RoleZone(
        "block",
        roles: [
            .structural: [
                "uuid", "as", "keyword", "number", "name", "provider", "toggleCfg", "visible_config_fields",
                "format_version", "skip", "unfinished", "repeat_mode", "batch_size", "clear_scope",
            ],
            .comment: ["comment"],
            .label: ["title", "description"],
            .sample: ["dynamicPickListSelection"],
        ],
        entries: entering("input", ["input", "filter"]).merging(entering("schema", schemas)) { first, _ in first },
        versions: ["format_version": ["2"]])

    private static let input = RoleZone(
        "input",
        roles: [
            .structural: ["operand", "uuid"],
            .code: ["code", "script"],
        ],
        entries: entering("schema", schemas))

    private static let schema = RoleZone(
        "schema", otherwise: .schema,
        roles: [
            .structural: [
                "name", "type", "control_type", "parse_output", "render_input", "of", "optional", "sobject_name",
            ],
            .sample: ["example", "sample"],
        ])
}
