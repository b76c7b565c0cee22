// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Comments that tell scanners to look away: whoever wrote one into a recipe had something to hide, and it is not theirs to decide.
extension DocumentReader {
    /// Where one stands; the root where only the document as a whole shows it.
    func suppression(in document: [UInt8]) -> JSONPath? {
        if let (path, _) = decoded.first(where: { !Self.suppressions.ranges(in: $0.bytes).isEmpty }) { return path }
        return Self.suppressions.ranges(in: document).isEmpty ? nil : JSONPath()
    }

    /// As gitleaks, TruffleHog, GitGuardian, detect-secrets, Semgrep and Checkov spell them.
    private static let suppressions = IDSearch(
        [
            "gitleaks:allow", "trufflehog:ignore", "ggignore", "pragma: allowlist secret",
            "pragma: allowlist nextline secret",
            "pragma: whitelist secret", "nosemgrep", "checkov:skip=",
        ].map { Array($0.utf8) })
}
