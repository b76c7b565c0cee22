// expect: missing argument for parameter 'as'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

func keep(_ id: Identifier<DataRecord>) -> StoredRecord {
    #if MISUSE
    StoredRecord(id, at: "here")
    #else
    StoredRecord(id, at: "here", as: .controller)
    #endif
}
