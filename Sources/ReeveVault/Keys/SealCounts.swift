// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization

/// How often this process has sealed under each key for the host: nothing else counts those, and nonces are drawn at random.
///
/// A key seals so 2^20 times in one process; NIST SP 800-38D allows 2^32 in all, and no key is used for longer than a year.
final class SealCounts: Sendable {
    static let limit = 1 << OpenKey.generationBits
    private static let maximumKeys = 100_000
    private let counts = Mutex<[Digest: Int]>([:])

    /// Counts, unless the key has sealed as often as it may.
    func take(_ key: Digest, _ times: Int = 1) -> Bool {
        counts.withLock { counts in
            let count = counts[key] ?? 0
            guard count + times <= Self.limit else { return false }
            if counts.count >= Self.maximumKeys, count == 0 {
                // Those that seal much are kept.
                let middle = counts.values.sorted()[counts.count / 2]
                counts = counts.filter { $0.value > middle }
            }
            counts[key] = count + times
            return true
        }
    }
}
