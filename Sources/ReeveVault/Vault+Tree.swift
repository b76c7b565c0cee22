// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveModel
import ReeveStorage

/// The keys of an environment as a drawing: ids and states, nothing secret.
public struct KeyTreeDrawing: Hashable, Sendable {
    /// One key of the drawing.
    public struct Node: Hashable, Sendable {
        /// The key's id, or a main key's reference.
        public let id: String
        /// What it is for: `main key`, `environment production`, `conn_…`, `hour` and when it began.
        public let name: String
        /// Counts the keys of one place; 0 for a main key.
        public let generation: Int64
        /// Where it stands; `nil` for a main key, which the vault does not know.
        public let state: KeyState?
        /// The number, in ``KeyTreeDrawing/nodes``, of the key that wraps it; `nil` when that is not there.
        public let parent: Int?
    }
    /// The keys, each after the one that wraps it.
    public internal(set) var nodes: [Node] = []
    /// How many places of connections and hours are not drawn.
    public internal(set) var omitted = 0

    /// The drawing as indented lines.
    public var text: String {
        var children: [Int?: [Int]] = [:]
        for (index, node) in nodes.enumerated() { children[node.parent, default: []].append(index) }
        var lines: [String] = []
        func draw(_ index: Int, _ depth: Int) {
            lines.append(String(repeating: "  ", count: depth) + Self.label(nodes[index]))
            for child in children[index] ?? [] { draw(child, depth + 1) }
        }
        for root in children[nil] ?? [] { draw(root, 0) }
        if omitted > 0 { lines.append("and \(omitted) more") }
        return lines.joined(separator: "\n")
    }

    /// The drawing as a Mermaid flow chart.
    public var mermaid: String {
        var lines = ["flowchart TD"]
        for (index, node) in nodes.enumerated() {
            lines.append("  k\(index)[\"\(Self.label(node).filter { $0 != "\"" && $0 != "[" && $0 != "]" })\"]")
            if let parent = node.parent { lines.append("  k\(parent) --> k\(index)") }
        }
        if omitted > 0 { lines.append("  more[\"and \(omitted) more\"]") }
        return lines.joined(separator: "\n")
    }

    private static func label(_ node: Node) -> String {
        var parts = [node.name, node.id]
        if node.generation > 0 { parts.append("generation \(node.generation)") }
        if let state = node.state { parts.append(state.rawValue) }
        return parts.joined(separator: " · ")
    }
}

extension Vault {
    /// Draws the keys of an environment, of at most `limit` connections and hours, 1 to 1,000. The permit is for the
    /// environment's keys. Nothing is unwrapped.
    public func drawing(
        limit: Int = 100, _ permit: Permit<ManageKeys>
    ) async throws(VaultError) -> KeyTreeDrawing {
        let action = "vault.key.draw"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            let drawing = try await withView(context) { (view) throws(VaultError) in
                try await draw(context, view, limit: min(max(limit, 1), 1000))
            }
            try await record(action, permit, ["keys": String(drawing.nodes.count)])
            return drawing
        }
    }

    private func draw(
        _ context: MainKeyContext, _ view: KeyTree.View, limit: Int
    ) async throws(VaultError) -> KeyTreeDrawing {
        var drawing = KeyTreeDrawing()
        try await draw(KeyPlace(context), "environment \(context.environment.rawValue)", view, &drawing)
        var drawn = 0
        for level in KeyPlace.Level.below {
            let prefix = tree.sets.key(Partition(context.workspace), [context.environment.rawValue, level.rawValue])
            try await eachRecord(under: prefix) { (entry) throws(VaultError) in
                guard let place = KeyPlace(entry.key, under: prefix, context, level) else { return }
                drawn += 1
                if drawn > limit {
                    drawing.omitted += 1
                } else {
                    try await draw(place, place.title, view, &drawing)
                }
            }
        }
        return drawing
    }

    private func draw(
        _ place: KeyPlace, _ name: String, _ view: KeyTree.View, _ drawing: inout KeyTreeDrawing
    ) async throws(VaultError) {
        guard let set = try await tree.set(of: place, view) else { return }
        for version in set.versions {
            let record: KeyRecord?
            do throws(StoreError) {
                record = try await KeyRecord.table.read(
                    place.partition, KeyRecord.ids(place, version.generation), in: store)
            } catch {
                throw VaultError(error)
            }
            let parent: Int?
            switch record?.wrapper {
            case .mainKey(let reference)?:
                if let known = drawing.nodes.firstIndex(where: {
                    $0.generation == 0 && $0.id.isIdentical(to: reference)
                }) {
                    parent = known
                } else {
                    drawing.nodes.append(.init(id: reference, name: "main key", generation: 0, state: nil, parent: nil))
                    parent = drawing.nodes.count - 1
                }
            case .key(let commitment, _)?:
                let id = String(commitment.description.prefix(16))
                parent = drawing.nodes.firstIndex { $0.id == id }
            case nil: parent = nil
            }
            drawing.nodes.append(
                .init(
                    id: version.id, name: name, generation: version.generation,
                    state: view.ledger.closure(of: place, version) ?? version.state, parent: parent))
        }
    }
}

extension KeyPlace {
    /// What a person calls it.
    fileprivate var title: String {
        switch leaf {
        case .environment: context.environment.rawValue
        case .connection(let id): id.description
        case .hour(let hour): "hour \(Timestamp(seconds: hour * 3600))"
        case .index(let field): "index \(field)"
        }
    }
}
