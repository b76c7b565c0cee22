// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

/// Vectors of the Wycheproof project, read from outside the repository.
@Suite(.enabled(if: Vectors.folder != nil, "needs the vectors folder")) struct WycheproofTests {
    private struct File: Decodable {
        let testGroups: [Group]
    }
    private struct Group: Decodable {
        let ivSize: Int?
        let keySize: Int
        let tagSize: Int?
        let tests: [Case]
    }
    private struct Case: Decodable {
        let tcId: Int
        let key: String?
        let iv: String?
        let aad: String?
        let msg: String?
        let ct: String?
        let tag: String?
        let result: String
        let ikm: String?
        let salt: String?
        let info: String?
        let okm: String?
        let size: Int?
    }

    private func load(_ name: String) throws -> [Group] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", try #require(Vectors.folder) + "/" + name + ".json.gz"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(File.self, from: data).testGroups
    }

    /// Groups with other keys than 256 bits or other nonces than 96 bits are refused by design.
    @Test func aesGCM() throws {
        var run = 0
        var skipped: [String: Int] = [:]
        for group in try load("wycheproof_aes_gcm_test") {
            guard group.keySize == 256, group.ivSize == 96, group.tagSize == 128 else {
                skipped["\(group.keySize)-bit key, \(group.ivSize ?? 0)-bit nonce", default: 0] += group.tests.count
                if group.keySize != 256, let test = group.tests.first {
                    #expect(throws: CryptoError(.invalidLength)) {
                        _ = try KeyHandle(SecretBytes(copying: bytes(test.key ?? "")))
                    }
                }
                continue
            }
            for test in group.tests {
                run += 1
                let key = try KeyHandle(SecretBytes(copying: bytes(test.key ?? "")))
                let sealed = try bytes(test.iv ?? "") + bytes(test.ct ?? "") + bytes(test.tag ?? "")
                let data = try bytes(test.aad ?? "")
                if test.result == "valid" {
                    let opened = try key.open(sealed[...], authenticating: data)
                    let isMessage = try opened.constantTimeEquals(SecretBytes(copying: bytes(test.msg ?? "")))
                    #expect(isMessage, "test \(test.tcId)")
                } else {
                    #expect(throws: CryptoError(.authenticationFailed), "test \(test.tcId)") {
                        _ = try key.open(sealed[...], authenticating: data)
                    }
                }
            }
        }
        print("Wycheproof AES-GCM: \(run) run; skipped by design: \(skipped.sorted { $0.key < $1.key })")
        #expect(run == 66 && skipped.values.reduce(0, +) == 250)
    }

    /// Groups with truncated tags or keys under 256 bits are refused by design.
    @Test func hmacSHA256() throws {
        var run = 0
        var skipped: [String: Int] = [:]
        for group in try load("wycheproof_hmac_sha256_test") {
            guard group.keySize >= 256, group.tagSize == 256 else {
                skipped["\(group.keySize)-bit key, \(group.tagSize ?? 0)-bit tag", default: 0] += group.tests.count
                continue
            }
            for test in group.tests {
                run += 1
                let key = try HMACKey(SecretBytes(copying: bytes(test.key ?? "")))
                let isValid = try key.isValid(bytes(test.tag ?? ""), for: bytes(test.msg ?? ""))
                #expect(isValid == (test.result == "valid"), "test \(test.tcId)")
            }
        }
        print("Wycheproof HMAC-SHA256: \(run) run; skipped by design: \(skipped.sorted { $0.key < $1.key })")
        #expect(run == 84 && skipped.values.reduce(0, +) == 90)
    }

    @Test func hkdfSHA256() throws {
        var run = 0
        for test in try load("wycheproof_hkdf_sha256_test").flatMap(\.tests) {
            run += 1
            let material = try SecretBytes(copying: bytes(test.ikm ?? ""))
            let (salt, info) = (try bytes(test.salt ?? ""), try bytes(test.info ?? ""))
            let count = test.size ?? 0
            if test.result == "valid" {
                let derived = try HKDF.derive(material, salt: salt, info: info, count: count)
                let isExpected = try derived.constantTimeEquals(SecretBytes(copying: bytes(test.okm ?? "")))
                #expect(isExpected, "test \(test.tcId)")
            } else {
                #expect(throws: CryptoError(.invalidLength), "test \(test.tcId)") {
                    _ = try HKDF.derive(material, salt: salt, info: info, count: count)
                }
            }
        }
        print("Wycheproof HKDF-SHA256: \(run) run, 0 skipped")
        #expect(run == 86)
    }

    /// Groups with other keys than 256 bits are refused by design.
    @Test func aesKWP() throws {
        var run = 0
        var skipped: [String: Int] = [:]
        for group in try load("wycheproof_aes_kwp_test") {
            guard group.keySize == 256 else {
                skipped["\(group.keySize)-bit key", default: 0] += group.tests.count
                continue
            }
            for test in group.tests {
                run += 1
                let key = try KeyWrap(SecretBytes(copying: bytes(test.key ?? "")))
                let wrapped = try bytes(test.ct ?? "")
                if test.result == "valid" {
                    let message = try SecretBytes(copying: bytes(test.msg ?? ""))
                    let isMessage = try key.unwrap(wrapped).constantTimeEquals(message)
                    #expect(isMessage, "test \(test.tcId)")
                    #expect(try key.wrap(message) == wrapped, "test \(test.tcId)")
                } else {
                    // Also what the project calls acceptable, such as wrapping less than a block: refused, or as said.
                    let opened = try? key.unwrap(wrapped)
                    let message = try SecretBytes(copying: bytes(test.msg ?? ""))
                    let isSame = opened?.constantTimeEquals(message)
                    #expect(test.result == "acceptable" ? isSame != false : isSame == nil, "test \(test.tcId)")
                }
            }
        }
        print("Wycheproof AES-KWP: \(run) run; skipped by design: \(skipped.sorted { $0.key < $1.key })")
        #expect(run == 94 && skipped.values.reduce(0, +) == 160)
    }
}
