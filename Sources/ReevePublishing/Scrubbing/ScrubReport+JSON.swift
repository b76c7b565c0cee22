// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

extension ScrubReport {
    /// The report as JSON, by the schema `Documentation/Schemas/scrub-report.schema.json`: the same report gives the same bytes.
    ///
    /// It holds no value that was found. Complexity: O(findings).
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("dropped")
            writer.list(dropped) { writer, drop in
                writer.object { writer in
                    writer.field("path", drop.path.description)
                    writer.field("role", drop.role.rawValue)
                    writer.name("span")
                    writer.list([drop.span.lowerBound, drop.span.upperBound]) { $0.integer(Int64($1)) }
                }
            }
            writer.name("findings")
            writer.list(findings) { writer, finding in
                writer.object { writer in
                    writer.field("action", finding.action.rawValue)
                    writer.field("class", finding.kind.rawValue)
                    if let fingerprint = finding.fingerprint { writer.field("fingerprint", fingerprint.description) }
                    writer.field("path", finding.path.description)
                    writer.field("role", finding.role.rawValue)
                    writer.field("rule", finding.rule)
                    writer.field("score", Int64((finding.score * 100).rounded()))
                    writer.name("span")
                    writer.list([finding.span.lowerBound, finding.span.upperBound]) { $0.integer(Int64($1)) }
                }
            }
            if case .blocked(let reason) = verdict { writer.field("reason", "\(reason)") }
            writer.field("rules", Int64(Detection.rulesVersion))
            writer.field("verdict", verdict.name)
        }
        return writer.bytes
    }
}

extension Verdict {
    /// What reports call it.
    var name: String {
        switch self {
        case .publishable: "publishable"
        case .needsReview: "needs review"
        case .blocked: "blocked"
        }
    }
}
