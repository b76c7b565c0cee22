// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials

/// Test vectors from outside, which are not part of the repository.
///
/// They are read from the folder that `REEVE_VECTORS` names, by default `../shared/vectors` beside the checkout. A
/// test that needs them is reported as skipped where the folder is absent.
public struct Vectors: Sendable {
    /// The folder; `nil` when there is none.
    public static let folder: String? = {
        let path = EnvironmentVariables.read()["REEVE_VECTORS"] ?? "../shared/vectors"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// The folder of real recipes beside the vectors; `nil` when there is none.
    public static func recipes(_ kind: String) -> [String]? {
        guard let folder else { return nil }
        let path = folder + "/../recipes/" + kind
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return nil }
        return names.sorted().map { path + "/" + $0 }
    }
}
