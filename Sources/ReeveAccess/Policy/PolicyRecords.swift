// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
public import ReeveStorage

extension PermissionDefinition: RecordCodable {}
extension Role: RecordCodable {}
extension AccessRules: RecordCodable {}
extension PolicyChange: RecordCodable {}

extension Grant: JSONRecord {
    /// Writes the grant's fields; the same JSON as by `Codable`.
    public func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("by", by)
            writer.field("from", from)
            writer.field("id", id)
            writer.field("principal", principal)
            writer.field("reach", reach)
            writer.field("reason", reason)
            writer.field("role", role)
            writer.field("until", until)
        }
    }

    /// Reads the grant's fields.
    public init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let by = try reader.text("by", as: ActContext.Actor.self)
            let from = try reader.optionalText("from", as: Timestamp.self)
            let id = try reader.text("id", as: Identifier<Grant>.self)
            let principal = try reader.text("principal", as: Principal.self)
            let reach = try reader.text("reach", as: Reach.self)
            let reason = try reader.text("reason")
            let role = try reader.text("role", as: RoleName.self)
            let until = try reader.optionalText("until", as: Timestamp.self)
            return Grant(
                id: id, role, to: principal, in: reach, from: from, until: until, reason: reason, by: by)
        }
    }
}
