// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a scrub came to.
public enum Verdict: Sendable {
    /// Everything that was found was taken out, and the second pass found nothing more: this may be published.
    case publishable(ScrubbedRecipe)
    /// Something may be personal; a person must decide. The findings with the action `review` say where.
    case needsReview
    /// The recipe must not be published.
    case blocked(BlockReason)
}

/// Why a recipe must not be published.
public enum BlockReason: Error, Hashable, Sendable {
    /// The input is not acceptable JSON.
    case malformed(JSONError)
    /// Values are packed into each other more than 8 times.
    case tooManyLayers
    /// There are more findings than the limit of 10,000.
    case tooManyFindings
    /// Personal data stands where nothing may be changed; the findings say where.
    case notReplaceable
    /// The second pass still found something at this path.
    case survivor(JSONPath)
    /// A reference or the shape of the document would have changed.
    case brokenRecipe
    /// Programs read what stands at this path differently: an integer over 2^53, a number without bound, keys that Unicode calls equal.
    case ambiguous(JSONPath)
    /// The recipe is of a version of its format that is not known, by what stands at this path.
    case unknownVersion(JSONPath)
    /// A comment at this path tells scanners to look away.
    case suppression(JSONPath)
    /// Its author keeps it private, by what stands at this path, and the destination is for everyone (clause P4.1).
    case privateRecipe(JSONPath)
    /// A file's name in a package holds something that a person must decide about, would be that of another file, or leads out of the package.
    case fileName
    /// A ``Recognizer`` threw, or did not answer in time.
    case recognizerFailed
    /// The crypto engine failed.
    case cryptoFailed
}

extension BlockReason: CustomStringConvertible {
    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .malformed(let error): "\(error)"
        case .tooManyLayers: "values are packed into each other more than 8 times; unpack them and try again"
        case .tooManyFindings: "there are more than 10,000 findings; split the recipe"
        case .notReplaceable:
            "personal data stands in an id, a key, a reference or a part of a number; change it in the recipe editor"
        case .survivor(let path): "a value that was taken out still stands at `\(path)`; remove it in the recipe editor"
        case .brokenRecipe:
            "the scrubbed recipe would no longer work; this is a defect of the scrubber, please report it"
        case .ambiguous(let path):
            "programs read what stands at `\(path)` differently; write a large number as a string, and give keys other names"
        case .unknownVersion(let path):
            "`\(path)` names a version of the format that is not known; export the recipe anew, or bring a format that knows it"
        case .suppression(let path):
            "a comment at `\(path)` tells scanners to look away; remove it, what it hides is decided here"
        case .fileName:
            "the file's name holds something that may be personal, is that of another file of the package, or is no path in it; give it another name"
        case .privateRecipe(let path):
            "its author keeps it private, as `\(path)` says, and everyone could read it; make it public where it was made, and export it anew"
        case .recognizerFailed:
            "a recognizer of names failed or did not answer in time, so it is not known what is personal; see that it runs, and scrub again"
        case .cryptoFailed: "the crypto engine failed; check that OpenSSL 3 is installed"
        }
    }
}
