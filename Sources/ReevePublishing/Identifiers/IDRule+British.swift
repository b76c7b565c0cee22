// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension IDRule {
    /// Of the United Kingdom, Ireland, Australia, India, Singapore, South Africa and Nigeria.
    static let british: [IDRule] = [
        IDRule(
            "uk.nhs", .nationalID, ["ddd ddd dddd", "dddddddddd"], bare: 0.15, grouped: 0.4,
            words: ["nhs", "patient"]
        ) { id in
            let check = 11 - Checksum.weighted(id[..<9], Array((2...10).reversed())) % 11
            return Set(id).count > 1 && check % 11 == Int(id[9]) - 48 && check != 10
        },
        IDRule(
            "uk.nino", .nationalID, ["aa dd dd dd a", "aadddddda", "aa dddddd a", "aadddddd a", "aa dddddda"],
            bare: 0.7, grouped: 0.85, words: ["nino", "insurance", "ni"]
        ) { id in
            let pair = String(decoding: id[..<2], as: UTF8.self)
            return "ABCD".utf8.contains(id[8]) && !id[..<2].contains { "DFIQUV".utf8.contains($0) }
                && id[1] != UInt8(ascii: "O")
                && !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(pair) && Set(id[2..<8]) != [48]
        },
        IDRule(
            "uk.drivingLicence", .driverLicense, ["xxxxxddddddxxxaa", "xxxxxddddddaxdaa", "xxxxx dddddd xxxaa"],
            bare: 0.7, words: licenseWords
        ) { id in
            let surname = id[..<5]
            guard id[0].isUpper, surname.drop(while: \.isUpper).allSatisfy({ $0 == 57 }), id[11].isUpper,
                id[12].isUpper || id[12] == 57
            else { return false }
            let month = Checksum.value(id[6..<8]) % 50
            return Checksum.isDay(month: month, day: Checksum.value(id[8..<10]))
                || id[13].isDigit && (1...12).contains(month)
        },
        IDRule("uk.passport", .passport, ["aaddddddd"], bare: 0.1, words: passportWords) {
            Set($0.suffix(7)).count > 1
        },
        IDRule("uk.utr", .nationalID, ["dddddddddd", "ddddd ddddd"], bare: 0.05, words: ["utr", "taxpayer"]) { id in
            let rest = Checksum.weighted(id[1...], [6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11
            return "21987654321".utf8.map { $0 }[rest] == id[0]
        },
        IDRule(
            "uk.postcode", .postalAddress,
            [
                "ad daa", "add daa", "aad daa", "aadd daa", "ada daa", "aada daa", "GIR 0AA", "GIR0AA", "addaa",
                "adddaa", "aaddaa", "aadddaa", "adadaa", "aadadaa",
            ],
            signs: " ", bare: 0.1, grouped: 0.2, named: 0.65, words: ["postcode", "postal", "zip", "address"]
        ) { id in
            guard id != Array("GIR0AA".utf8) else { return true }
            // Letters that Royal Mail uses in neither place.
            let second = id[1].isUpper ? id[1] : nil
            return !"QVX".utf8.contains(id[0]) && !(second.map { "IJZ".utf8.contains($0) } ?? false)
                && !id.suffix(2).contains { "CIKMOV".utf8.contains($0) } && isPostArea(id)
        },
        IDRule("uk.plate", .vehicle, ["aadd aaa", "aaddaaa"], bare: 0.2, grouped: 0.25, words: plateWords) { id in
            let age = Checksum.value(id[2..<4])
            return !id[..<2].contains { "IQZ".utf8.contains($0) } && !id[4...].contains { "IQ".utf8.contains($0) }
                && ((2...29).contains(age) || (51...79).contains(age))
        },
        IDRule(
            "uk.oldPlate", .vehicle,
            [
                "ad aaa", "add aaa", "addd aaa", "adaaa", "addaaa", "adddaaa", "aaa da", "aaa dda", "aaa ddda", "aaada",
                "aaadda", "aaaddda",
            ],
            bare: 0.1, named: 0.4, words: plateWords
        ) { id in
            !id.contains { "IQZ".utf8.contains($0) } && !(id[0].isUpper && id[1].isDigit && "OUYZ".utf8.contains(id[0]))
        },
        IDRule("ie.pps", .nationalID, ["ddddddda", "dddddddaa"], bare: 0.6, words: ["pps", "ppsn"]) { id in
            let second = id.count == 9 ? (id[8] == UInt8(ascii: "W") ? 0 : Int(id[8]) - 64) : 0
            let rest = (Checksum.weighted(id[..<7], Array((2...8).reversed())) + 9 * second) % 23
            return (rest == 0 ? UInt8(ascii: "W") : UInt8(64 + rest)) == id[7]
        },
        IDRule(
            "au.abn", .organizationID, ["dd ddd ddd ddd", "ddddddddddd"], bare: 0.25, grouped: 0.7,
            words: ["abn"]
        ) { id in
            id[0] != 48 && Checksum.weighted([id[0] - 1] + id[1...], [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 == 0
        },
        IDRule(
            "au.acn", .organizationID, ["ddd ddd ddd", "ddddddddd"], bare: 0.1, grouped: 0.4, words: ["acn"]
        ) { id in
            (10 - Checksum.weighted(id[..<8], Array((1...8).reversed())) % 10) % 10 == Int(id[8]) - 48
        },
        IDRule(
            "au.tfn", .nationalID, ["ddd ddd ddd", "ddddddddd", "dddddddd"], bare: 0.1, grouped: 0.4,
            words: ["tfn", "tax"]
        ) { id in
            id.count == 9 && Set(id).count > 1 && Checksum.weighted(id, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0
        },
        IDRule(
            "au.medicare", .nationalID, ["dddd ddddd d", "dddddddddd", "dddddddddd d"], bare: 0.1, grouped: 0.6,
            words: ["medicare"]
        ) { id in
            (50...54).contains(id[0]) && Checksum.weighted(id[..<8], [1, 3, 7, 9, 1, 3, 7, 9]) % 10 == Int(id[8]) - 48
        },
        IDRule(
            "in.aadhaar", .nationalID, ["dddd dddd dddd", "dddddddddddd"], signs: " -:", bare: 0.25, grouped: 0.8,
            words: ["aadhaar", "aadhar", "uid", "uidai"]
        ) { id in
            id[0] > 49 && Set(id).count > 1 && id != id.reversed() && Checksum.verhoeff(id)
        },
        // The fourth letter is the holder's kind.
        IDRule("in.pan", .nationalID, ["aaaaadddda"], bare: 0.7, mistyped: 0.6, words: ["pan"]) { id in
            "ABCFGHJLPTK".utf8.contains(id[3])
        },
        IDRule("in.oldPan", .nationalID, ["addddaaaaa"], bare: 0.05, words: ["pan"]),
        IDRule("in.gstin", .organizationID, ["ddaaaaaddddaxZx"], bare: 0.85, words: ["gstin", "gst"]) { id in
            [1...38, 97...97, 99...99].contains { $0.contains(Checksum.value(id[..<2])) } && id[12] != 48
        },
        IDRule("in.voter", .nationalID, ["aaaddddddd"], bare: 0.25, words: ["voter", "epic", "vote", "election"]),
        IDRule("in.passport", .passport, ["addddddd"], bare: 0.1, words: passportWords) { id in
            id[1] != 48 && !"QXZ".utf8.contains(id[0])
        },
        IDRule(
            "in.plate", .vehicle, ["aaddaadddd", "aa dd aa dddd", "aaddadddd", "aa dd a dddd"], bare: 0.5,
            words: plateWords
        ) { id in
            indianStates.contains(String(decoding: id[..<2], as: UTF8.self))
        },
        IDRule("in.oldPlate", .vehicle, ["aaadddd", "aadddd"], bare: 0.05, named: 0.4, words: plateWords),
        // ICA: weights, and an offset by the first letter.
        IDRule(
            "sg.nric", .nationalID, ["addddddda"], bare: 0.85, named: 0.9, mistyped: 0.4,
            words: ["nric", "fin", "singapore", "fins"]
        ) { id in
            let offset = [
                UInt8(ascii: "S"): 0, UInt8(ascii: "F"): 0, UInt8(ascii: "T"): 4, UInt8(ascii: "G"): 4,
                UInt8(ascii: "M"): 3,
            ][id[0]]
            guard let offset else { return false }
            let rest = (Checksum.weighted(id[1..<8], [2, 7, 6, 5, 4, 3, 2]) + offset) % 11
            let letters =
                "ST".utf8.contains(id[0]) ? "JZIHGFEDCBA" : id[0] == UInt8(ascii: "M") ? "XWUTRQPNJLK" : "XWUTRQPNMLK"
            return Array(letters.utf8)[rest] == id[8]
        },
        IDRule("sg.fin", .nationalID, ["addddddda"], bare: 0.2, named: 0.7, words: ["nric", "fin", "singapore"]) {
            id in "STFGMB".utf8.contains(id[0])
        },
        IDRule(
            "sg.uen", .organizationID, ["dddddddda", "ddddddddda", "addaadddda"], bare: 0.5, words: ["uen"],
            isValid: isSingaporeEntity),
        IDRule(
            "za.id", .nationalID, ["ddddddddddddd", "dddddd dddd d dd", "dddddd dddd ddd"], bare: 0.5, grouped: 0.8,
            words: ["rsa", "za", "identity", "resident", "sa"]
        ) { id in
            Checksum.isDay(id[..<6]) && (48...50).contains(id[10]) && Checksum.luhn(id)
        },
        IDRule("ng.nin", .nationalID, ["ddddddddddd"], bare: 0.25, words: ["nin", "nimc", "nigerian"]) {
            Set($0).count > 1 && Checksum.verhoeff($0)
        },
        IDRule("ng.plate", .vehicle, ["aaa dddaa"], signs: "-", bare: 0.25, words: plateWords),
    ]

    static let plateWords: WordSet = [
        "plate", "plates", "registration", "vehicle", "vehicles", "vrn", "bike", "car", "kennzeichen", "kfz", "plaka",
        "numberplate", "reg",
    ]

    private static let indianStates: Set<String> = [
        "AN", "AP", "AR", "AS", "BR", "CG", "CH", "DD", "DL", "DN", "GA", "GJ", "HP", "HR", "JH", "JK", "KA", "KL",
        "LA", "LD", "MH", "ML", "MN", "MP", "MZ",
        "NL", "OD", "OR", "PB", "PY", "RJ", "SK", "TN", "TR", "TS", "UK", "UP", "WB",
    ]

    /// The shape of a postcode's first half is one of those that the area may have.
    private static func isPostArea(_ id: [UInt8]) -> Bool {
        let outward = id.dropLast(3)
        guard let last = outward.last, last.isUpper, outward.count > 2 else { return true }
        // `A9A` and `AA9A` are those of London and a few others.
        let letters = outward.prefix(while: \.isUpper).count
        return letters == 1 ? "ABCDEFGHJKPSTUW".utf8.contains(last) : "ABEHMNPRVWXY".utf8.contains(last)
    }

    /// ACRA: by the year of registration, or by the kind of entity; the last letter is a check.
    @Sendable private static func isSingaporeEntity(_ id: [UInt8]) -> Bool {
        if id.count == 9 {
            let rest = Checksum.weighted(id[..<8], [10, 4, 9, 3, 8, 2, 7, 1]) % 11
            return Array("XMKECAWLJDB".utf8)[rest] == id[8]
        }
        if id[0].isDigit {
            let rest = Checksum.weighted(id[..<9], [10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11
            return Array("ZKCMDNERGWH".utf8)[rest] == id[9]
        }
        guard "TSR".utf8.contains(id[0]) else { return false }
        let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWX0123456789".utf8)
        let weights = [4, 3, 5, 3, 10, 2, 2, 5, 7]
        var sum = 0
        for (byte, weight) in zip(id[..<9], weights) {
            guard let value = alphabet.firstIndex(of: byte) else { return false }
            sum += value * weight
        }
        return alphabet[((sum - 5) % 11 + 11) % 11] == id[9]
    }
}
