// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension IDRule {
    /// Of the United States, Canada and Brazil.
    static let american: [IDRule] = [
        // SSA: no area 000, 666 or 9xx, no group 00, no serial 0000; two were printed as samples.
        IDRule(
            "us.ssn", .nationalID, ["ddd dd dddd", "ddddddddd"], bare: 0.1, grouped: 0.85, mistyped: 0.5,
            words: socialWords, isValid: isSocialSecurity),
        // In two groups it could be a postcode, or any number.
        IDRule(
            "us.ssn", .nationalID, ["ddd dddddd", "ddddd dddd"], bare: 0.2, mistyped: 0.5, words: socialWords,
            isValid: isSocialSecurity),
        IDRule(
            "us.itin", .nationalID, ["ddd dd dddd", "ddddddddd"], bare: 0.25, grouped: 0.8, words: taxWords,
            isValid: isTaxpayer),
        IDRule(
            "us.itin", .nationalID, ["ddd dddddd", "ddddd dddd"], bare: 0.2, words: taxWords, isValid: isTaxpayer),
        IDRule(
            "us.npi", .nationalID, ["dddddddddd", "dddd ddd ddd"], bare: 0.2, grouped: 0.4,
            words: ["npi", "prescriber"]
        ) { id in (id[0] == 49 || id[0] == 50) && Set(id).count > 2 && Checksum.luhn(Array("80840".utf8) + id) },
        IDRule(
            "us.mbi", .nationalID, ["daxd axd aadd", "daxdaxdaadd"], signs: "-", bare: 0.5, grouped: 0.8,
            words: ["mbi", "medicare", "beneficiary"]
        ) { id in
            // CMS: no zero in front, none of the letters that look like digits.
            id[0] != 48 && !id.contains { "SLOIBZ".utf8.contains($0) }
        },
        IDRule(
            "us.dea", .nationalID, ["aaddddddd", "adddddddd"], bare: 0.4,
            words: ["dea", "medical", "certificate", "licence", "license", "prescriber", "registration"]
        ) { id in
            let digits = id.drop { !$0.isDigit }.suffix(7)
            guard digits.count == 7, id.count == 9, "ABCDEFGHJKLMPRSTUX".utf8.contains(id[0]) else { return false }
            let number = Array(digits)
            let sum =
                Checksum.weighted([number[0], number[2], number[4]], [1, 1, 1])
                + 2 * Checksum.weighted([number[1], number[3], number[5]], [1, 1, 1])
            return sum % 10 == Int(number[6]) - 48
        },
        IDRule(
            "us.routing", .bankAccount, ["ddddddddd", "dddd dddd d"], bare: 0.15, grouped: 0.4,
            words: ["aba", "routing", "rtn"]
        ) { id in
            let first = Checksum.value(id[..<2])
            return [1...12, 21...32, 61...72, 80...80].contains { $0.contains(first) }
                && Checksum.weighted(id, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0
        },
        IDRule(
            "us.bankAccount", .bankAccount, (8...17).map { String(repeating: "d", count: $0) }, bare: 0.05, named: 0.5,
            words: ["acct", "banking", "bankaccount"]
        ) { Set($0).count > 2 && !isDate($0) },
        IDRule("us.passport", .passport, ["ddddddddd", "adddddddd"], bare: 0.1, words: passportWords) {
            Set($0).count > 2
        },
        IDRule(
            "us.driverLicense", .driverLicense,
            [
                "adddddddd", "addddddd", "ddddddddd", "dddddddd", "ddddddddddddd", "addddddddddddd", "adddddddddddd",
                "aaddddddd",
                "ddaaaddddd",
            ],
            bare: 0.02, named: 0.5, words: licenseWords
        ) { Set($0).count > 2 && !isDate($0) },
        // The first two digits are those of an office of the IRS.
        IDRule(
            "us.ein", .organizationID, ["dd ddddddd"], signs: "-", bare: 0.2, grouped: 0.3,
            words: ["ein", "fein", "employer", "irs", "tin"]
        ) { id in
            !["00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89", "96", "97"]
                .contains { id.starts(with: $0.utf8) }
        },
        IDRule(
            "ca.sin", .nationalID, ["ddd ddd ddd", "ddddddddd"], signs: " -", bare: 0.15, grouped: 0.6,
            words: ["sin", "nas", "insurance", "assurance"]
        ) { id in
            id[0] != 48 && id[0] != 56 && Set(id).count > 2 && Checksum.luhn(id)
        },
        // Two check digits, each of all before it, modulo 11.
        IDRule(
            "br.cpf", .nationalID, ["ddd ddd ddd dd", "ddddddddddd", "ddddddddd dd"], signs: ".-/ ,", bare: 0.5,
            grouped: 0.9, words: ["cpf", "cadastro"]
        ) { id in
            Set(id).count > 1
                && [9, 10].allSatisfy { count in
                    let sum = Checksum.weighted(id[..<count], Array((2...(count + 1)).reversed()))
                    return sum * 10 % 11 % 10 == Int(id[count]) - 48
                }
        },
        IDRule(
            "br.cnpj", .organizationID, ["dd ddd ddd dddd dd", "dddddddddddddd"], signs: "./- ,", bare: 0.5,
            grouped: 0.9, words: ["cnpj", "cadastro"]
        ) { id in
            let weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
            return Set(id).count > 1
                && [12, 13].allSatisfy { count in
                    let rest = Checksum.weighted(id[..<count], Array(weights.suffix(count))) % 11
                    return (rest < 2 ? 0 : 11 - rest) == Int(id[count]) - 48
                }
        },
    ]

    /// Whether eight digits are a day, the year first.
    @Sendable private static func isDate(_ id: [UInt8]) -> Bool {
        id.count == 8 && (id.starts(with: "19".utf8) || id.starts(with: "20".utf8)) && Checksum.isDay(id[2...])
    }

    private static let socialWords: WordSet = ["ssn", "social", "ssns"]
    private static let taxWords: WordSet = ["itin", "taxpayer", "tax"]

    @Sendable private static func isSocialSecurity(_ id: [UInt8]) -> Bool {
        let area = Checksum.value(id[..<3])
        return area > 0 && area != 666 && area < 900 && Checksum.value(id[3..<5]) > 0 && Checksum.value(id[5...]) > 0
            && !printed.contains(Checksum.value(id)) && Set(id).count > 1
    }

    @Sendable private static func isTaxpayer(_ id: [UInt8]) -> Bool {
        let group = Checksum.value(id[3..<5])
        return id[0] == UInt8(ascii: "9") && [50...65, 70...88, 90...92, 94...99].contains { $0.contains(group) }
    }

    /// Numbers that were printed on sample cards.
    private static let printed: Set<Int> = [78_051_120, 219_099_999, 123_456_789, 457_555_462]

    static let passportWords: WordSet = [
        "passport", "passports", "passportnumber", "passportno", "passeport", "pasaporte", "passaporto", "reisepass",
        "paspoort", "passaporte",
        "여권번호는", "여권번호", "여권",
    ]
    static let licenseWords: WordSet = [
        "driver", "drivers", "driving", "licence", "license", "permit", "dl", "führerschein", "fuehrerschein",
        "fahrerlaubnis", "patente", "운전면허",
        "운전면허번호",
    ]
}
