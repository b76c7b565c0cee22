// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials

enum EnvironmentVariables {
    static func read() -> [String: String] { ProcessInfo.processInfo.environment }
}
