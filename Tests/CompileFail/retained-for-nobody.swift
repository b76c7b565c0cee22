// expect: missing argument for parameter 'as'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

func facts(_ id: Identifier<DataRecord>, _ category: DataCategory, _ day: CivilDay) -> RetainedRecord {
    #if MISUSE
    RetainedRecord(id: id, category: category, created: day, at: ["mail"])
    #else
    RetainedRecord(id: id, category: category, created: day, as: .controller, at: ["mail"])
    #endif
}
