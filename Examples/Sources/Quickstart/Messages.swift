// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy
import Synchronization

/// Where this program keeps messages: a place that can be asked what it has of somebody, and to erase it.
final class Messages: DataLocation {
    private struct Message {
        let subject: Identifier<DataSubject>
        var json: [UInt8]
    }
    private let messages = Mutex<[Identifier<DataRecord>: Message]>([:])
    let name = "messages"

    func add(_ text: String, as record: Identifier<DataRecord>, about subject: Identifier<DataSubject>) {
        let json = Array(#"{"text":"\#(text)"}"#.utf8)
        messages.withLock { $0[record] = Message(subject: subject, json: json) }
    }

    func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> {
        messages.withLock { Set($0.filter { $0.value.subject == subject }.keys) }
    }

    func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? {
        messages.withLock { $0[record]?.json }
    }

    func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool {
        messages.withLock { messages in
            guard messages[record] != nil else { return false }
            messages[record]?.json = content
            return true
        }
    }

    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
        let record = erasure.record
        return messages.withLock { $0.removeValue(forKey: record) == nil ? .nothingThere : .erased }
    }
}
