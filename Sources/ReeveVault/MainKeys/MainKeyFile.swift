// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
import ReeveModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A main key in a file, sealed under a passphrase.
///
/// The key is sealed with AES-256-GCM under one that scrypt (RFC 7914) makes of the passphrase; the file's header says with
/// which parameters, and is authenticated. The file is readable and writable by its owner alone, is no link, and has no
/// second name; others are refused.
public struct MainKeyFile: Hashable, Sendable {
    /// Why a file gave no key.
    public enum Failure: Error, Hashable, Sendable {
        /// The passphrase is another one, or the file was changed.
        case wrongPassphrase
        /// It is no file of this kind, or one with parameters outside the bounds.
        case malformed
        /// It is a link, another user's, readable by others, or has several names.
        case unsafeFile
        /// There is one already.
        case exists
        /// The system refused: its error number.
        case system(Int32)
        /// The crypto engine failed, or there is too little memory for the parameters.
        case cryptoFailed
    }

    /// Where the file is.
    public let path: String

    /// A file; it need not be there yet.
    public init(path: String) { self.path = path }

    /// Makes a new key and the file with it, and returns the key. A file that is there stays as it is.
    ///
    /// `logCost` is the binary logarithm of scrypt's cost N: 15 to 20. The default, 17, takes 128 MiB and about half a second.
    public func create(
        passphrase: borrowing SecretBytes, logCost: Int = 17
    ) throws(Failure) -> LocalMainKey {
        let bytes: [UInt8]
        let made: LocalMainKey
        do throws(CryptoError) {
            let key = try SecretBytes.random(count: 32)
            bytes = try Self.seal(key, passphrase, logCost)
            made = try LocalMainKey(key)
        } catch {
            throw .cryptoFailed
        }
        if let failure = write(bytes, replacing: false) { throw failure }
        return made
    }

    /// The key in the file.
    public func open(passphrase: borrowing SecretBytes) throws(Failure) -> LocalMainKey {
        let key = try unseal(passphrase)
        do throws(CryptoError) {
            return try LocalMainKey(key)
        } catch {
            throw .cryptoFailed
        }
    }

    /// Seals the same key under another passphrase; a crash leaves the file of before or the new one.
    public func changePassphrase(
        from old: borrowing SecretBytes, to new: borrowing SecretBytes, logCost: Int = 17
    ) throws(Failure) {
        let key = try unseal(old)
        let bytes: [UInt8]
        do throws(CryptoError) {
            bytes = try Self.seal(key, new, logCost)
        } catch {
            throw .cryptoFailed
        }
        if let failure = write(bytes, replacing: true) { throw failure }
    }

    // MARK: The format

    private static let magic = Array("REEVEMK1".utf8)
    /// Magic, the logarithm of N, r, p, and the salt.
    private static let headerBytes = 8 + 3 + 32
    private static let fileBytes = headerBytes + 32 + KeyHandle.overhead

    private static func seal(
        _ key: borrowing SecretBytes, _ passphrase: borrowing SecretBytes, _ logCost: Int
    ) throws(CryptoError) -> [UInt8] {
        guard (15...20).contains(logCost) else { throw CryptoError(.invalidLength) }
        let salt = try Randomness.bytes(32)
        let header = magic + [UInt8(logCost), 8, 1] + salt
        let handle = try sealing(header, passphrase)
        return header
            + (try key.withLiveBytes { (span) throws(CryptoError) in try handle.seal(span, authenticating: header) })
    }

    private static func sealing(
        _ header: [UInt8], _ passphrase: borrowing SecretBytes
    ) throws(CryptoError) -> KeyHandle {
        let scrypt = try Scrypt(cost: 1 << Int(header[8]), blockSize: Int(header[9]), parallelization: Int(header[10]))
        return try KeyHandle(scrypt.derive(passphrase, salt: Array(header[11..<headerBytes]), count: 32))
    }

    private func unseal(_ passphrase: borrowing SecretBytes) throws(Failure) -> SecretBytes {
        let bytes = try read()
        // The bounds are checked before scrypt touches memory.
        guard bytes.count == Self.fileBytes, bytes.starts(with: Self.magic), (15...20).contains(bytes[8]),
            bytes[9] == 8, bytes[10] == 1
        else { throw .malformed }
        let header = Array(bytes[..<Self.headerBytes])
        do throws(CryptoError) {
            return try Self.sealing(header, passphrase).open(bytes[Self.headerBytes...], authenticating: header)
        } catch {
            throw error.code == .authenticationFailed ? .wrongPassphrase : .cryptoFailed
        }
    }

    // MARK: The file

    private func read() throws(Failure) -> [UInt8] {
        let descriptor = Self.openFile(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        guard descriptor >= 0 else { throw errno == ELOOP ? .unsafeFile : .system(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_mode & 0o077 == 0,
            status.st_nlink == 1
        else { throw .unsafeFile }
        var bytes = [UInt8](repeating: 0, count: Self.fileBytes + 1)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .system(errno) }
        return Array(bytes[..<count])
    }

    /// Writes a file beside, makes it durable, and gives it the name.
    private func write(_ bytes: [UInt8], replacing: Bool) -> Failure? {
        let suffix = Hex.encode((0..<8).map { _ in UInt8.random(in: 0...255) })
        let other = "\(path).\(suffix).new"
        let descriptor = Self.openFile(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return .system(errno) }
        let count = unsafe bytes.withUnsafeBytes { unsafe Self.writeAll(descriptor, $0) }
        let isWritten = count && fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isWritten else {
            unsafe unlink(other)
            return .system(code)
        }
        // A link does not take the place of what is there, a new name does.
        let isNamed = unsafe replacing ? rename(other, path) == 0 : link(other, path) == 0
        let reason = errno
        if !replacing || !isNamed { unsafe unlink(other) }
        guard isNamed else { return reason == EEXIST ? .exists : .system(reason) }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directory = Self.openFile(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard directory >= 0 else { return .system(errno) }
        defer { close(directory) }
        return fsync(directory) == 0 ? nil : .system(errno)
    }

    private static func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
        #if canImport(Glibc)
        unsafe Glibc.open(path, flags, mode)
        #else
        unsafe Darwin.open(path, flags, mode)
        #endif
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(
                descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

extension MainKeyFile.Failure: CustomStringConvertible {
    /// What failed, and what to do.
    public var description: String {
        switch self {
        case .wrongPassphrase: "the passphrase is not this file's, or the file was changed"
        case .malformed: "this is no file with a main key; check the path"
        case .unsafeFile:
            "the file with the main key must be a plain file of this process's user with mode 600 and one name"
        case .exists: "there is a file already; open it, or choose another name"
        case .system(let code): "the system refused the file (error \(code)); check its place, owner and free space"
        case .cryptoFailed: "the crypto engine failed, or there is too little memory for scrypt"
        }
    }
}
