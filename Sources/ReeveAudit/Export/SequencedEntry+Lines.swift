// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage

extension SequencedEntry {
    /// The entry as an event of class API Activity (6003) of the Open Cybersecurity Schema Framework 1.5.0; its time is in
    /// milliseconds since 1970. A gap is an event of its own, of high severity.
    public func ocsf(origin: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            let activity = activity
            json.field("activity_id", activity)
            json.field("actor") { json in
                json.field("user") { $0.field("uid", actor) }
            }
            json.field("api") { json in
                json.field("operation", action)
                json.field("request") { $0.field("uid", identifier) }
            }
            json.field("category_uid", 6)
            json.field("class_uid", 6003)
            json.field("message", "\(action) on \(resource)")
            json.field("metadata") { json in
                json.field("log_name", origin)
                json.field("product") { json in
                    json.field("name", "Reeve")
                    json.field("vendor_name", "Reeve")
                }
                json.field("sequence", index)
                json.field("uid", identifier)
                json.field("version", "1.5.0")
            }
            json.name("resources")
            json.list([resource]) { json, resource in json.object { $0.field("uid", resource) } }
            json.field("severity_id", severity)
            json.field("src_endpoint") { $0.field("name", self.origin) }
            json.field("status_code", refusal)
            json.field("status_id", isSuccess ? 1 : 2)
            json.field("time", milliseconds)
            json.field("type_uid", 600_300 + activity)
            json.field("unmapped") { json in
                json.field("decision", entry?.decision)
                if let details = entry?.details, !details.isEmpty { json.field("details", details) }
                json.field("policy", entry?.policy)
                json.field("scope", entry.map { Reach.scope($0.context.scope).description })
            }
        }
        return json.bytes
    }

    /// The entry as a CloudEvent 1.0 in JSON, with the leaf's own JSON as data. Its source is the log's origin, its id the
    /// entry's.
    public func cloudEvent(origin: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.name("data")
            json.raw(leaf)
            json.field("datacontenttype", "application/json")
            json.field("id", identifier)
            json.field("sequence", String(index))
            json.field("source", origin)
            json.field("specversion", "1.0")
            json.field("subject", resource)
            json.field("time", at)
            json.field("type", entry == nil ? "reeve.audit.gap" : "reeve.audit.\(action)")
        }
        return json.bytes
    }

    private var identifier: String { entry?.id.description ?? "\(writer):\(number)" }
    private var action: String { entry?.action ?? "audit.gap" }
    private var actor: String { entry?.context.actor.description ?? writer.description }
    private var origin: String { entry?.context.origin.rawValue ?? "background" }
    private var resource: String {
        guard let resource = entry?.resource, !resource.isEmpty else { return "log:\(writer)" }
        return resource
    }
    private var refusal: String? { entry?.refusal }
    private var isSuccess: Bool { entry?.outcome == .success }
    private var severity: Int { entry == nil ? 4 : isSuccess ? 1 : 3 }
    private var milliseconds: Int64 { at.microseconds / 1000 }

    /// Create, read, update, delete or other, by the last word of the action.
    private var activity: Int {
        let word = action.split(separator: ".").last.map(String.init) ?? ""
        let known: [(Int, [String])] = [
            (1, ["create", "store", "register", "grant", "propose", "publish", "placeHold"]),
            (2, ["read", "open", "prove", "verify", "export", "reveal"]),
            (
                3,
                [
                    "activate", "approve", "changed", "communicate", "complete", "decline", "deploy", "edit", "review",
                    "setStatus", "withdraw",
                ]
            ),
            (4, ["erase", "destroy", "revoke", "prune", "releaseHold"]),
        ]
        return known.first { $0.1.contains(word) }?.0 ?? 0
    }
}
