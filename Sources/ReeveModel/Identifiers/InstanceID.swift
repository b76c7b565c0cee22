// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Names one object of a process, so that a proof can say who made it: 128 random bits, never used again.
package struct InstanceID: Hashable, Sendable {
    private let high = UInt64.random(in: .min ... .max)
    private let low = UInt64.random(in: .min ... .max)

    package init() {}
}
