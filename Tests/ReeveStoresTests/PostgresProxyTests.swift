// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import ReeveModel
import ReevePostgres
import ReeveStorage
import Synchronization
import Testing

/// Stands between a store and the server, and cuts where it is told to.
private final class Proxy: Sendable {
    enum Mode: Sendable {
        case passes
        /// What is asked does not arrive.
        case cutsRequests
        /// What is asked arrives and is done, and the answer does not come back.
        case cutsAnswers
        /// As `cutsAnswers`, with a message that somebody in between makes up.
        case answersItself
    }

    var port: UInt16 { listener.withLock { $0?.port ?? 0 } }
    private let listener = Mutex<Listener?>(nil)
    private let server: String
    private let mode = Mutex(Mode.passes)

    func set(_ new: Mode) { mode.withLock { $0 = new } }

    init(to connection: String) throws {
        let folder = try #require(connection.split(separator: " ").first?.dropFirst(5))
        server = "\(folder)/.s.PGSQL.5432"
        let listener = try Listener { [weak self] caller in
            guard let self else { return }
            let callee = connected()
            Thread.detachNewThread { [self] in pump(from: callee, to: caller, isRequest: false) }
            pump(from: caller, to: callee, isRequest: true)
        }
        self.listener.withLock { $0 = listener }
    }

    private func connected() -> Int32 {
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: server.utf8) }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        precondition(isConnected)
        return file
    }

    private func pump(from source: Int32, to target: Int32, isRequest: Bool) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            switch mode.withLock({ $0 }) {
            case .cutsRequests where isRequest: return end(source, target)
            case .cutsAnswers where !isRequest: return end(source, target)
            case .answersItself where !isRequest:
                let fields = Array("SFATAL\0VFATAL\0C08P01\0Mgone\0\0".utf8)
                let message = [UInt8(ascii: "E"), 0, 0, 0, UInt8(fields.count + 4)] + fields
                _ = send(target, message, message.count, Int32(MSG_NOSIGNAL))
                return end(source, target)
            default: break
            }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                let sent = send(target, Array(rest), rest.count, Int32(MSG_NOSIGNAL))
                guard sent > 0 else { return end(source, target) }
                rest = rest.dropFirst(sent)
            }
        }
        end(source, target)
    }

    private func end(_ source: Int32, _ target: Int32) {
        for file in [source, target] { shutdown(file, Int32(SHUT_RDWR)) }
    }
}

/// What is known of a commit whose connection breaks in the middle of it.
@Suite(.enabled(if: Server.isThere, Server.why)) struct PostgresLostReplyTests {
    private func store(_ schema: Schema, _ proxy: Proxy) async throws -> PostgresStore {
        try await PostgresStore(
            "host=127.0.0.1 port=\(proxy.port) user=owner dbname=postgres", configuration: schema.configuration())
    }

    /// A commit of one record is one statement, one of two is a transaction of several.
    @Test(arguments: 0..<3, 1...2) func aLostReplyIsUnclearAndNotRepeated(_ way: Int, _ count: Int) async throws {
        let schema = try await Schema()
        let proxy = try Proxy(to: schema.connection)
        let store = try await store(schema, proxy)
        try await write(store, "a", [1])
        let mode = [Proxy.Mode.cutsRequests, .cutsAnswers, .answersItself][way]
        proxy.set(mode)
        var changes = Changes()
        for name in ["a", "b"].prefix(count) { changes.write(key(name), [2]) }
        let commit = changes
        await #expect(throws: StoreError.outcomeUnknown) { try await store.commit(commit) }
        proxy.set(.passes)
        // What only looks is asked again by another connection.
        let found = try await store.record(for: key("a"))?.bytes
        #expect(found == (way == 0 ? [1] : [2]))
        await store.close()
    }

    /// A transaction whose reply is lost learns from the record that it took effect, and counts once.
    @Test func aTransactionFindsOut() async throws {
        let schema = try await Schema()
        let proxy = try Proxy(to: schema.connection)
        let store = try await store(schema, proxy)
        for round in 0..<10 {
            // The proxy passes again once this one has been cut.
            let passing = Task {
                while true {
                    let count = try sql("SELECT octet_length(value) FROM \(schema.name).records", on: schema.connection)
                    if count.first == ["\(round + 1)"] { break }
                    await Task.yield()
                }
                proxy.set(.passes)
            }
            try await store.transaction { tx throws(StoreError) in
                let count = try await tx.read(key("a"))?.count ?? 0
                // What comes next is the commit.
                proxy.set(round % 2 == 0 ? .cutsAnswers : .answersItself)
                tx.write(key("a"), Array(repeating: 7, count: count + 1))
            }
            try await passing.value
        }
        #expect(try await store.record(for: key("a"))?.bytes.count == 10)
        await store.close()
    }
}
#endif
