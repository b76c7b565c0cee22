// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePostgres
import ReeveSQLite
import ReeveStorage
import Testing

func key(_ name: String) -> Key { Key(.platform, [.text(name)]) }

func write(_ store: some Store, _ name: String, _ bytes: [UInt8]) async throws {
    var changes = Changes()
    changes.write(key(name), bytes)
    try await store.commit(changes)
}

/// A folder of its own, gone with the test.
final class Folder: Sendable {
    let path: String
    init() throws {
        path =
            FileManager.default.temporaryDirectory.appending(path: "reeve-sqlite-\(UInt64.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var file: String { path + "/store.sqlite" }
    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    /// Whether bytes stand in any file of the folder.
    func holds(_ bytes: [UInt8]) throws -> Bool {
        try files.contains { name in
            try Data(contentsOf: URL(filePath: path + "/" + name)).range(of: Data(bytes)) != nil
        }
    }
}

#if SQLite && PostgreSQL
/// A durable store that several processes find by its address.
enum DurableStore: String, Codable {
    case sqlite
    case postgres

    func open(_ address: String) async throws -> any Store {
        switch self {
        case .sqlite: return try SQLiteStore(path: address)
        case .postgres:
            return try await PostgresStore(
                try #require(Server.shared).replacing("user=owner", with: "user=\(Place.role)"),
                configuration: .init(connections: 4, waitSeconds: 60, schema: address))
        }
    }

    func close(_ store: any Store) async throws {
        try (store as? SQLiteStore)?.close()
        await (store as? PostgresStore)?.close()
    }
}

/// Where a test has a durable store, gone with the test.
final class Place: Sendable {
    let kind: DurableStore
    let folder: Folder
    private let schema: Schema?
    var address: String { schema?.name ?? folder.file }

    /// The role of a program, which is granted what it needs and no more.
    static let role = "reeve_app"

    init(_ kind: DurableStore) async throws {
        self.kind = kind
        folder = try Folder()
        guard kind == .postgres else {
            schema = nil
            return
        }
        try sql(
            """
            DO $$ BEGIN CREATE ROLE \(Self.role) LOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
            """, on: try #require(Server.shared))
        schema = try await Schema(granting: Self.role)
    }

    func open() async throws -> any Store { try await kind.open(address) }

    /// Looks for what is damaged, in the ways that the store has.
    func check(_ store: any Store) async throws { try await (store as? SQLiteStore)?.checkIntegrity() }

    /// What a process noted, line by line.
    func notes() throws -> [[Int]] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: folder.path + "/notes")), as: UTF8.self)
        return text.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
    }
}

/// Notes on a line what has to be so from here on, whatever happens to the process.
final class Notes: Sendable {
    private let file: Int32
    init(in folder: String) {
        file = open(folder + "/notes", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        precondition(file >= 0)
    }
    func add(_ numbers: Int...) {
        let line = Array((numbers.map(String.init).joined(separator: " ") + "\n").utf8)
        precondition(write(file, line, line.count) == line.count)
    }
}
#endif
