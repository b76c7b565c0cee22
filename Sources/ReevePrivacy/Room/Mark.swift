// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveStorage

/// That there is something under a key, and nothing more.
struct Mark: Codable, RecordCodable {}
