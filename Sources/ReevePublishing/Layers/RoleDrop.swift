// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A value that goes by its role alone: the content of a string, array or object, or a number.
struct RoleDrop {
    let path: JSONPath
    let role: PathRole
    /// Where it stands in the source, without quotes or brackets.
    let span: Range<Int>
    /// A string's text; `nil` for anything else.
    let text: [UInt8]?
    var isNumber = false
    /// Whether the text is a file's name.
    var isFile = false
    /// The number of what it is packed into as a whole; its place is in that.
    var seal: Int?
}
