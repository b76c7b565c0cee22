// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveTesting
import Testing

/// Reads a file of test vectors from outside.
enum VectorFile {
    /// The JSON of a file by its name, without `.json.gz`.
    static func load(_ name: String) throws -> Data {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", try #require(Vectors.folder) + "/\(name).json.gz"]
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return data
    }
}
