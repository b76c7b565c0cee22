// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation

/// A bar on the standard error stream, where that is a terminal.
public struct ProgressBar {
    private let total: Int
    private let unit: String
    private let isShown: Bool
    private var shown = -1

    /// A bar up to a total of some unit.
    public init(total: Int, unit: String, isShown: Bool = true) {
        self.total = total
        self.unit = unit
        self.isShown = isShown && isatty(2) == 1
    }

    /// Shows how far it is.
    public mutating func show(_ count: Int) {
        let percent = total == 0 ? 100 : count * 100 / total
        guard isShown, percent != shown else { return }
        shown = percent
        let bar = String(repeating: "#", count: percent / 4) + String(repeating: "-", count: 25 - min(25, percent / 4))
        FileHandle.standardError.write(Data("\r[\(bar)] \(percent) % \(count) of \(total) \(unit)".utf8))
    }

    /// Ends the line.
    public func end() {
        if isShown, shown >= 0 { FileHandle.standardError.write(Data("\n".utf8)) }
    }
}
