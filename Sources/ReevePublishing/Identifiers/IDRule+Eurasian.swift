// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension IDRule {
    /// Of China, Korea, Thailand, Turkey and the Philippines.
    static let eurasian: [IDRule] = [
        // GB 11643: ISO 7064, modulo 11, 2.
        IDRule("cn.residentID", .nationalID, ["dddddddddddddddddx"], bare: 0.95, words: []) { id in
            let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
            return id[0] != 48 && Checksum.isDay(id[8..<14])
                && Array("10X98765432".utf8)[Checksum.weighted(id[..<17], weights) % 11] == id[17]
        },
        // Before 2020 with a check digit; later ones are random behind the day.
        IDRule(
            "kr.rrn", .nationalID, ["dddddd ddddddd", "ddddddddddddd"], signs: "-", bare: 0.25, grouped: 0.5,
            words: ["rrn", "주민등록번호", "주민", "korean", "resident"]
        ) { id in
            Checksum.isDay(id[..<6]) && (49...52).contains(id[6]) && (0...95).contains(Checksum.value(id[7..<9]))
        },
        IDRule(
            "kr.frn", .nationalID, ["dddddd ddddddd", "ddddddddddddd"], signs: "-", bare: 0.25, grouped: 0.5,
            words: ["frn", "외국인등록번호", "foreigner", "korean", "alien"]
        ) { id in
            Checksum.isDay(id[..<6]) && (53...56).contains(id[6])
        },
        IDRule(
            "kr.brn", .organizationID, ["ddd dd ddddd", "dddddddddd"], signs: "-", bare: 0.15, grouped: 0.7,
            words: ["brn", "사업자등록번호", "business"]
        ) { id in
            let last = Int(id[8] - 48) * 5
            let sum = Checksum.weighted(id[..<8], [1, 3, 7, 1, 3, 7, 1, 3]) + last / 10 + last % 10
            return Set(id).count > 1 && (10 - sum % 10) % 10 == Int(id[9]) - 48
        },
        IDRule(
            "kr.driverLicense", .driverLicense, ["dd dd dddddd dd", "dddddddddddd"], signs: "-", bare: 0.1,
            grouped: 0.6, words: licenseWords
        ) { id in
            (11...28).contains(Checksum.value(id[..<2]))
        },
        IDRule("kr.passport", .passport, ["adddadddd", "adddddddd"], bare: 0.15, words: passportWords) { id in
            "MSRGD".utf8.contains(id[0])
        },
        // DOPA: the first digit is the kind, the next two the province, the last the check, modulo 11.
        IDRule(
            "th.nationalID", .nationalID, ["ddddddddddddd", "d dddd ddddd dd d"], signs: "- ", bare: 0.25, grouped: 0.8,
            words: ["thai", "thailand", "บัตรประชาชน"]
        ) { id in
            let province = Checksum.value(id[1..<3])
            let sum = Checksum.weighted(id[..<12], Array((2...13).reversed()))
            return id[0] != 48 && id[0] != 57
                && [10...27, 30...58, 60...67, 70...77, 80...86, 90...96, 20...20].contains { $0.contains(province) }
                && ![28, 29].contains(province) && (11 - sum % 11) % 10 == Int(id[12]) - 48
        },
        IDRule("tr.nationalID", .nationalID, ["ddddddddddd"], bare: 0.5, words: ["kimlik", "tckn", "tc"]) { id in
            let digits = id.map { Int($0) - 48 }
            let odd = digits[0] + digits[2] + digits[4] + digits[6] + digits[8]
            let even = digits[1] + digits[3] + digits[5] + digits[7]
            return digits[0] != 0 && ((odd * 7 - even) % 10 + 10) % 10 == digits[9]
                && digits[..<10].reduce(0, +) % 10 == digits[10]
        },
        IDRule(
            "tr.plate", .vehicle,
            [
                "dd a dddd", "dd a ddddd", "dd aa ddd", "dd aa dddd", "dd aaa dd", "dd aaa ddd", "dd aaa dddd",
                "dd a dd", "dd a ddd", "dd aa dd", "ddaddddd", "ddadddd", "ddaaddd", "ddaadddd", "ddaaadd", "ddaaaddd",
                "ddaaadddd",
            ],
            signs: " -", bare: 0.2, grouped: 0.25, words: plateWords
        ) { id in (1...81).contains(Checksum.value(id[..<2])) },
        IDRule(
            "ph.tin", .nationalID,
            ["ddd ddd ddd", "ddd ddd ddd ddd", "ddddddddd", "dddddddddddd", "ddd ddd ddd ddddd"], signs: "-",
            bare: 0.02, grouped: 0.1, named: 0.6, words: ["tin", "bir", "taxpayer"]
        ) { id in id[0] <= 53 },
    ]

    /// Of no one country.
    static let general: [IDRule] =
        [
            // ISO 17442, with the check of ISO 7064.
            IDRule("lei", .organizationID, ["xxxxxxxxxxxxxxxxxxdd"], bare: 0.7, words: ["lei"]) { id in
                id.contains(where: \.isUpper) && id[4...5].allSatisfy { $0.isDigit || $0.isUpper }
                    && Checksum.remainder(id, by: 97) == 1
            },
            // ISO 3779 with the check of the American market.
            IDRule(
                "vin", .vehicle, ["xxxxxxxxxxxxxxxxx"], bare: 0.25, named: 0.8, mistyped: 0.7,
                words: ["vin", "chassis", "vehicle", "fahrgestellnummer"]
            ) { id in
                let values = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ".utf8.map { $0 }
                let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
                guard !id.contains(where: { "IOQ".utf8.contains($0) }), id.contains(where: \.isUpper) else {
                    return false
                }
                var sum = 0
                for (byte, weight) in zip(id, weights) { sum += (values.firstIndex(of: byte) ?? 0) % 10 * weight }
                return Array("0123456789X".utf8)[sum % 11] == id[8]
            },
            IDRule(
                "imei", .device, ["ddddddddddddddd", "dd dddddd dddddd d"], bare: 0.15, grouped: 0.6,
                words: ["imei", "device"]
            ) { Set($0).count > 2 && Checksum.luhn($0) },
            IDRule(
                "iccid", .device, ["ddddddddddddddddddd", "dddddddddddddddddddd"], bare: 0.5, words: ["iccid", "sim"]
            ) { id in
                id.starts(with: "89".utf8) && Checksum.luhn(id)
            },
            IDRule("imsi", .device, ["ddddddddddddddd"], bare: 0.02, words: ["imsi"]) { Set($0).count > 2 },
            IDRule(
                "swift", .bankAccount, ["aaaaaaxx", "aaaaaaxxxxx"], bare: 0.02, named: 0.65, words: ["swift", "bic"]
            ) { id in id.contains(where: \.isDigit) },
        ] + vat

    /// VAT numbers of the EU by their shapes; the words beside them tell.
    private static let vat: [IDRule] = [
        IDRule(
            "vat", .organizationID,
            [
                "ATUdddddddd", "BEdddddddddd", "CZdddddddd", "DKdddddddd", "ELddddddddd", "ESxdddddddx", "FIdddddddd",
                "FRxxddddddddd", "GBddddddddd", "HUdddddddd", "IEdxddddda", "IEddddddda",
                "ITddddddddddd", "LUdddddddd", "NLdddddddddBdd", "PLdddddddddd", "PTddddddddd", "SEdddddddddddd",
            ],
            bare: 0.2, words: ["vat", "ust", "tva", "iva", "btw", "moms", "nip"])
    ]
}
