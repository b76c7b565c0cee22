// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import CLibpq
import Foundation
import ReeveModel
import ReevePostgres
import ReeveStorage
import Testing

/// The server of the tests: `Scripts/test` starts it and says where it is.
enum Server {
    static let shared = ProcessInfo.processInfo.environment["REEVE_POSTGRES"]
    static var isThere: Bool { shared != nil }
    static let why: Comment = "REEVE_POSTGRES is not set: Scripts/postgres start FOLDER prints what to set it to"
}

func expect(_ code: PostgresStoreError.Code, _ body: () async throws -> Void) async {
    do {
        try await body()
        Issue.record("\(code) was not thrown")
    } catch {
        #expect((error as? PostgresStoreError)?.code == code, "\(error)")
    }
}

/// A database's answer to statements that a test runs beside the store.
@discardableResult
func sql(_ text: String, on connection: String) throws -> [[String]] {
    struct Refused: Error { let text: String }
    let handle = PQconnectdb(connection)
    defer { PQfinish(handle) }
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
    let result = PQexec(handle, text)
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
        throw Refused(text: String(cString: PQerrorMessage(handle)))
    }
    return (0..<PQntuples(result)).map { row in
        (0..<PQnfields(result)).map { String(cString: PQgetvalue(result, row, $0)) }
    }
}

/// A schema of its own in the shared server, gone with the test.
final class Schema: Sendable {
    let name = "t\(UInt64.random(in: 0 ... .max))"
    let connection: String
    init(on connection: String? = Server.shared, granting role: String? = nil) async throws {
        self.connection = try #require(connection)
        try await PostgresStore.migrate(self.connection, schema: name, granting: role)
    }
    deinit { _ = try? sql("DROP SCHEMA IF EXISTS \(name) CASCADE", on: connection) }

    func configuration(_ change: (inout PostgresStore.Configuration) -> Void = { _ in }) -> PostgresStore.Configuration
    {
        var configuration = PostgresStore.Configuration(connections: 4, schema: name)
        change(&configuration)
        return configuration
    }

    func store(_ change: (inout PostgresStore.Configuration) -> Void = { _ in }) async throws -> PostgresStore {
        try await PostgresStore(connection, configuration: configuration(change))
    }
}

/// Another session that holds what a statement locked, until it is released.
final class Holder {
    private let handle: OpaquePointer?
    private let connection: String

    init(_ schema: Schema, _ statement: String) throws {
        connection = schema.connection
        handle = PQconnectdb(connection)
        for text in ["BEGIN", statement] { PQclear(PQexec(handle, text)) }
        try #require(PQtransactionStatus(handle) == PQTRANS_INTRANS)
    }

    /// Waits until somebody waits for it.
    func waitForWaiter() async throws {
        let waiters =
            "SELECT count(*) FROM pg_stat_activity WHERE \(PQbackendPID(handle)) = ANY(pg_blocking_pids(pid))"
        while try sql(waiters, on: connection) == [["0"]] { await Task.yield() }
    }

    func release() { PQclear(PQexec(handle, "ROLLBACK")) }

    deinit { PQfinish(handle) }
}

/// Listens on this machine, and gives each caller to a thread of its own.
final class Listener: Sendable {
    let port: UInt16
    private let file: Int32

    init(_ answer: @escaping @Sendable (Int32) -> Void) throws {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && listen(file, 64) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        try #require(isBound)
        self.file = file
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let caller = accept(file, nil, nil)
                guard caller >= 0 else { return }
                Thread.detachNewThread { answer(caller) }
            }
        }
    }

    // What waits in accept(2) is woken, and ends.
    deinit {
        shutdown(file, Int32(SHUT_RDWR))
        close(file)
    }
}

/// A server that only one test has, so that it can be stopped, frozen and killed.
final class PrivateServer: Sendable {
    let folder: String
    let connection: String

    init() throws {
        folder =
            FileManager.default.temporaryDirectory.appending(path: "reeve-pg-\(UInt32.random(in: 0 ... .max))").path
        connection = "host=\(folder) user=owner dbname=postgres"
        try run("start")
    }

    @discardableResult
    func run(_ command: String) throws -> String {
        struct Failed: Error { let command: String }
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Scripts/postgres")
        let process = Process()
        process.executableURL = script
        process.arguments = [command, folder]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(command: command) }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    deinit {
        _ = try? run("crash")
        try? FileManager.default.removeItem(atPath: folder)
    }
}
#endif
