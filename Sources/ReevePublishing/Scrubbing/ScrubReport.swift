// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a ``Scrubber`` found and did.
public struct ScrubReport: Sendable {
    /// Whether the recipe may be published.
    public internal(set) var verdict: Verdict
    /// Everything that was found, in document order.
    public let findings: [ScrubFinding]
    /// Everything that went by its role alone, in document order.
    public let dropped: [DroppedValue]
    let input: [UInt8]
    let edits: [Edit]
    /// Whether it is certain that every finding is masked, so that the document may be shown.
    let isCertain: Bool

    /// One replacement in the source bytes.
    struct Edit: Sendable {
        let range: Range<Int>
        /// What a mask says instead of the value.
        let label: String
        /// The replacement as it stands in the document; `nil` when nothing was replaced.
        let replacement: [UInt8]?
        /// Whether the replacement may be shown: what is packed again may hold what a person must decide about.
        var isShown = true
    }

    init(
        verdict: Verdict, findings: [ScrubFinding] = [], dropped: [DroppedValue] = [], input: [UInt8],
        edits: [Edit] = []
    ) {
        self.verdict = verdict
        self.findings = findings
        self.dropped = dropped
        self.input = input
        self.edits = edits
        isCertain =
            switch verdict {
            case .publishable, .needsReview, .blocked(.notReplaceable), .blocked(.privateRecipe): true
            case .blocked: false
            }
    }
}

extension ScrubReport: CustomStringConvertible, CustomReflectable {
    /// The verdict and the number of findings; not the document, which belongs into no log.
    public var description: String { "\(verdict), \(findings.count) findings, \(dropped.count) dropped" }
    /// The verdict and the findings.
    public var customMirror: Mirror { Mirror(self, children: ["verdict": verdict, "findings": findings]) }
}
