// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// What is known of a connection that has no credential, or of one that the app no longer accepts.
struct ConnectionRecord: JSONRecord, Hashable {
    var connector: Identifier<Connector>
    var project: Identifier<Project>?
    /// How the app authenticated, or is to.
    var method: Connector.Method?
    var metadata: [String: String] = [:]
    var state: Connection.State

    static let table = Table<ConnectionRecord>("vault.connection")

    func write(to writer: inout JSONWriter, schema: Int) {
        let (name, reason, at): (String, String?, Timestamp?) =
            switch state {
            case .shell: ("shell", nil, nil)
            case .connected: ("connected", nil, nil)
            case .lost(let reason, let at): ("lost", reason, at)
            case .disconnected: ("disconnected", nil, nil)
            }
        writer.object { writer in
            writer.field("at", at)
            writer.field("connector", connector)
            if !metadata.isEmpty { writer.field("metadata", metadata) }
            writer.field("method", method?.rawValue)
            writer.field("project", project)
            writer.field("reason", reason)
            writer.field("state", name)
        }
    }

    init(
        connector: Identifier<Connector>, project: Identifier<Project>?, method: Connector.Method?,
        metadata: [String: String] = [:], state: Connection.State
    ) {
        self.connector = connector
        self.project = project
        self.method = method
        self.metadata = metadata
        self.state = state
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let at = reader.hasField("at") ? try reader.text(as: Timestamp.self) : nil
            let connector = try reader.text("connector", as: Identifier<Connector>.self)
            let metadata =
                reader.hasField("metadata")
                ? try reader.dictionary { (reader) throws(JSONError) in try reader.text() } : [:]
            let method = reader.hasField("method") ? try reader.choice(as: Connector.Method.self) : nil
            let project = try reader.optionalText("project", as: Identifier<Project>.self)
            let reason = reader.hasField("reason") ? try reader.text() : nil
            let state: Connection.State =
                switch try reader.choice("state", as: Name.self) {
                case .shell: .shell
                case .connected: .connected
                case .lost: .lost(reason: reason ?? "", at: at ?? Timestamp(microseconds: 0))
                case .disconnected: .disconnected
                }
            return ConnectionRecord(
                connector: connector, project: project, method: method, metadata: metadata, state: state)
        }
    }

    private enum Name: String, Sendable, CaseIterable { case shell, connected, lost, disconnected }
}
