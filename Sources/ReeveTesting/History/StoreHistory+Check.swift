// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveStorage

extension StoreHistory {
    /// What no store could have told that does one thing after the other, each between its beginning and its end; `nil`
    /// when there is nothing of the kind.
    ///
    /// Revisions say which commit each reader saw, and each commit says which version it replaced: that orders the
    /// versions of every key. Those orders and the times must fit together; a circle among them is a violation. What is
    /// found is cut down to the operations of one shortest circle. Nothing is reported that is not wrong; where the
    /// order cannot be known, as with lost replies of deletes, nothing is concluded. Complexity: O(observations).
    public func violation() -> Violation? {
        var checker = HistoryChecker(operations)
        return checker.run()
    }
}

/// The check at work: operations as nodes, what must come before what as edges.
private struct HistoryChecker {
    typealias Operation = StoreHistory.Operation
    typealias Violation = StoreHistory.Violation

    private struct Version: Hashable {
        let key: Key
        let revision: Revision?
    }
    private struct Edge {
        let target: Int32
        /// The key that the order comes from, as an index; -1 for time.
        let key: Int32
    }

    private let operations: [Operation]
    private var commits: [Revision: Int] = [:]
    private var effective: [Bool]
    /// The commit that replaced a version.
    private var successors: [Version: Int] = [:]
    /// Per key, the commits that made it and the ones that deleted it, in the order of the writer that did.
    private var makers: [Key: [Int]] = [:]
    private var deleters: [Key: [Int]] = [:]
    private var unclear: Set<Key> = []
    private var keys: [Key] = []
    private var keyIndex: [Key: Int32] = [:]
    private var edges: [[Edge]]

    init(_ operations: [Operation]) {
        self.operations = operations.sorted { $0.start < $1.start }
        effective = self.operations.map { $0.call != .commit || $0.outcome == .done }
        edges = Array(repeating: [], count: self.operations.count)
    }

    mutating func run() -> Violation? {
        if let wrong = operations.first(where: { $0.defect != nil }) {
            return Violation(reason: wrong.defect ?? "", operations: [wrong])
        }
        return findCommits() ?? orderVersions() ?? addEdges() ?? findCircle()
    }

    /// Which commit each observation comes from, and which commits took effect.
    private mutating func findCommits() -> Violation? {
        for (index, operation) in operations.enumerated() {
            guard let revision = operation.revision else { continue }
            commits[revision] = index
            if operation.outcome == .unknown {
                // When, and whether, it made or deleted a record is not known.
                for (key, bytes) in operation.bytes where bytes == nil || operation.observed[key] == .some(nil) {
                    unclear.insert(key)
                }
            }
        }
        for operation in operations where effective(operation) {
            for (key, revision) in operation.observed {
                guard let revision else { continue }
                guard let source = commits[revision] else {
                    return Violation(reason: "a revision that no commit has", operations: [project(operation, [key])])
                }
                guard let written = operations[source].bytes[key] ?? nil else {
                    return violation(
                        "a record under the revision of a commit that did not write it",
                        [operation, operations[source]], key)
                }
                if operation.call != .commit, operation.bytes[key] != .some(written) {
                    return violation(
                        "other bytes than the revision's commit wrote", [operation, operations[source]], key)
                }
                if operations[source].outcome == .refused {
                    return violation(
                        "what a refused commit would have written was seen", [operation, operations[source]], key)
                }
                effective[source] = true
            }
        }
        return nil
    }

    private func effective(_ operation: Operation) -> Bool { operation.call != .commit || operation.outcome == .done }

    /// Each version has one successor at most.
    private mutating func orderVersions() -> Violation? {
        for (index, operation) in operations.enumerated() where operation.call == .commit && effective[index] {
            for (key, bytes) in operation.bytes {
                guard let expected = operation.observed[key] else {
                    // Written without expecting anything: its place is not known.
                    unclear.insert(key)
                    continue
                }
                if let revision = expected {
                    let version = Version(key: key, revision: revision)
                    if let other = successors[version] {
                        let source = commits[revision].map { [operations[$0]] } ?? []
                        return violation(
                            "two commits replaced one version", [operations[other], operation] + source, key)
                    }
                    successors[version] = index
                    if bytes == nil { deleters[key, default: []].append(index) }
                } else if bytes != nil {
                    makers[key, default: []].append(index)
                }
            }
        }
        // Between two makings of a record lies a delete.
        for (key, made) in makers where !unclear.contains(key) {
            let deleted = deleters[key] ?? []
            for index in made.indices.dropFirst() {
                let before = deleted.dropFirst(index - 1).first
                guard let before, operations[before].start < operations[made[index]].end else {
                    return violation(
                        "a record was made twice", [operations[made[index - 1]], operations[made[index]]], key)
                }
            }
        }
        return nil
    }

