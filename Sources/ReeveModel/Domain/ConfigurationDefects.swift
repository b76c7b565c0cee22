// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What is wrong with a configuration, a line for each setting.
package struct ConfigurationDefects {
    package private(set) var lines: [String] = []

    package init() {}

    /// Adds a line unless a setting is in its range.
    package mutating func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
        guard !range.contains(value) else { return }
        lines.append("\(name) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
    }

    /// Adds a line unless a condition holds.
    package mutating func check(_ holds: Bool, _ line: String) {
        if !holds { lines.append(line) }
    }
}
