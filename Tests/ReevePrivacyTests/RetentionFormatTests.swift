// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// The records of retention and of requests; `Documentation/Formats.md` names this test.
@Suite struct RetentionFormatTests {
    @Test func recordsAreAsWritten() async throws {
        let fixture = try await RequestFixture(records: [1])
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        try await fixture.trust.layer.retention.placeHold(
            hold, on: fixture.message, try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.message)))
        let request = try await fixture.begun(.delete)
        _ = try await fixture.answer(request)

        func last(_ table: String) throws -> String {
            let written = fixture.trust.store.commits.flatMap(\.changes).filter {
                $0.key.elements?.dropFirst().first == .text(table)
            }
            guard case .write(let bytes)? = written.last?.value else { throw BrokenPromise("nothing was written") }
            return String(decoding: bytes, as: UTF8.self)
        }
        let (day, now) = (fixture.trust.time.now.day, fixture.trust.time.now)
        let record = try last("privacy.record")
        let facts = """
            "record":{"category":"content.message","created":"\(day)","demands":[{"request":"\(request.id)","since":"\(day)"}],\
            "holds":[{"caseID":"\(hold)","kind":"temporary"}],"id":"\(fixture.message)","isLockLifted":false,"isPublic":false,\
            "locations":["host","second"],"role":{"controller":{}},"subject":"\(fixture.subject)"}
            """
        #expect(record.contains(facts), "\(record)")
        let members = ["attempts", "done", "holdEpoch", "isAnchored", "isBeingErased", "registration", "scope"]
        #expect(members.allSatisfy { record.contains("\"\($0)\":") } && record.hasPrefix(#"{"schema":1,"value":{"#))
        let rows = ["host", "second"].map { place in
            #"{"location":"\#(place)","outcome":"withheld","reasons":["hold:\#(hold)"],"record":"\#(fixture.message)","until":{"open":{}}}"#
        }
        let places = fixture.trust.layer.retention.locationNames.map { "\"\($0)\"" }.joined(separator: ",")
        let expected = """
            {"schema":1,"value":{"channel":"account","events":[{"act":{"name":"begun"},"at":"\(now)"},\
            {"act":{"name":"answered","report":{"concernsPublic":false,"consulted":[\(places)],"isComplete":false,"omitted":{},\
            "redirects":[],"registered":[\(places)],"rows":[\(rows.joined(separator: ","))]}},"at":"\(now)"}],\
            "id":"\(request.id)","kind":"delete","received":"\(now)","subject":"\(fixture.subject)"}}
            """
        #expect(try last("privacy.request") == expected)
    }

    /// Stored bytes that cannot be a request, a report or a record are refused, whatever is cut or flipped in them.
    @Test func hostileBytesAreRefusedOrReadTheSame() async throws {
        let fixture = try await RequestFixture(records: [1])
        _ = try await fixture.answer(try await fixture.begun(.access))
        let tables: Set<Key.Element> = [.text("privacy.request"), .text("privacy.record")]
        var tried = 0
        for (key, change) in fixture.trust.store.commits.flatMap(\.changes) {
            guard case .write(let written) = change, let name = key.elements?.dropFirst().first, tables.contains(name)
            else { continue }
            // Without the line that vouches for it: here nobody has its key.
            let bytes = Array(written.prefix { $0 != UInt8(ascii: "\n") })
            for length in stride(from: 0, to: bytes.count, by: 7) {
                let cut = TestStore()
                var changes = Changes()
                changes.write(key, Array(bytes.prefix(length)))
                try await cut.commit(changes)
                let authority = try await AccessAuthority.soleOperator(.host("x"), reason: "x", store: cut)
                let retention = Retention(schedule: RetentionSchedule(rules: []), authority: authority)
                let requests = SubjectRequests(
                    clocks: Clocks([]), retention: retention,
                    privacy: Privacy(PrivacySettings(), authority: authority))
                guard case .text(let id)? = key.elements?.last else { continue }
                if let request = Identifier<SubjectRequestRecord>(id) {
                    await #expect(throws: PrivacyError.self) { _ = try await requests.request(request) }
                }
                if let record = Identifier<DataRecord>(id) {
                    await #expect(throws: PrivacyError.self) {
                        _ = try await retention.disposition(of: record, in: fixture.trust.scope)
                    }
                }
                tried += 1
            }
        }
        #expect(tried > 100)
    }
}