    private mutating func addEdges() -> Violation? {
        for (index, operation) in operations.enumerated() where effective[index] {
            for (key, revision) in operation.observed {
                let number = number(of: key)
                if let revision {
                    if let source = commits[revision], source != index {
                        edges[source].append(Edge(target: Int32(index), key: number))
                    }
                    if let next = successors[Version(key: key, revision: revision)], next != index {
                        edges[index].append(Edge(target: Int32(next), key: number))
                    }
                } else if !unclear.contains(key),
                    operation.bytes[key].map({ $0 == nil || operation.call != .commit }) ?? true
                {
                    if let found = addAbsence(index, key, number) { return found }
                }
            }
        }
        return nil
    }

    /// A key that was not there: between one delete and the next making of it, of which times leave some.
    private mutating func addAbsence(_ index: Int, _ key: Key, _ number: Int32) -> Violation? {
        let operation = operations[index]
        let (made, deleted) = (makers[key] ?? [], deleters[key] ?? [])
        // Gap i lies behind the i-th delete and before the making after it; gap 0 before the first.
        var gaps: [Int] = []
        // Only gaps whose delete began before this ended, and whose making ended after this began, can be meant.
        let first = made.partition { operations[$0].end > operation.start }
        for gap in first..<made.count + 1 {
            if gap > 0, gap > deleted.count { break }
            if gap > 0, operations[deleted[gap - 1]].start >= operation.end { break }
            gaps.append(gap)
            if gaps.count > 1 { return nil }
        }
        guard let gap = gaps.first else {
            let around = [made.prefix(first).last, deleted.dropFirst(max(0, first - 1)).first].compactMap(\.self)
            return violation("a record that was there was not seen", [operation] + around.map { operations[$0] }, key)
        }
        if gap > 0, deleted[gap - 1] != index {
            edges[deleted[gap - 1]].append(Edge(target: Int32(index), key: number))
        }
        if gap < made.count, made[gap] != index {
            edges[index].append(Edge(target: Int32(made[gap]), key: number))
        }
        return nil
    }

    private mutating func number(of key: Key) -> Int32 {
        if let number = keyIndex[key] { return number }
        keys.append(key)
        keyIndex[key] = Int32(keys.count - 1)
        return Int32(keys.count - 1)
    }

    // MARK: Circles

    /// Times as edges: each end leads into a chain of ends, and the chain into each operation that began later.
    private func graph() -> [[Edge]] {
        let count = operations.count
        var all = edges + Array(repeating: [], count: count)
        let ends = operations.indices.filter { effective[$0] && operations[$0].outcome != .unknown }
            .sorted { operations[$0].end < operations[$1].end }
        for (position, index) in ends.enumerated() {
            all[index].append(Edge(target: Int32(count + position), key: -1))
            if position > 0 { all[count + position - 1].append(Edge(target: Int32(count + position), key: -1)) }
        }
        var position = -1
        for index in operations.indices where effective[index] {
            while position + 1 < ends.count, operations[ends[position + 1]].end < operations[index].start {
                position += 1
            }
            if position >= 0 { all[count + position].append(Edge(target: Int32(index), key: -1)) }
        }
        return all
    }

    private mutating func findCircle() -> Violation? {
        let graph = graph()
        guard let component = Self.component(of: graph) else { return nil }
        let members = Set(component)
        var best: [(node: Int, key: Int32)]?
        for start in component.filter({ $0 < operations.count }).sorted().prefix(200) {
            guard let circle = Self.circle(from: start, in: graph, members) else { continue }
            let length = circle.count { $0.node < operations.count }
            if best.map({ old in length < old.count { $0.node < operations.count } }) ?? true { best = circle }
        }
        guard let best else { return nil }
        return report(best)
    }

