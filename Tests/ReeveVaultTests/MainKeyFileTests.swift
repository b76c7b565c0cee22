// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveCrypto
import ReeveModel
import ReeveVault
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct MainKeyFileTests {
    private struct Folder: ~Copyable {
        let path: String
        init() throws {
            var template = Array("/tmp/reeve-main-key-XXXXXX".utf8CString)
            guard unsafe mkdtemp(&template) != nil else { throw MainKeyFile.Failure.system(errno) }
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func secret(_ text: String) throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }

    @Test func aKeyComesBackWithItsPassphraseOnly() throws {
        let folder = try Folder()
        let file = MainKeyFile(path: folder.path + "/main.key")
        let key = try file.create(passphrase: secret("one"), logCost: 15)
        #expect(try file.open(passphrase: secret("one")).reference == key.reference)
        #expect(throws: MainKeyFile.Failure.wrongPassphrase) { _ = try file.open(passphrase: secret("two")) }
        #expect(throws: MainKeyFile.Failure.exists) { _ = try file.create(passphrase: secret("x"), logCost: 15) }
        try file.changePassphrase(from: secret("one"), to: secret("two"), logCost: 15)
        #expect(try file.open(passphrase: secret("two")).reference == key.reference)
        #expect(throws: MainKeyFile.Failure.wrongPassphrase) { _ = try file.open(passphrase: secret("one")) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["main.key"])
        for cost in [14, 21] {
            let other = MainKeyFile(path: folder.path + "/other")
            #expect(throws: MainKeyFile.Failure.cryptoFailed) {
                _ = try other.create(passphrase: secret("x"), logCost: cost)
            }
        }
    }

    /// Every byte counts, and the parameters are bounded before scrypt takes memory.
    @Test func everyByteOfTheFileCounts() throws {
        let folder = try Folder()
        let file = MainKeyFile(path: folder.path + "/main.key")
        _ = try file.create(passphrase: secret("one"), logCost: 15)
        let whole = try [UInt8](Data(contentsOf: URL(filePath: file.path)))
        func put(_ bytes: [UInt8]) throws {
            let descriptor = unsafe open(file.path, O_WRONLY | O_TRUNC)
            defer { close(descriptor) }
            let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            #expect(count == bytes.count)
        }
        for index in [0, 7, 8, 9, 10, 11, 42, 43, 54, 60, whole.count - 1] {
            var bytes = whole
            // A cost of 2^17 instead of 2^15, or any other change.
            bytes[index] ^= index == 8 ? 0x40 : 1
            try put(bytes)
            #expect(throws: MainKeyFile.Failure.self) { _ = try file.open(passphrase: secret("one")) }
        }
        for bytes in [[], Array(whole.dropLast()), whole + [0]] {
            try put(bytes)
            #expect(throws: MainKeyFile.Failure.malformed) { _ = try file.open(passphrase: secret("one")) }
        }
        try put(whole)
        _ = try file.open(passphrase: secret("one"))
    }

    /// A link, a second name, and a file that others can read are refused.
    @Test func unsafeFilesAreRefused() throws {
        let folder = try Folder()
        let file = MainKeyFile(path: folder.path + "/main.key")
        _ = try file.create(passphrase: secret("one"), logCost: 15)
        #expect(unsafe symlink(file.path, folder.path + "/link") == 0)
        let link = MainKeyFile(path: folder.path + "/link")
        #expect(throws: MainKeyFile.Failure.unsafeFile) { _ = try link.open(passphrase: secret("one")) }
        #expect(unsafe chmod(file.path, 0o640) == 0)
        #expect(throws: MainKeyFile.Failure.unsafeFile) { _ = try file.open(passphrase: secret("one")) }
        #expect(unsafe chmod(file.path, 0o600) == 0)
        #expect(secondName(file.path, folder.path + "/second") == 0)
        #expect(throws: MainKeyFile.Failure.unsafeFile) { _ = try file.open(passphrase: secret("one")) }
        let missing = MainKeyFile(path: folder.path + "/missing")
        #expect(throws: MainKeyFile.Failure.system(ENOENT)) { _ = try missing.open(passphrase: secret("one")) }
    }

    /// A customer's own key: exactly 32 bytes in canonical Base64 (clause S3.2).
    @Test func aCustomersKeyIsCanonicalBase64() throws {
        let bytes = (0..<32).map { UInt8($0 * 7 & 0xFF) }
        let text = Data(bytes).base64EncodedString()
        let key = try LocalMainKey(base64: secret(text))
        #expect(key.reference == (try LocalMainKey(SecretBytes(copying: bytes)).reference))
        let bad = [
            "", String(text.dropLast()), text + "=", text + "\n", " " + text.dropFirst(),
            text.replacing("=", with: "A"), String(text.dropLast(2)) + "9=", "-" + text.dropFirst(),
            Data(bytes.prefix(16)).base64EncodedString(), Data(bytes.prefix(24)).base64EncodedString(),
            Data(bytes + [1]).base64EncodedString(),
        ]
        for other in bad where other != text {
            #expect(throws: CryptoError(.invalidLength), "\(other.count)") {
                _ = try LocalMainKey(base64: secret(other))
            }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let one = try LocalMainKey(base64: secret(Data(bytes).base64EncodedString()))
            #expect(one.reference == (try LocalMainKey(SecretBytes(copying: bytes)).reference))
        }
    }
}

private func secondName(_ from: String, _ to: String) -> Int32 { unsafe link(from, to) }
