// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A ledger in a file of its own, which belongs on another disk than the store, and into no backup that the store is in.
///
/// Several processes may use one file: appending takes the file's lock. A line is durable when `append` returns. What a
/// crash left of a line that was being written is removed by the next append. The file is readable and writable by its
/// owner alone, is no link, and has no second name; others are refused. Calls do their work on the calling thread.
public final class FileLedger: Ledger {
    /// Where the file is.
    public let path: String

    private struct Known {
        /// The offsets at which lines begin, and the end of the last one.
        var offsets: [Int] = [0]
        var isCreated = false
    }
    private let known = Mutex(Known())

    /// The ledger in a file, which is made at the first append when it is not there.
    public init(path: String) {
        self.path = path
    }

    /// Appends a line, and returns once the system says that it is on disk.
    public func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
        try LedgerLimits.check(line)
        try known.withLock { (known) throws(LedgerError) in
            let file = try File(path, creating: true)
            try file.lock(LOCK_EX)
            let torn = try Self.catchUp(&known, file)
            guard index == known.offsets.count - 1 else { throw .taken(index) }
            let end = known.offsets[index]
            if torn, ftruncate(file.descriptor, off_t(end)) != 0 { throw Self.failure("shorten") }
            do throws(LedgerError) {
                try file.write(line + [0x0A], at: end)
                guard fsync(file.descriptor) == 0 else { throw Self.failure("write") }
                if !known.isCreated { try Self.syncFolder(of: path) }
            } catch {
                // The line may stand in the file or not; what stands of it is removed.
                guard ftruncate(file.descriptor, off_t(end)) == 0, fsync(file.descriptor) == 0 else {
                    throw .outcomeUnknown
                }
                throw error
            }
            known.isCreated = true
            known.offsets.append(end + line.count + 1)
        }
    }

    /// At most `limit` lines from number `index` on.
    public func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        try known.withLock { (known) throws(LedgerError) in
            guard let file = try File(reading: path) else {
                guard known.offsets.count == 1 else { throw .tampered(0) }
                return []
            }
            try file.lock(LOCK_SH)
            let before = known.offsets.count
            _ = try Self.catchUp(&known, file)
            // Who wrote them may have ended before they were on disk: what is told must be there tomorrow.
            if known.offsets.count > before, fsync(file.descriptor) != 0 {
                known.offsets.removeLast(known.offsets.count - before)
                throw Self.failure("write")
            }
            let count = known.offsets.count - 1
            guard index >= 0, index < count, limit > 0 else { return [] }
            let last = min(count, index + min(limit, count))
            var lines: [[UInt8]] = []
            for number in index..<last {
                let line = try file.read(known.offsets[number]..<known.offsets[number + 1])
                guard line.last == 0x0A, !line.dropLast().contains(0x0A) else { throw .tampered(number) }
                lines.append(line.dropLast())
            }
            return lines
        }
    }

    /// Learns the lines behind those that are known; tells whether the file ends within a line.
    private static func catchUp(_ known: inout Known, _ file: borrowing File) throws(LedgerError) -> Bool {
        let size = try file.size()
        guard var position = known.offsets.last, size >= position else { throw .tampered(known.offsets.count - 1) }
        var start = position
        while position < size {
            let part = try file.read(position..<min(size, position + 65_536))
            for (offset, byte) in part.enumerated() where byte == 0x0A {
                start = position + offset + 1
                known.offsets.append(start)
            }
            position += part.count
            guard position - start <= LedgerLimits.maximumLineBytes + 1 else {
                throw .tampered(known.offsets.count - 1)
            }
        }
        return start < size
    }

    private static func syncFolder(of path: String) throws(LedgerError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the folder of") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write the folder of") }
    }

    fileprivate static func failure(_ verb: String) -> LedgerError {
        .unavailable("cannot \(verb) the ledger's file (error \(errno)); check its place, owner and free space")
    }
}

/// An open file, closed with its last use.
private struct File: ~Copyable {
    let descriptor: Int32

    init(_ path: String, creating: Bool) throws(LedgerError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw FileLedger.failure("open") }
        try check()
    }

    /// `nil` when there is no file.
    init?(reading path: String) throws(LedgerError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor < 0 {
            guard errno == ENOENT else { throw FileLedger.failure("open") }
            return nil
        }
        try check()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func status() throws(LedgerError) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileLedger.failure("look at") }
        return status
    }

    private func check() throws(LedgerError) {
        let status = try status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_mode & 0o077 == 0,
            status.st_nlink == 1
        else {
            throw .unavailable(
                "the ledger's file must be a plain file of this process's user with mode 600 and one name")
        }
    }

    /// Waits for the lock, which ends with the descriptor.
    func lock(_ kind: Int32) throws(LedgerError) {
        while flock(descriptor, kind) != 0 {
            guard errno == EINTR else { throw FileLedger.failure("lock") }
        }
    }

    func size() throws(LedgerError) -> Int { Int(try status().st_size) }

    func read(_ range: Range<Int>) throws(LedgerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var done = 0
        while done < range.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress?.advanced(by: done), range.count - done,
                    off_t(range.lowerBound + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileLedger.failure("read") }
            done += count
        }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(LedgerError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(
                    descriptor, buffer.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileLedger.failure("write") }
            done += count
        }
    }
}
