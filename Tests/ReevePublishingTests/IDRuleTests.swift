// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveTesting
import Testing

@testable import ReevePublishing

/// Numbers and codes of people, organisations and things.
@Suite struct IDRuleTests {
    /// Examples that the issuers print or that are made up under their rules, with a check digit at the end.
    private static let checked: [(rule: String, text: String)] = [
        ("us.npi", "1234567893"), ("us.dea", "BB1388568"), ("us.routing", "121000358"), ("ca.sin", "130 692 544"),
        ("br.cpf", "529.982.247-25"), ("br.cnpj", "11.222.333/0001-81"),
        ("uk.nhs", "943 476 5919"), ("au.abn", "51 824 753 556"), ("au.acn", "004 085 616"), ("au.tfn", "876 543 210"),
        ("in.aadhaar", "3998 7654 3211"), ("sg.nric", "S2740116C"),
        ("sg.uen", "53125226D"), ("sg.uen", "201434292D"), ("sg.uen", "S57TU0392K"), ("za.id", "8001015009087"),
        ("ng.nin", "12345678902"), ("de.taxID", "86 095 742 719"), ("de.socialSecurity", "15070649C103"),
        ("de.healthInsurance", "A123456780"), ("de.passport", "C01234565"), ("ch.ahv", "756.9217.0769.85"),
        ("es.nif", "12345678Z"), ("es.nie", "X1234567L"), ("it.fiscalCode", "RSSMRA85T10A562S"),
        ("it.vat", "01333550323"),
        ("fr.nir", "2 55 08 14 168 025 38"), ("fr.siret", "73282932000074"), ("pt.nif", "123456789"),
        ("ro.cnp", "1800101221144"), ("nl.bsn", "111222333"), ("be.nationalNumber", "85.07.30-033.28"),
        ("pl.pesel", "44051401359"),
        ("pl.nip", "123-456-32-18"), ("fi.identityCode", "131052-308T"), ("se.personalNumber", "811228-9874"),
        ("se.organizationNumber", "556703-7485"), ("no.identityNumber", "15108695088"),
        ("cz.birthNumber", "710319/2745"),
        ("ee.personalCode", "36805280109"), ("bg.egn", "7523169263"), ("gr.amka", "01013099997"),
        ("cn.residentID", "11010519491231002X"), ("kr.brn", "104-86-56659"), ("th.nationalID", "2345678901234"),
        ("tr.nationalID", "64625294480"),
        ("lei", "213800KUD8LAJWSQ9D15"), ("imei", "35-209900-176148-1"), ("iccid", "8991101200003204514"),
        ("ie.pps", "1234567T"),
    ]
    private static let others: [(rule: String, text: String)] = [
        ("us.ssn", "536-22-8726"), ("us.itin", "911-70-1234"), ("us.mbi", "1EG4-TE5-MK73"),
        ("us.ein", "EIN 12-3456789"), ("uk.nino", "AB 12 34 56 C"), ("uk.drivingLicence", "MORGA657054SM9IJ"),
        ("uk.postcode", "postcode EC2A 1NT"), ("uk.plate", "plate LN14 HGT"),
        ("au.medicare", "2123 45670 1"), ("in.pan", "ABCPD1234Z"), ("in.gstin", "27ABCDE1234F1Z5"),
        ("de.idCard", "Ausweis T22000129"), ("de.vat", "DE 136 695 976"), ("de.tradeRegister", "HRB 123456"),
        ("at.socialSecurity", "SVNR 1237 010180"),
        ("dk.cpr", "211062-5629"), ("kr.rrn", "960121-1021413"), ("vin", "1M8GDM9AXKP042788"),
        ("us.passport", "passport C01234567"),
    ]

    private func found(_ text: String) throws -> Set<String> {
        Set(try Detector(minimum: 0.05).findings(in: text).map(\.rule))
    }

