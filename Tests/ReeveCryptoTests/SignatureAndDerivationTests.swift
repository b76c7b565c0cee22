// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

@Suite struct SignatureAndDerivationTests {
    /// RFC 8032 §7.1, tests 1 to 3.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ])
    func ed25519(_ seed: String, _ publicKey: String, _ message: String, _ signature: String) throws {
        let key = try SigningKey(seed: SecretBytes(copying: bytes(seed)))
        let verifying = try key.verifyingKey
        #expect(Hex.encode(verifying.bytes) == publicKey)
        let (text, expected) = (try bytes(message), try bytes(signature))
        #expect(try key.sign(text) == expected)
        #expect(try verifying.isValid(expected, for: text))
        #expect(try !verifying.isValid(expected, for: text + [0]))
        for index in [0, 31, 32, 63] {
            var wrong = expected
            wrong[index] ^= 1
            #expect(try !verifying.isValid(wrong, for: text))
        }
        #expect(try !verifying.isValid(Array(expected.dropLast()), for: text))
        #expect(try !verifying.isValid([], for: text))
    }

    @Test(arguments: [0, 31, 33, 64]) func otherSeedLengthsAreRefused(_ count: Int) throws {
        #expect(throws: CryptoError(.invalidLength)) { _ = try SigningKey(seed: SecretBytes.random(count: count)) }
        #expect(throws: CryptoError(.invalidLength)) { _ = try VerifyingKey(bytes: Array(repeating: 1, count: count)) }
    }

    /// RFC 7914 §12.
    @Test(arguments: [
        (
            "", "", 16, 1, 1,
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", 1024, 8, 16,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        (
            "pleaseletmein", "SodiumChloride", 16_384, 8, 1,
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ])
    func scrypt(_ phrase: String, _ salt: String, _ cost: Int, _ block: Int, _ parallel: Int, _ key: String) throws {
        let parameters = try Scrypt(cost: cost, blockSize: block, parallelization: parallel)
        let passphrase = try SecretBytes(copying: Array(phrase.utf8))
        let derived = try parameters.derive(passphrase, salt: Array(salt.utf8), count: 64)
        let isExpected = try derived.constantTimeEquals(SecretBytes(copying: bytes(key)))
        #expect(isExpected)
    }

    /// N = 2^30 and the like are refused before memory is touched.
    @Test(arguments: [
        (1 << 30, 8, 1), (1 << 21, 8, 1), (1 << 20, 16, 1), (3, 8, 1), (0, 8, 1), (-4, 8, 1), (1024, 0, 1),
        (1024, 33, 1), (1024, 8, 0), (1024, 8, 17), (Int.max, 8, 1), (1 << 16, 1, 1),
    ])
    func scryptBoundsAreChecked(_ cost: Int, _ block: Int, _ parallel: Int) {
        #expect(throws: CryptoError(.invalidLength)) {
            _ = try Scrypt(cost: cost, blockSize: block, parallelization: parallel)
        }
    }

    #if os(Linux)
    /// Parameters of N = 2^30 in a file: refused when the file is read, with no more memory than before.
    @Test func largeParametersInAFileTouchNoMemory() async {
        await #expect(processExitsWith: .success) {
            func peak() -> Int {
                var usage = rusage()
                getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
                return usage.ru_maxrss
            }
            let file = FileManager.default.temporaryDirectory.appending(path: "reeve-scrypt-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(#"{"cost":1024,"blockSize":8,"parallelization":1}"#.utf8).write(to: file)
            let before = peak()
            guard (try? JSONDecoder().decode(Scrypt.self, from: Data(contentsOf: file))) != nil else { exit(1) }
            try Data(#"{"cost":1073741824,"blockSize":8,"parallelization":1}"#.utf8).write(to: file)
            guard (try? JSONDecoder().decode(Scrypt.self, from: Data(contentsOf: file))) == nil else { exit(2) }
            // Kilobytes; the parameters ask for a terabyte.
            exit(peak() - before < 64 << 10 ? 0 : 3)
        }
    }
    #endif

    @Test(arguments: [0, -1, HKDF.maximumCount + 1]) func hkdfBoundsAreChecked(_ count: Int) throws {
        #expect(throws: CryptoError(.invalidLength)) {
            _ = try HKDF.derive(SecretBytes(copying: [1]), salt: [], info: [], count: count)
        }
    }

    @Test func keyWrapRoundTripsEveryLength() throws {
        let key = try KeyWrap(SecretBytes.random(count: 32))
        for count in 1...72 {
            let secret = try SecretBytes.random(count: count)
            let wrapped = try key.wrap(secret)
            #expect(wrapped.count == (count + 7) / 8 * 8 + 8)
            let isSame = try key.unwrap(wrapped).constantTimeEquals(secret)
            #expect(isSame)
            var flipped = wrapped
            flipped[count % wrapped.count] ^= 0x10
            #expect(throws: CryptoError(.authenticationFailed)) { _ = try key.unwrap(flipped) }
        }
        #expect(throws: CryptoError(.invalidLength)) { _ = try key.wrap(SecretBytes(copying: [])) }
        #expect(throws: CryptoError(.authenticationFailed)) { _ = try key.unwrap([1, 2, 3]) }
    }
}
