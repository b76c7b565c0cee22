// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
import GRDB

/// Why a file is not opened as a store, or not cared for.
public struct SQLiteStoreError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// It is a link, a folder or something else than a file of its own.
        case notAFile
        /// It cannot be opened, made or written: the folder is missing, or this user may not.
        case notAccessible
        /// It is no store of Reeve's, or has tables, views or triggers that Reeve did not make.
        case notReeves
        /// It was written by a newer release.
        case newerFormat
        /// What is in it is not what was written.
        case damaged
        /// Another process holds it, or a reader what was before.
        case inUse
        /// There is no space left.
        case full
        /// The file system keeps no write-ahead log, or does not write to the disk when it is told to.
        case notDurable
        /// A backup overwrites no file.
        case alreadyThere
        /// Reading or writing it failed.
        case failed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// SQLite's own number for it; 0 where it is not SQLite's.
    public let number: Int

    init(_ code: Code, number: Int = 0) {
        self.code = code
        self.number = number
    }

    /// Whatever was thrown on the way; of SQLite's errors the number alone, since their text quotes what they are about.
    init(_ error: any Error) {
        if let own = error as? SQLiteStoreError {
            self = own
            return
        }
        guard let failure = error as? DatabaseError else {
            self.init(.failed)
            return
        }
        let code: Code =
            switch failure.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: .inUse
            case .SQLITE_FULL: .full
            case .SQLITE_CORRUPT: .damaged
            case .SQLITE_NOTADB: .notReeves
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: .notAccessible
            default: .failed
            }
        self.init(code, number: Int(failure.extendedResultCode.rawValue))
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension SQLiteStoreError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        let text =
            switch code {
            case .notAFile: "the store's path is a link, a folder or a device; give the path of a file of its own"
            case .notAccessible:
                "the store's file cannot be opened or written; check that its folder is there, its owner and its mode"
            case .notReeves:
                "the file is no store of Reeve's, or has tables, views or triggers that Reeve did not make; give another path, or find out who made them"
            case .newerFormat: "the file was written by a newer release; update this program first"
            case .damaged: "the file is damaged; stop, keep it, and restore a backup"
            case .inUse: "another process writes to the file, or a reader still looks at an earlier state; try again"
            case .full: "no space is left where the file is; make room, then try again: nothing was lost"
            case .notDurable: "the file system keeps no write-ahead log; put the file on a local disk"
            case .alreadyThere: "there is a file at the path of the backup; give another path"
            case .failed: "the file cannot be read or written; check the disk"
            }
        return number == 0 ? text : "\(text) (SQLite \(number))"
    }
}
#endif
