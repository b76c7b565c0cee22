// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// The tasks of one company in one period: what was admitted, less what was given back.
struct PeriodUsage: Hashable, Sendable, Codable, RecordCodable {
    var admitted: Int

    static let table = Table<PeriodUsage>("plans.usage")

    static func ids(_ company: Identifier<Company>, _ start: CivilDay) -> [String] {
        [company.description, start.description]
    }
}
