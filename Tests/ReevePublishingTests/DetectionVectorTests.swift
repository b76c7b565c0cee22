// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveTesting
import Testing

@testable import ReevePublishing

/// Suites of other tools, from the folder of vectors: what is found of each class, and what is found where nothing is.
@Suite struct DetectionVectorTests {
    private struct Presidio: Decodable {
        struct Case: Decodable {
            let text: String
            let entities: [String]
            let expected_count: Int
            let expected_spans: [[Int]]?
            let kind: String
            let needs_ner: Bool
        }
        struct Sentence: Decodable {
            let text: String
            let entity: String
        }
        let cases: [Case]
        let context_sentences: [Sentence]
    }

    private static func load<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", try #require(Vectors.folder) + "/" + name + ".dev.json.gz"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(type, from: data)
    }

    /// The rules that find an entity of the suite, by the beginnings of their names.
    private static let rules: [String: [String]] = [
        "ABA_ROUTING_NUMBER": ["id.us.routing"], "AU_ABN": ["id.au.abn"], "AU_ACN": ["id.au.acn"],
        "AU_MEDICARE": ["id.au.medicare"], "AU_TFN": ["id.au.tfn"], "CA_SIN": ["id.ca.sin"], "CREDIT_CARD": ["card"],
        "CRYPTO": ["crypto"], "DATE_TIME": ["date"], "DE_BSNR": ["id.de.bsnr"],
        "DE_FUEHRERSCHEIN": ["id.de.drivingLicence"],
        "DE_HANDELSREGISTER": ["id.de.tradeRegister"], "DE_HEALTH_INSURANCE": ["id.de.healthInsurance"],
        "DE_ID_CARD": ["id.de.idCard"], "DE_KFZ": ["id.de.plate"], "DE_LANR": ["id.de.lanr"],
        "DE_PASSPORT": ["id.de.passport"],
        "DE_PLZ": ["id.de.postcode"], "DE_SOCIAL_SECURITY": ["id.de.socialSecurity"], "DE_TAX_ID": ["id.de.taxID"],
        "DE_TAX_NUMBER": ["id.de.taxNumber"], "DE_VAT_ID": ["id.de.vat"], "EMAIL_ADDRESS": ["email"],
        "ES_NIE": ["id.es.nie"],
        "ES_NIF": ["id.es.nif"], "ES_PASSPORT": ["id.es.passport"], "FIN": ["id.sg.nric", "id.sg.fin"],
        "FI_PERSONAL_IDENTITY_CODE": ["id.fi"],
        "IBAN_CODE": ["iban"], "IN_AADHAAR": ["id.in.aadhaar"], "IN_GSTIN": ["id.in.gstin"],
        "IN_PAN": ["id.in.pan", "id.in.oldPan"],
        "IN_PASSPORT": ["id.in.passport"], "IN_VEHICLE_REGISTRATION": ["id.in.plate", "id.in.oldPlate"],
        "IN_VOTER": ["id.in.voter"],
        "IP_ADDRESS": ["network.ip"], "IT_DRIVER_LICENSE": ["id.it.drivingLicence"],
        "IT_FISCAL_CODE": ["id.it.fiscalCode"],
        "IT_IDENTITY_CARD": ["id.it.idCard"], "IT_PASSPORT": ["id.it.passport"], "IT_VAT_CODE": ["id.it.vat"],
        "KR_BRN": ["id.kr.brn"],
        "KR_DRIVER_LICENSE": ["id.kr.driver"], "KR_FRN": ["id.kr.frn"], "KR_PASSPORT": ["id.kr.passport"],
        "KR_RRN": ["id.kr.rrn"],
        "MAC_ADDRESS": ["network.mac"], "MEDICAL_LICENSE": ["id.us.dea"], "NG_NIN": ["id.ng.nin"],
        "NG_VEHICLE_REGISTRATION": ["id.ng.plate"],
        "PHONE_NUMBER": ["phone"], "PH_MOBILE_NUMBER": ["phone"], "PH_TIN": ["id.ph.tin"], "PL_PESEL": ["id.pl.pesel"],
        "SE_ORGANISATIONSNUMMER": ["id.se.organization"], "SE_PERSONNUMMER": ["id.se.personal"],
        "SG_NRIC_FIN": ["id.sg.nric", "id.sg.fin"],
        "SG_UEN": ["id.sg.uen"], "TH_TNIN": ["id.th"], "TR_LICENSE_PLATE": ["id.tr.plate"],
        "TR_NATIONAL_ID": ["id.tr.national"],
        "TR_PHONE_NUMBER": ["phone"], "UK_DRIVING_LICENCE": ["id.uk.driving"], "UK_NHS": ["id.uk.nhs"],
        "UK_NINO": ["id.uk.nino"],
        "UK_PASSPORT": ["id.uk.passport"], "UK_POSTCODE": ["id.uk.postcode"],
        "UK_VEHICLE_REGISTRATION": ["id.uk.plate", "id.uk.oldPlate"],
        "URL": ["url"], "US_BANK_NUMBER": ["id.us.bankAccount"], "US_DRIVER_LICENSE": ["id.us.driverLicense"],
        "US_ITIN": ["id.us.itin"],
        "US_MBI": ["id.us.mbi"], "US_NPI": ["id.us.npi"], "US_PASSPORT": ["id.us.passport"], "US_SSN": ["id.us.ssn"],
        "ZA_ID_NUMBER": ["id.za"],
    ]

    private typealias Row = (found: Int, positive: Int, wrong: Int, negative: Int)

    private func add(_ row: Row, to sum: inout Row) {
        sum.found += row.found
        sum.positive += row.positive
        sum.wrong += row.wrong
        sum.negative += row.negative
    }

    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder"))
    func presidio() throws {
        let suite = try Self.load("presidio_cases", as: Presidio.self)
        let detector = Detector(minimum: 0.01)
        var misses: [String] = []
        var table: [String: Row] = [:]
        var kinds: [String: [DataClass: Int]] = [:]
        for item in suite.cases where !item.needs_ner && item.entities.count == 1 && !item.entities[0].isEmpty {
            let entity = item.entities[0]
            let findings = try detector.findings(in: item.text).filter { finding in
                Self.rules[entity]?.contains { finding.rule.hasPrefix($0) } ?? false
            }
            for finding in findings { kinds[entity, default: [:]][finding.kind, default: 0] += 1 }
            if item.expected_count == 0 {
                table[entity, default: (0, 0, 0, 0)].negative += 1
                if !findings.isEmpty {
                    table[entity]?.wrong += 1
                    misses.append("wrong \(entity): \(item.text) \(findings.map(\.rule))")
                }
            } else {
                let spans = (item.expected_spans ?? []).filter { $0.count == 2 }
                if spans.isEmpty {
                    table[entity, default: (0, 0, 0, 0)].positive += item.expected_count
                    table[entity]?.found += min(findings.count, item.expected_count)
                    if findings.count < item.expected_count {
                        misses.append("missed \(entity): \(item.text) \(item.expected_count)")
                    }
                }
                let scalars = Array(item.text.unicodeScalars)
                for var span in spans {
                    // Some begin with the blank or the quote before it.
                    while span[0] < span[1], !scalars[span[0]].properties.isAlphabetic,
                        scalars[span[0]].properties.numericType == nil, !"+(:".unicodeScalars.contains(scalars[span[0]])
                    { span[0] += 1 }
                    while span[0] < span[1], "'\"/ ".unicodeScalars.contains(scalars[span[1] - 1]) { span[1] -= 1 }
                    table[entity, default: (0, 0, 0, 0)].positive += 1
                    if findings.contains(where: { $0.scalars.lowerBound <= span[0] && $0.scalars.upperBound >= span[1] }
                    ) {
                        table[entity]?.found += 1
                    } else {
                        misses.append(
                            "missed \(entity): \(item.text) \(span) \(findings.map { ($0.rule, $0.scalars) })")
                    }
                }
            }
        }
        var known = 0
        for sentence in suite.context_sentences {
            let found = try Detector().findings(in: sentence.text).contains { finding in
                Self.rules[sentence.entity]?.contains { finding.rule.hasPrefix($0) } ?? false
            }
            if found { known += 1 } else { misses.append("missed sentence \(sentence.entity): \(sentence.text)") }
        }
        for (entity, row) in table.sorted(by: { $0.key < $1.key }) {
            print("presidio \(entity): \(row.found) of \(row.positive), wrong \(row.wrong) of \(row.negative)")
            // In a class of a few cases one may be missed.
            #expect(row.found >= row.positive - max(1, row.positive * 15 / 100), "\(entity)")
        }
        // What the suite calls otherwise is mostly of one class here.
        var classes: [String: Row] = [:]
        for (entity, row) in table {
            let kind = kinds[entity]?.max { ($0.value, $0.key.rawValue) < ($1.value, $1.key.rawValue) }
            add(row, to: &classes[kind?.key.rawValue ?? "nothing found", default: (0, 0, 0, 0)])
        }
        for (kind, row) in classes.sorted(by: { $0.key < $1.key }) {
            print("| \(kind) | \(row.found) of \(row.positive) | \(row.wrong) of \(row.negative) |")
        }
        let sum = table.values.reduce(into: (found: 0, positive: 0, wrong: 0, negative: 0)) { add($1, to: &$0) }
        print("presidio all: \(sum)")
        #expect(sum.positive > 400 && sum.negative > 250)
        #expect(sum.found * 100 >= 95 * sum.positive && sum.wrong * 100 <= 5 * sum.negative, "\(misses)")
        #expect(known * 100 >= 85 * suite.context_sentences.count, "\(misses)")
    }

    private struct Gitleaks: Decodable {
        struct Case: Decodable {
            let text: String
            let rule: String
            let kind: String
            let generic: Bool
            let secret_byte_spans: [[Int]]?
        }
        struct Rule: Decodable {
            let rule: String
            let regex: String
            let keywords: [String]?
            let entropy: Double
            let secretGroup: Int
        }
        let cases: [Case]
        let rules: [Rule]

        /// Whether what was found is a secret to another rule of the suite, by its words, its expression and its entropy.
        func isOther(_ item: Case, _ ranges: [Range<Int>]) -> Bool {
            let (lower, text) = (item.text.lowercased(), item.text)
            return rules.contains { rule in
                guard rule.rule != item.rule,
                    rule.keywords?.contains(where: { lower.contains($0.lowercased()) }) ?? true,
                    let regex = try? NSRegularExpression(pattern: rule.regex)
                else { return false }
                return regex.matches(in: text, range: NSRange(text.startIndex..., in: text)).contains { match in
                    let group = match.numberOfRanges > 1 ? max(1, rule.secretGroup) : 0
                    guard let place = Range(match.range(at: group), in: text) else { return false }
                    let start = text.utf8.distance(from: text.startIndex, to: place.lowerBound)
                    let end = start + text[place].utf8.count
                    return SecretValue.entropy(Array(text[place].utf8)[...]) >= rule.entropy
                        && ranges.contains { $0.overlaps(start..<max(end, start + 1)) }
                }
            }
        }
    }

    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder"))
    func gitleaks() throws {
        let suite = try Self.load("gitleaks_cases", as: Gitleaks.self)
        let detector = Detector()
        var misses: [String] = []
        var table: [String: (found: Int, all: Int)] = [:]
        var (found, all, wrong, clean, others) = (0, 0, 0, 0, 0)
        for item in suite.cases {
            let findings = try detector.findings(in: item.text).filter { $0.kind == .secret }
            if item.kind == "tp" {
                all += 1
                table[item.rule, default: (0, 0)].all += 1
                let spans = (item.secret_byte_spans ?? []).filter { $0.count == 2 }
                let isFound =
                    spans.isEmpty
                    ? !findings.isEmpty
                    : spans.contains { span in
                        findings.contains {
                            $0.utf8.overlaps(span[0]..<max(span[1], span[0] + 1))
                                && $0.utf8.clamped(to: span[0]..<span[1]).count * 10 >= 8 * (span[1] - span[0])
                        }
                    }
                if isFound {
                    found += 1
                    table[item.rule]?.found += 1
                } else {
                    misses.append("missed secret \(item.rule): \(item.text.prefix(150).debugDescription)")
                }
            } else {
                clean += 1
                if !findings.isEmpty {
                    wrong += 1
                    // What is no key of one provider may be one of another, or a value under a secret's name.
                    if suite.isOther(item, findings.map(\.utf8)) { others += 1 }
                    misses.append(
                        "wrong secret \(item.rule): \(item.text.prefix(150).debugDescription) \(findings.map(\.rule))")
                }
            }
        }
        print(
            "gitleaks: \(found) of \(all), wrong \(wrong) of \(clean), of them \(others) that other rules of the suite find, too"
        )
        #expect(all > 3000 && clean > 150)
        #expect(found * 100 >= 97 * all, "\(misses.filter { $0.hasPrefix("missed") })")
        #expect((wrong - others) * 100 <= 3 * clean, "\(misses.filter { $0.hasPrefix("wrong") })")
    }

    private struct Disguise: Decodable {
        let base: String
        let entity: String
        let text: String
        let transform: String
    }

    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder"))
    func disguises() throws {
        let suite = try Self.load("obfuscation_matrix", as: [Disguise].self)
        let kinds: [String: Set<DataClass>] = [
            "EMAIL": [.email], "CC": [.paymentCard], "SSN": [.nationalID], "GHP": [.secret], "PHONE": [.phone],
            "AWS": [.secret],
        ]
        var (found, misses) = (0, [String]())
        for item in suite {
            let findings = try Detector().findings(in: item.text)
            if findings.contains(where: { kinds[item.entity]?.contains($0.kind) ?? true }) {
                found += 1
            } else {
                misses.append(
                    "missed disguise \(item.entity) \(item.transform): \(item.text.prefix(100).debugDescription)")
            }
        }
        print("disguises: \(found) of \(suite.count)")
        #expect(suite.count > 60 && found * 100 >= 95 * suite.count, "\(misses)")
    }

    private struct Decoded: Decodable {
        struct Case: Decodable {
            let input: String
            let expected: String?
        }
        let cases: [Case]
    }

    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder"))
    func decoders() throws {
        let suite = try Self.load("decoder_cases", as: Decoded.self)
        var (seen, count, misses) = (0, 0, [String]())
        for item in suite.cases {
            guard let expected = item.expected, expected != item.input else { continue }
            count += 1
            let reader = try DocumentReader(text: item.input, shortest: 3)
            let texts = reader.pieces.map { String(decoding: FoldedText($0.bytes).bytes, as: UTF8.self) }
            let words = expected.split { !$0.isLetter && $0 != "-" }.map(String.init)
            if words.allSatisfy({ word in texts.contains { $0.contains(word) } }) {
                seen += 1
            } else {
                misses.append("not decoded: \(item.input.debugDescription) \(expected)")
            }
        }
        print("decoders: \(seen) of \(count)")
        #expect(count > 30 && seen == count, "\(misses)")
    }
}
