// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The files of a store: its own, its log and the index of that, each its owner's alone and no link.
enum StoreFile {
    private static let parts = ["", "-wal", "-shm"]
    private static let mode: mode_t = 0o600

    /// A path from the root: no name that SQLite reads as something else than a file, such as `:memory:`, keeps what is committed anywhere but in one.
    static func absolute(_ path: String) throws(SQLiteStoreError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw SQLiteStoreError(.notAFile) }
        return path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    /// Makes the file when there is none, and takes it from everybody but its owner.
    static func prepare(_ path: String) throws(SQLiteStoreError) {
        for part in parts { try tighten(path + part) }
        guard try status(path) == nil else { return }
        do throws(SQLiteStoreError) {
            try create(path)
        } catch {
            // Another process made it meanwhile.
            guard error.code == .alreadyThere else { throw error }
            try tighten(path)
        }
    }

    /// Makes a new, empty file that its owner alone may read and write, under any umask.
    static func create(_ path: String) throws(SQLiteStoreError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SQLiteStoreError(errno == EEXIST ? .alreadyThere : .notAccessible) }
        defer { close(descriptor) }
        guard fchmod(descriptor, mode) == 0 else { throw SQLiteStoreError(.notAccessible) }
    }

    /// Throws unless all parts that are there are files of the owner's alone.
    static func checkModes(_ path: String) throws(SQLiteStoreError) {
        for part in parts { try tighten(path + part) }
    }

    /// Returns once a file, and that it is in its folder, is on disk.
    static func sync(_ path: String) throws(SQLiteStoreError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        for (name, flags) in [(path, O_RDONLY), (folder, O_RDONLY | O_DIRECTORY)] {
            let descriptor = unsafe open(name, flags | O_CLOEXEC)
            guard descriptor >= 0 else { throw SQLiteStoreError(.notAccessible) }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw SQLiteStoreError(.failed) }
        }
    }

    /// Removes what a failed backup left.
    static func remove(_ path: String) { _ = unsafe unlink(path) }

    private static func tighten(_ path: String) throws(SQLiteStoreError) {
        guard let found = try status(path) else { return }
        guard found.st_mode & S_IFMT == S_IFREG else { throw SQLiteStoreError(.notAFile) }
        guard found.st_mode & 0o077 != 0 else { return }
        // By the file that was looked at, and no other that took its name.
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw SQLiteStoreError(.notAccessible) }
        defer { close(descriptor) }
        guard fchmod(descriptor, mode) == 0 else { throw SQLiteStoreError(.notAccessible) }
    }

    /// What is at a path, links not followed; `nil` where nothing is.
    private static func status(_ path: String) throws(SQLiteStoreError) -> stat? {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else {
            guard errno == ENOENT else { throw SQLiteStoreError(.notAccessible) }
            return nil
        }
        return found
    }
}
#endif
