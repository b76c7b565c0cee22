// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Comments that tell scanners to look away: whoever wrote one into a recipe had something to hide, and it is not theirs to decide.
extension DocumentReader {
    /// Where one stands outside what goes; the root where only the document as a whole shows it.
    func suppression(in document: [UInt8]) -> JSONPath? {
        if let (path, _) = decoded.first(where: { Self.suppressions.occurs(in: $0.bytes) }) { return path }
        let places = Self.suppressions.places(in: document)
        guard !places.isEmpty else { return nil }
        let gone = drops.filter { $0.seal == nil }.map(\.span)
        let isLeft = places.contains { place in
            let next = gone.firstIndex(notBefore: { $0.upperBound <= place })
            return next == gone.count || gone[next].lowerBound > place
        }
        return isLeft ? JSONPath() : nil
    }

    /// As gitleaks, TruffleHog, GitGuardian, detect-secrets, Semgrep and Checkov spell them, in upper or lower case.
    private static let suppressions = DenyList(
        [
            "gitleaks:allow", "trufflehog:ignore", "ggignore", "allowlist secret", "allowlist-secret",
            "whitelist secret",
            "whitelist-secret", "allowlist nextline secret", "allowlist-nextline-secret", "nosemgrep", "# nosem",
            "#nosem", "// nosem", "//nosem",
            "checkov:skip=", "bridgecrew:skip=", "cortex:skip=",
        ].map { Array($0.utf8) }, isSpelled: false)
}