    /// The operations of a circle, each with the keys that its edges come from, and who wrote what they saw there.
    private func report(_ circle: [(node: Int, key: Int32)]) -> Violation {
        var kept: [Int: Set<Key>] = [:]
        for (position, step) in circle.enumerated() where step.key >= 0 {
            // The edge leads from this node to the next one.
            let next = circle[(position + 1) % circle.count].node
            kept[step.node, default: []].insert(keys[Int(step.key)])
            // A key's edge always leads to an operation.
            kept[next, default: []].insert(keys[Int(step.key)])
        }
        let nodes = Set(circle.map(\.node).filter { $0 < operations.count })
        for node in nodes where kept[node] == nil { kept[node] = [] }
        for (index, wanted) in kept {
            for key in wanted {
                if let revision = operations[index].observed[key] ?? nil, let source = commits[revision] {
                    kept[source, default: []].insert(key)
                }
            }
        }
        return Violation(
            reason: "these cannot have happened one after the other",
            operations: kept.map { project(operations[$0.key], $0.value, isSource: !nodes.contains($0.key)) }
                .sorted { $0.start < $1.start })
    }

    private func violation(_ reason: String, _ operations: [Operation], _ key: Key) -> Violation {
        Violation(reason: reason, operations: operations.map { project($0, [key]) })
    }

    /// An operation with what it did and saw of some keys alone; a mere source of a version expects nothing.
    private func project(
        _ operation: Operation, _ keys: Set<Key>, isSource: Bool = false
    ) -> Operation {
        var result = operation
        result.observed = isSource ? [:] : operation.observed.filter { keys.contains($0.key) }
        result.bytes = operation.bytes.filter { keys.contains($0.key) }
        return result
    }

    /// A set of nodes that all reach each other, if there is one (Tarjan, without recursion).
    private static func component(of graph: [[Edge]]) -> [Int]? {
        var (order, low) = ([Int32](repeating: -1, count: graph.count), [Int32](repeating: 0, count: graph.count))
        var (onStack, stack, next) = ([Bool](repeating: false, count: graph.count), [Int](), Int32(0))
        for root in graph.indices where order[root] < 0 {
            var work: [(node: Int, edge: Int)] = [(root, 0)]
            while let (node, edge) = work.last {
                if edge == 0 {
                    (order[node], low[node]) = (next, next)
                    next += 1
                    stack.append(node)
                    onStack[node] = true
                }
                if edge < graph[node].count {
                    work[work.count - 1].edge += 1
                    let target = Int(graph[node][edge].target)
                    if order[target] < 0 {
                        work.append((target, 0))
                    } else if onStack[target] {
                        low[node] = min(low[node], order[target])
                    }
                    continue
                }
                work.removeLast()
                if let parent = work.last?.node { low[parent] = min(low[parent], low[node]) }
                guard low[node] == order[node] else { continue }
                var component: [Int] = []
                repeat {
                    guard let member = stack.popLast() else { break }
                    onStack[member] = false
                    component.append(member)
                } while component.last != node
                if component.count > 1 { return component }
            }
        }
        return nil
    }

    /// A shortest way from a node back to itself; each step with the key of its edge onwards.
    private static func circle(from start: Int, in graph: [[Edge]], _ members: Set<Int>) -> [(node: Int, key: Int32)]? {
        var parents: [Int: (node: Int, key: Int32)] = [:]
        var queue = [start]
        var position = 0
        while position < queue.count {
            let node = queue[position]
            position += 1
            for edge in graph[node] where members.contains(Int(edge.target)) {
                let target = Int(edge.target)
                if target == start {
                    var way = [(node: node, key: edge.key)]
                    while let last = way.last, last.node != start, let parent = parents[last.node] {
                        way.append(parent)
                    }
                    return way.reversed()
                }
                if parents[target] == nil {
                    parents[target] = (node, edge.key)
                    queue.append(target)
                }
            }
        }
        return nil
    }
}

extension [Int] {
    /// The position of the first element for which `isPast` holds, where it holds for all behind it.
    fileprivate func partition(_ isPast: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isPast(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
