// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// Says of which companies tasks were asked back lately: one record that every process reads, so that none reads those of all the
/// companies it holds something of.
struct RecallBoard: JSONRecord, Hashable {
    /// How many have been written in all.
    var count: Int64 = 0
    /// The latest of them, the last one last.
    var latest: [Identifier<Company>] = []

    static let room = 100
    private static let table = Table<RecallBoard>("plans.recalls")

    /// The companies that were added since there were `seen`; `nil` when that cannot be told any more.
    func companies(since seen: Int64) -> Set<Identifier<Company>>? {
        guard seen <= count, count - seen <= Int64(latest.count) else { return nil }
        return Set(latest.suffix(Int(count - seen)))
    }

    static func read(in store: any Store) async throws(StoreError) -> RecallBoard? {
        try await table.read(.platform, [], in: store)
    }

    static func add(
        _ company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        var board = try await table.read(.platform, [], in: &transaction) ?? RecallBoard()
        board.count += 1
        board.latest.append(company)
        board.latest.removeFirst(max(0, board.latest.count - room))
        try await table.write(board, .platform, [], in: &transaction)
    }

    init() {}

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("count", count)
            writer.name("latest")
            writer.list(latest) { $0.text($1) }
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            var board = RecallBoard()
            board.count = try reader.count("count")
            try reader.name("latest")
            board.latest = try reader.list { (reader) throws(JSONError) in
                try reader.text(as: Identifier<Company>.self)
            }
            return board
        }
    }
}
