// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

#if os(Linux)
import Glibc
#endif

func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

#if os(Linux)
/// `fork`, which Swift does not import: found by name.
private func forkProcess() throws -> pid_t {
    let symbol = try #require(dlsym(nil, "fork"))
    return unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)()
}
#endif

@Suite struct CryptoTests {
    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func sha256(_ text: String, _ digest: String) throws {
        #expect(try Digest(hashing: Array(text.utf8)).description == digest)
    }

    /// RFC 4231, test cases 6 (a key longer than a block) and 7.
    @Test(arguments: [
        (
            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        )
    ])
    func hmac(_ message: String, _ tag: String) throws {
        let key = try HMACKey(SecretBytes(copying: Array(repeating: 0xAA, count: 131)))
        for _ in 0..<3 { #expect(try Hex.encode(key.authenticate(bytes(message))) == tag) }
        #expect(try key.isValid(bytes(tag), for: bytes(message)))
        var wrong = try bytes(tag)
        wrong[31] ^= 1
        #expect(try !key.isValid(wrong, for: bytes(message)))
        #expect(try !key.isValid([], for: bytes(message)))
    }

    /// RFC 5869, test case 1: the first 32 bytes of the expanded key.
    @Test func derivingIsHKDFExpand() throws {
        let prk = try bytes("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
        let key = try HMACKey(SecretBytes(copying: prk))
        let info = try bytes("f0f1f2f3f4f5f6f7f8f9")
        // A label is a canonical encoding, so the vector is checked on the HMAC that the derivation is made of.
        let expanded = try key.authenticate(info + [1])
        #expect(Hex.encode(expanded) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
        let label = CanonicalBytes(label: "test")
        let derived = try key.derive(label: label)
        let same = try SecretBytes(copying: key.authenticate(label.bytes + [1]))
        let isSame = derived.constantTimeEquals(same)
        #expect(isSame)
    }

    @Test(arguments: [0, 1, 16, 24, 31, 33, 64])
    func otherKeyLengthsAreRefused(_ count: Int) throws {
        #expect(throws: CryptoError(.invalidLength)) { _ = try KeyHandle(SecretBytes.random(count: count)) }
        if count < 32 {
            #expect(throws: CryptoError(.invalidLength)) { _ = try HMACKey(SecretBytes.random(count: count)) }
        }
    }

    @Test func foreignIdentifiersAreStable() throws {
        let one = try Identifier<Company>(namespace: "crm", foreign: 42)
        #expect(one.description == (try Identifier<Company>(namespace: "crm", foreign: "42")).description)
        #expect(one != (try Identifier<Company>(namespace: "erp", foreign: 42)))
        #expect(one.high != (try Identifier<Workspace>(namespace: "crm", foreign: 42)).high)
    }

    @Test func secretBytesAreLentAndCompared() throws {
        let secret = try SecretBytes(copying: [1, 2, 3])
        let same = try SecretBytes(copying: [1, 2, 3])
        let other = try SecretBytes(copying: [1, 2, 4])
        let shorter = try SecretBytes(copying: [1, 2])
        let equal = [
            secret.constantTimeEquals(same), secret.constantTimeEquals(other), secret.constantTimeEquals(shorter),
        ]
        #expect(equal == [true, false, false])
        let sum = secret.withBytes { span in (0..<span.byteCount).reduce(0) { $0 + Int(span.byte($1)) } }
        #expect(sum == 6)
        let longer = try secret.appending([4, 5])
        let middle = try longer.slice(1..<4).constantTimeEquals(SecretBytes(copying: [2, 3, 4]))
        #expect(middle)
        #expect(throws: CryptoError(.invalidLength)) { _ = try longer.slice(3..<6) }
        for (suffix, whole): ([UInt8], [UInt8]) in [
            ([], [1, 2, 3, 4, 5]), ([9], [1, 2, 3, 4, 9]), ([5, 6, 7, 8, 9], [5, 6, 7, 8, 9]),
        ] {
            let replaced = try longer.replacingSuffix(by: suffix).constantTimeEquals(SecretBytes(copying: whole))
            #expect(replaced)
        }
        #expect(throws: CryptoError(.invalidLength)) { _ = try longer.replacingSuffix(by: [0, 0, 0, 0, 0, 0]) }
        let word = try SecretBytes(copying: Array("pässword".utf8))
        let exposed = word.exposedAsString()
        #expect(exposed == "pässword")
        let invalid = try SecretBytes(copying: [0xFF])
        let refused = invalid.exposedAsString()
        #expect(refused == nil)
    }

    @Test func emptyAndLargeSecretsWork() throws {
        let empty = try SecretBytes(copying: []).count
        #expect(empty == 0)
        let large = try SecretBytes(copying: Array(repeating: 7, count: 100_000))
        let last = try large.slice(99_999..<100_000).constantTimeEquals(SecretBytes(copying: [7]))
        #expect(last)
        #expect(SecretMemory.status.lockedBytes + SecretMemory.status.unlockedBytes > 0)
    }

    #if os(Linux)
    /// In a forked child secrets of the parent are gone, keys made from them are refused, and nonces are others. In a process
    /// of its own: a lock that another test's thread holds at the fork stays held in the child.
    @Test func aForkedChildHasNoSecretsOfItsParent() async {
        await #expect(processExitsWith: .success) {
            let secret = try SecretBytes(copying: [1, 2, 3])
            let same = try SecretBytes(copying: [1, 2, 3])
            let unused = try KeyHandle(SecretBytes.random(count: 32))
            let used = try KeyHandle(SecretBytes.random(count: 32))
            let empty = try SecretBytes(copying: [])
            _ = try empty.withBytes { try used.seal($0, authenticating: []) }
            var ends: [Int32] = [0, 0]
            // Closed in whatever is started when the child crashes, so that its end is seen.
            #expect(pipe(&ends) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0)
            let child = try forkProcess()
            if child == 0 {
                // Only calls that need no other thread: what the child finds goes through the pipe.
                var report: [UInt8] = []
                report.append(secret.constantTimeEquals(same) ? 1 : 0)
                report.append(secret.withBytes { span in (0..<3).allSatisfy { span.byte($0) == 0 } } ? 0 : 1)
                report.append((try? empty.withBytes { try unused.seal($0, authenticating: []) }) == nil ? 0 : 1)
                let fresh = try? SecretBytes(copying: [7])
                report.append(fresh?.withBytes { $0.byte(0) } == 7 ? 0 : 1)
                // A key of the parent's is refused in the child, whether it was used before the fork or not.
                report.append(
                    (try? SecretBytes(copying: []).withBytes { try used.seal($0, authenticating: []) }) == nil ? 0 : 1)
                // What is made of a dead secret would be made of zeros: it is refused.
                report.append((try? secret.slice(0..<1)) == nil ? 0 : 1)
                report.append((try? secret.appending([1])) == nil ? 0 : 1)
                report.append((try? HKDF.derive(secret, salt: [], info: [], count: 32)) == nil ? 0 : 1)
                report.append(secret.exposedAsString() == nil ? 0 : 1)
                let inherited = SecretMemory.status
                report.append(inherited.lockedBytes + inherited.unlockedBytes <= 1 << 20 ? 0 : 1)
                let own = try? KeyHandle(SecretBytes(copying: [UInt8](repeating: 1, count: 32)))
                let nonce = (try? SecretBytes(copying: []).withBytes { try own?.seal($0, authenticating: []) })??
                    .prefix(12)
                report += nonce ?? []
                _ = write(ends[1], report, report.count)
                _exit(0)
            }
            close(ends[1])
            var report = [UInt8](repeating: 0, count: 64)
            let count = read(ends[0], &report, report.count)
            var status: Int32 = 0
            waitpid(child, &status, 0)
            #expect(Array(report.prefix(10)) == [UInt8](repeating: 0, count: 10))
            let next = try empty.withBytes { try used.seal($0, authenticating: []) }
            #expect(count == 22 && Array(report[10..<22]) != Array(next.prefix(12)))
            #expect(report[10..<22].contains { $0 != 0 })
            let isStillEqual = secret.constantTimeEquals(same)
            #expect(isStillEqual)
        }
    }
    #endif

    @Test func errorsSayWhatToDo() {
        for code in CryptoError.Code.allCases { #expect("\(CryptoError(code))".count > 20) }
    }
}

@Suite struct CryptoProperties {
    /// What was sealed opens, and nothing else does: another key, other data, any flipped bit, any other length.
    @Test func sealedValuesOpenOnlyAsTheyWere() throws {
        var generator = Scale.current.generator(for: "AEAD")
        for _ in 0..<Scale.current.cases(ci: 400, soak: 20_000) {
            let (key, other) = (
                try KeyHandle(SecretBytes.random(count: 32)), try KeyHandle(SecretBytes.random(count: 32))
            )
            let plain = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let data = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let secret = try SecretBytes(copying: plain)
            let sealed = try secret.withBytes { try key.seal($0, authenticating: data) }
            #expect(sealed.count == plain.count + KeyHandle.overhead)
            let isOpened = try key.open(sealed[...], authenticating: data).constantTimeEquals(secret)
            #expect(isOpened)
            var flipped = sealed
            let bit = Int.random(in: 0..<sealed.count * 8, using: &generator)
            flipped[bit / 8] ^= 1 << (bit % 8)
            let attempts: [(KeyHandle, [UInt8], [UInt8])] = [
                (other, sealed, data), (key, sealed, data + [0]), (key, flipped, data),
                (key, Array(sealed.dropLast()), data),
                (key, sealed + [0], data), (key, Array(sealed.prefix(KeyHandle.overhead - 1)), data), (key, [], data),
            ]
            for (key, sealed, data) in attempts {
                #expect(throws: CryptoError(.authenticationFailed)) {
                    _ = try key.open(sealed[...], authenticating: data)
                }
            }
        }
    }

    /// No nonce comes twice, from any thread.
    @Test func noncesAreUnique() async throws {
        let key = try KeyHandle(SecretBytes.random(count: 32))
        let count = Scale.current.cases(ci: 5000, soak: 200_000)
        let nonces = try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let empty = try SecretBytes(copying: [])
                    return try (0..<count).map { _ in
                        Array(try empty.withBytes { try key.seal($0, authenticating: []) }.prefix(12))
                    }
                }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.formUnion($1) }
        }
        #expect(nonces.count == 4 * count)
    }
}
