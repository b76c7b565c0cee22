// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing

/// A failure that its user can understand: one line.
struct UserFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The recipe to read.
struct RecipeFile {
    let name: String
    let bytes: [UInt8]
    let format: RecipeFormat

    init(path: String) throws {
        name = URL(fileURLWithPath: path).lastPathComponent
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(
                atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        } catch {
            throw UserFailure("cannot read `\(path)`: there is no such file, or it may not be read")
        }
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw UserFailure("cannot read `\(path)`: it is not a file")
        }
        let (size, limit) = ((attributes[.size] as? NSNumber)?.intValue ?? 0, JSONTokens.Limits().bytes)
        guard size <= limit else {
            throw UserFailure("`\(name)` has \(size >> 20) MiB; a recipe may have at most \(limit >> 20) MiB")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UserFailure("cannot read `\(path)`: check its permissions")
        }
        bytes = Array(data)
        format = RecipeFormat.recognize(bytes) ?? .plainJSON
    }

    private var stem: String { name.hasSuffix(".json") ? String(name.dropLast(5)) : name }
    var scrubbedName: String { stem + ".scrubbed.json" }
    var reportName: String { stem + ".report.html" }
}

/// The folder for what the example writes: all files or none.
struct OutputFolder {
    private let url: URL

    init(path: String) throws {
        url = URL(fileURLWithPath: path, isDirectory: true)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            guard isFolder.boolValue, (mode?.intValue ?? 0) & 0o222 != 0,
                FileManager.default.isWritableFile(atPath: path)
            else { throw UserFailure("cannot write to `\(path)`: it is not a folder, or it is read-only") }
        } else {
            var parent = url.deletingLastPathComponent()
            while !FileManager.default.fileExists(atPath: parent.path), parent.path != "/" {
                parent = parent.deletingLastPathComponent()
            }
            let mode = try FileManager.default.attributesOfItem(atPath: parent.path)[.posixPermissions] as? NSNumber
            guard (mode?.intValue ?? 0) & 0o222 != 0, FileManager.default.isWritableFile(atPath: parent.path) else {
                throw UserFailure("cannot make the folder `\(path)`: `\(parent.path)` is read-only")
            }
        }
    }

    /// Writes the files under temporary names and then renames them; takes back what it wrote when one fails.
    func write(_ files: [(name: String, bytes: [UInt8])]) throws -> [String] {
        // Temporary names first, so that a failure leaves what was there before.
        var done: [(temporary: URL, target: URL)] = []
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            for file in files {
                let temporary = url.appendingPathComponent(".\(file.name).\(ProcessInfo.processInfo.processIdentifier)")
                done.append((temporary, url.appendingPathComponent(file.name)))
                try Data(file.bytes).write(to: temporary)
            }
            for (temporary, target) in done {
                guard rename(temporary.path, target.path) == 0 else { throw UserFailure("rename failed") }
            }
            return done.map(\.target.path)
        } catch {
            for (temporary, _) in done { try? FileManager.default.removeItem(at: temporary) }
            throw UserFailure("cannot write to `\(url.path)`: check the folder and the disk")
        }
    }
}

/// A value that the example itself spells.
func known<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw UserFailure("the example names something that does not exist") }
    return value
}
