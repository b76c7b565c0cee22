// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import RawLibcrypto
import ReeveCrypto
import ReeveModel
import SwiftCryptoPeer

/// AEAD beside raw libcrypto with a kept context, in C, and beside swift-crypto; 64 bytes of additional data.
struct CryptoBenchmarks {
    let harness: Harness

    private let keyBytes = (0..<32).map { UInt8($0) }
    private let data = [UInt8](repeating: 1, count: 64)

    func run() async throws {
        for count in [64, 256, 1024, 4096, 65_536] { try await aead(count) }
        try threads()
        let mac = try HMACKey(SecretBytes.random(count: 32))
        let message = data
        try await harness.measure("HMAC-SHA256, 64 B", operations: 20_000) { _ = try mac.authenticate(message) }
        try await harness.measure("SHA-256, 64 B", operations: 20_000) { _ = try Digest(hashing: message) }
    }

    private func aead(_ count: Int) async throws {
        let operations = count > 4096 ? 500 : 20_000
        let (plain, data) = ([UInt8](repeating: 7, count: count), data)
        let key = try KeyHandle(SecretBytes(copying: keyBytes))
        let peer = SwiftCryptoPeer(key: keyBytes)
        let raw = raw_key(keyBytes)
        let out = UnsafeMutablePointer<UInt8>.allocate(capacity: count + 28)
        defer { out.deallocate() }
        try await harness.compare(
            "AES-256-GCM seal, \(count) B", operations: operations,
            [
                .init("raw libcrypto, kept context", sync: { _ = raw_seal(raw, data, data.count, plain, count, out) }),
                .init(
                    "KeyHandle.seal(_:authenticating:into:)",
                    sync: {
                        var target = MutableRawSpan(_unsafeStart: out, byteCount: count + 28)
                        try key.seal(plain.span.bytes, authenticating: data, into: &target)
                    }),
                .init(
                    "KeyHandle.seal(_:authenticating:)",
                    sync: {
                        _ = try key.seal(plain.span.bytes, authenticating: data)
                    }),
                .init("swift-crypto", sync: { _ = try peer.seal(plain, authenticating: data) }),
            ])
        let sealed = try key.seal(plain.span.bytes, authenticating: data)
        let box = try peer.seal(plain, authenticating: data)
        try await harness.compare(
            "AES-256-GCM open, \(count) B", operations: operations,
            [
                .init("raw libcrypto, kept context", sync: { _ = raw_open(raw, data, data.count, sealed, count, out) }),
                .init(
                    "KeyHandle.open(_:authenticating:into:)",
                    sync: {
                        var target = MutableRawSpan(_unsafeStart: out, byteCount: count)
                        try key.open(sealed.span.bytes, authenticating: data, into: &target)
                    }),
                .init("KeyHandle.open, to SecretBytes", sync: { _ = try key.open(sealed[...], authenticating: data) }),
                .init("swift-crypto", sync: { _ = try peer.open(box, authenticating: data) }),
            ])
    }

    /// One key for all threads; the raw contexts are one for each, since a context is no one's but its thread's.
    private func threads() throws {
        let count = 256
        let (plain, data, keyBytes) = ([UInt8](repeating: 7, count: count), data, keyBytes)
        let key = try KeyHandle(SecretBytes(copying: keyBytes))
        let peer = SwiftCryptoPeer(key: keyBytes)
        for threads in [1, 2] {
            harness.throughput(
                "AES-256-GCM seal, 256 B", threads: threads, operations: 20_000,
                [
                    (
                        "raw libcrypto, a context for each thread",
                        {
                            nonisolated(unsafe) let raw = raw_key(keyBytes)
                            nonisolated(unsafe) let out = UnsafeMutablePointer<UInt8>.allocate(capacity: count + 28)
                            return { _ = raw_seal(raw, data, data.count, plain, count, out) }
                        }
                    ),
                    (
                        "KeyHandle.seal, one key for all",
                        {
                            nonisolated(unsafe) let out = UnsafeMutableRawPointer.allocate(
                                byteCount: count + 28, alignment: 16)
                            return {
                                var target = MutableRawSpan(_unsafeStart: out, byteCount: count + 28)
                                try? key.seal(plain.span.bytes, authenticating: data, into: &target)
                            }
                        }
                    ),
                    ("swift-crypto, one key for all", { { _ = try? peer.seal(plain, authenticating: data) } }),
                ])
        }
    }
}