    @Test(arguments: checked + others) func numbersAreFound(_ rule: String, _ text: String) throws {
        #expect(try found(text).contains("id." + rule))
        // Beside words and signs, and not within a longer word or number.
        #expect(try found("it is (\(text)), he said").contains("id." + rule))
        let inner = text.split(separator: " ").last.map(String.init) ?? text
        #expect(
            try !Detector(minimum: 0.05).findings(in: "x\(inner)9y").contains {
                $0.rule == "id." + rule && $0.utf8.count == inner.utf8.count
            })
    }

    /// Another check digit is wrong.
    @Test(arguments: checked) func aWrongCheckDigitIsNone(_ rule: String, _ text: String) throws {
        let last = try #require(text.last)
        let others = (last.isNumber ? Array("0123456789") : Array("ABCDEFGHJKLMNPQRSTUVWXYZ")).filter { $0 != last }
        let wrong = try others.filter { other in
            try Detector(minimum: 0.05).findings(in: text.dropLast() + String(other)).contains {
                $0.rule == "id." + rule && $0.confidence >= 0.1
            }
        }
        // Two remainders may share a digit.
        #expect(wrong.count <= 1, "\(rule): \(wrong)")
    }

    /// A word in the key, beside the value or near it makes one surer than it is by itself.
    @Test func wordsTell() throws {
        func score(_ text: String) throws -> Double {
            try Detector(minimum: 0.01).findings(in: text).filter { $0.rule == "id.us.ssn" }.map(\.confidence).max()
                ?? 0
        }
        #expect(try score("536228726") < 0.3)
        for text in [
            "SSN 536228726", "536228726 is his social security number", #"{"employeeSSN":"536228726"}"#,
            #"{"ssn":536228726}"#, #"[{"name":"ssn","value":"536228726"}]"#, "ssn: 536228726",
            #"{"ssn":["x","536228726"]}"#,
        ] {
            #expect(try score(text) >= 0.6, "\(text)")
        }
        // Parts of words do not.
        for word in ["passnumber lesson", "passwossn", "xssn", "ssnx"] {
            #expect(try score("\(word) 536228726") < 0.3, "\(word)")
        }
        #expect(try score("078-05-1120") == 0)
    }

    /// What stands in ordinary recipes is none.
    @Test(arguments: [
        "2026-11-29T10:20:30.123Z", "1700000000", "1700000000000", "order 4711 of 2026", "v1.2.3.4", "Chrome/133.0.0.0",
        "10:20:30", "12:34:56:78", "0 9 * * 1-5", "9c1b6f0e-53e2-4f0f-8a55-7d0f1f1f6b21",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709", "https://api.example.com/v2/users/12345/orders", "/api/users/list",
        "width 1920x1080", "$1,234,567.89", "51.5074, -0.1278", "ISO 27001:2022", "page 12 of 345", "SHA256",
        "127.0.0.1:8080", "a::b", "std::vector",
        "Step 10: call the API", "token_count: 4096", "next_page_token: abc", "Authorization: Bearer {{ $json.token }}",
        "password: {{password}}", "api_key = process.env.API_KEY", "public_key: ssh", "keyword: customer_1",
        "author: monkey", "#ff00aa", "12.5 %", "id: 12345",
        "Mon, 5 May 2026", "max_tokens=1000", "{\"type\":\"password\",\"name\":\"password\"}",
        "contact_name: first_name", "row 1, column 2", "utf-8, iso-8859-1",
    ])
    func ordinaryTextIsNone(_ text: String) throws {
        let findings = try Detector().findings(in: text).filter { $0.kind != .url && $0.kind != .date }
        #expect(findings.isEmpty, "\(findings.map(\.rule))")
    }
}

/// Names of people, by lists and by keys.
@Suite struct NameTests {
    private func found(_ text: String) throws -> [String] {
        // By a list and by a key it is the same one.
        var seen: Set<Range<Int>> = []
        return try Detector().findings(in: text).filter { $0.kind == .person && seen.insert($0.utf8).inserted }.map {
            String(decoding: Array(text.utf8)[$0.utf8], as: UTF8.self)
        }
    }

    @Test(arguments: [
        ("ask Jennifer Martinez about it", ["Jennifer Martinez"]),
        ("Robert J. Thompson, Jennifer Martinez", ["Robert J. Thompson", "Jennifer Martinez"]),
        ("Dr. Thompson is in", ["Thompson"]),
        ("Mrs. Martinez's order", ["Martinez"]), ("by Jennifer  Martinez", []), ("Frau Becker ruft an", ["Becker"]),
        (#"{"customer_name":"Jennifer Martinez"}"#, ["Jennifer Martinez"]),
        (#"{"lastName":"Thompson","firstName":"Jennifer"}"#, ["Thompson", "Jennifer"]),
        (#"{"assignee":"Jennifer Østergård"}"#, ["Jennifer Østergård"]),
        (#"{"name":"customer name","value":"Thompson, Jennifer"}"#, ["Thompson, Jennifer"]),
        ("Jennifer Martinez (Reeve)", ["Jennifer Martinez"]), ("ＪＥＮＮＩＦＥＲ Martinez", ["ＪＥＮＮＩＦＥＲ Martinez"]),
    ])
    func namesAreFound(_ text: String, _ names: [String]) throws {
        #expect(try found(text) == names)
    }

    @Test(arguments: [
        "Grant Access", "Mark Order as Paid", "Will Price", "Rich Text", "Google Sheets", "John Doe", "Jane Smith",
        "New York", "Santa Clara", "Washington Post", "Jordan River", "Charlotte Airport", "jennifer martinez",
        "Jennifer.Martinez()", "JenniferMartinez",
        "Jennifer's Martinez Street", "Martinez Jennifer", "class Jennifer", #"{"customer_name":"Customer Name"}"#,
        #"{"first_name":"{{ $json.name }}"}"#, #"{"name":"Get Customer"}"#, "Austin Office", "Victoria Line",
        "Francis Of Assisi",
    ])
    func otherWordsAreNot(_ text: String) throws {
        #expect(try found(text).isEmpty)
    }

    /// A name becomes a stand-in, the same one each time, also in a literal of a formula.
    @Test func namesAreReplaced() throws {
        let report = scrub(
            Array(#"{"a":"ask Jennifer Martinez","b":"Jennifer Martinez and Robert Thompson"}"#.utf8), as: .plainJSON)
        let after = String(decoding: try output(report), as: UTF8.self)
        #expect(after == #"{"a":"ask Person 1","b":"Person 1 and Person 2"}"#)
        let formula = Array(#"{"code":{"keyword":"trigger","input":{"m":"='Jennifer Martinez'"}},"config":[]}"#.utf8)
        #expect(String(decoding: try output(scrub(formula)), as: UTF8.self).contains("='Person 1'"))
    }
}
