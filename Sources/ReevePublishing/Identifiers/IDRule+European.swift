// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension IDRule {
    /// Of the European Union and Norway.
    static let european: [IDRule] = german + romance + northern

    private static let german: [IDRule] = [
        // BMF: with the check of ISO 7064.
        IDRule(
            "de.taxID", .nationalID, ["ddddddddddd", "dd ddd ddd ddd", "ddd ddd ddd dd"], signs: " /-", bare: 0.2,
            grouped: 0.5,
            words: ["steuer", "steuerid", "idnr", "tin", "identifikationsnummer", "steueridentifikationsnummer", "tax"]
        ) { id in
            id[0] != 48 && Checksum.mod11And10(id)
        },
        IDRule(
            "de.taxNumber", .nationalID,
            [
                "ddd ddd ddddd", "dd ddd dddd", "dd ddd ddddd", "dd dddd dddd", "ddd dddd dddd", "ddddddddddddd",
                "d dddd dddd",
            ], signs: "/ ", bare: 0.05, grouped: 0.3,
            words: ["steuernummer", "steuer", "stnr"]
        ) { id in
            id.count != 13 || id[4] == 48 && (1...16).contains(Checksum.value(id[..<2]))
                || id.count == 13 && (1...16).contains(Checksum.value(id[..<2]))
        },
        IDRule(
            "de.vat", .organizationID, ["DEddddddddd", "DE ddd ddd ddd", "DE ddddddddd", "DEddd ddd ddd"],
            signs: " -.,/", bare: 0.5, grouped: 0.5, named: 0.85, mistyped: 0,
            words: ["ust", "vat", "umsatzsteuer", "ustid", "idnr", "mwst"]
        ) { id in id[2] != 48 },
        IDRule(
            "de.socialSecurity", .nationalID, ["ddddddddaddd", "dd dddddd a ddd"], bare: 0.85,
            words: ["rvnr", "sozialversicherung", "sv"]
        ) { id in
            guard (1...31).contains(Checksum.value(id[2..<4]) % 50), (1...12).contains(Checksum.value(id[4..<6])) else {
                return false
            }
            let letter = Int(id[8]) - 64
            let digits = id[..<8].map { $0 } + [UInt8(48 + letter / 10), UInt8(48 + letter % 10)] + id[9..<11]
            let sum = zip(digits, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).reduce(0) { sum, pair in
                let product = Int(pair.0 - 48) * pair.1
                return sum + product / 10 + product % 10
            }
            return sum % 10 == Int(id[11]) - 48
        },
        IDRule(
            "de.healthInsurance", .nationalID, ["addddddddd"], bare: 0.5,
            words: ["kvnr", "krankenkasse", "krankenversicherung", "versichertennummer", "health"]
        ) { id in
            let letter = Int(id[0]) - 64
            let digits = [UInt8(48 + letter / 10), UInt8(48 + letter % 10)] + id[1..<9]
            let sum = digits.enumerated().reduce(0) { sum, pair in
                let product = Int(pair.element - 48) * (pair.offset % 2 == 0 ? 1 : 2)
                return sum + product / 10 + product % 10
            }
            return sum % 10 == Int(id[9]) - 48
        },
        // ICAO 9303, with its check digit or, since 2010, without.
        IDRule(
            "de.idCard", .nationalID, ["axxxxxxxx", "axxxxxxxxd"], bare: 0.15, named: 0.7, mistyped: 0.6,
            words: ["ausweis", "personalausweis", "ausweisnummer"], isValid: isGermanCard),
        IDRule(
            "de.passport", .passport, ["axxxxxxxx", "axxxxxxxxd"], bare: 0.15, named: 0.7, mistyped: 0.6,
            words: passportWords
        ) {
            id in
            "CFGHJK".utf8.contains(id[0]) && isGermanCard(id) || id[0] != 84 && isGermanCard(id)
        },
        IDRule(
            "de.drivingLicence", .driverLicense, ["aadddddddda", "aaddddddddd"], bare: 0.3, words: licenseWords),
        // Since 2013: the authority, its number, a check digit and the number of the copy.
        IDRule("de.drivingLicence", .driverLicense, ["axxxxxxxxxx"], bare: 0.02, words: licenseWords) { id in
            id.reduce(0) { $0 + ($1.isDigit ? 1 : 0) } >= 4
        },
        IDRule(
            "de.bsnr", .organizationID, ["ddddddddd"], bare: 0.05,
            words: ["bsnr", "betriebsstätte", "betriebsstättennummer", "praxis"]
        ) { id in
            Set(id).count > 1 && id[0] != 57 || id.starts(with: [57, 57])
        },
        IDRule("de.lanr", .nationalID, ["ddddddddd"], bare: 0.1, words: ["lanr", "arzt", "arztes", "arztnummer"]) {
            id in
            let rest = Checksum.weighted(id[..<6], [4, 9, 4, 9, 4, 9]) % 10
            return (10 - rest) % 10 == Int(id[6]) - 48
        },
        IDRule(
            "de.tradeRegister", .organizationID,
            [
                "HRBdddddd", "HRBddddd", "HRBdddd", "HRB dddddd", "HRB ddddd", "HRB dddd", "HRB ddd", "HRAdddddd",
                "HRAddddd", "HRAdddd", "HRA dddddd", "HRA ddddd", "HRA dddd", "HRA ddd",
            ],
            signs: " -:", bare: 0.6, words: []),
        IDRule("de.plate", .vehicle, germanPlates, signs: " -", bare: 0.05, grouped: 0.2, named: 0.5, words: plateWords)
        { id in
            !(id.last ?? 0).isUpper || id.last == UInt8(ascii: "E") || id.last == UInt8(ascii: "H")
        },
        IDRule(
            "de.postcode", .postalAddress, ["ddddd"], bare: 0.05, named: 0.6, words: ["plz", "postleitzahl", "ort"]
        ) { id in
            (1067...99998).contains(Checksum.value(id))
        },
        IDRule(
            "at.socialSecurity", .nationalID, ["dddd dddddd", "dddddddddd"], bare: 0.1, grouped: 0.5,
            words: ["sv", "svnr", "sozialversicherung"]
        ) { id in
            id[0] != 48 && Checksum.isDay(id[4...], dayFirst: true)
                && Checksum.weighted(id, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == Int(id[3]) - 48
        },
        IDRule(
            "ch.ahv", .nationalID, ["ddd dddd dddd dd", "ddddddddddddd"], bare: 0.6, grouped: 0.9,
            words: ["ahv", "avs"]
        ) { id in
            id.starts(with: "756".utf8) && Checksum.weighted(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 == 0
        },
    ]

    private static let romance: [IDRule] = [
        IDRule(
            "es.nif", .nationalID, ["dddddddda", "dddddddd a", "ddddddda", "ddddddd a", "dd ddd ddd a"], signs: "- ./,",
            bare: 0.6,
            mistyped: 0.4, words: ["nif", "dni", "documento"]
        ) { id in
            spanishLetter(id[..<(id.count - 1)]) == id[id.count - 1] && Checksum.value(id.dropLast()) > 0
        },
        IDRule(
            "es.nie", .nationalID, ["addddddda", "addddddd a", "a ddddddd a"], signs: "- ", bare: 0.7, mistyped: 0.4,
            words: ["nie", "extranjero"]
        ) { id in
            guard (88...90).contains(id[0]) else { return false }
            return spanishLetter([id[0] - 40] + id[1..<8]) == id[8]
        },
        IDRule(
            "es.nuss", .nationalID, ["dddddddddddd", "dd dddddddd dd"], signs: "/- ", bare: 0.05, grouped: 0.5,
            words: ["nuss", "naf", "seguridad"]
        ) { id in
            let serial = Checksum.value(id[2..<10])
            let number =
                serial < 10_000_000 ? Checksum.value(id[..<2]) * 10_000_000 + serial : Checksum.value(id[..<10])
            return number % 97 == Checksum.value(id[10...])
        },
        IDRule("es.passport", .passport, ["aaadddddd"], bare: 0.1, words: passportWords),
        IDRule(
            "it.fiscalCode", .nationalID, ["aaaaaaxxaxxaxxxa"], bare: 0.9, mistyped: 0.5,
            words: ["codice", "fiscale", "cf"], isValid: isItalianCode),
        IDRule("it.vat", .organizationID, ["ddddddddddd"], bare: 0.2, words: ["iva", "partita", "piva", "vat"]) {
            id in Set(id).count > 1 && Checksum.luhn(id)
        },
        IDRule(
            "it.idCard", .nationalID, ["aaddddddd", "aa ddddddd", "aadddddaa", "dddddddaa"], signs: " ", bare: 0.1,
            words: ["carta", "identità", "identita", "identity"]),
        IDRule("it.passport", .passport, ["aaddddddd"], bare: 0.1, words: passportWords),
        IDRule("it.drivingLicence", .driverLicense, ["axxxxxxxxa", "aaddddddda"], bare: 0.15, words: licenseWords) {
            id in
            id[0] == UInt8(ascii: "U") && id[2...8].filter(\.isDigit).count >= 3
                || id[1].isUpper && id[2..<9].allSatisfy(\.isDigit)
        },
        // INSEE: sex, year, month, department, commune, order, and 97 less the rest of it by 97.
        IDRule(
            "fr.nir", .nationalID,
            [
                "ddddddddddddddd", "d dd dd dd ddd ddd dd", "ddddddddddddd dd", "ddddddxdddddddd",
                "d dd dd xx ddd ddd dd",
            ], bare: 0.9, words: ["nir", "insee", "sécurité", "securite", "sociale"]
        ) { id in
            guard id[0] == 49 || id[0] == 50, id[7...].allSatisfy(\.isDigit), id[..<6].allSatisfy(\.isDigit) else {
                return false
            }
            var digits = id
            if id[6] == UInt8(ascii: "A") || id[6] == UInt8(ascii: "B") { digits[6] = 48 }
            guard digits[6].isDigit, (1...99).contains(Checksum.value(digits[3..<5])) else { return false }
            let lost = id[6] == UInt8(ascii: "A") ? 1_000_000 : id[6] == UInt8(ascii: "B") ? 2_000_000 : 0
            return 97 - (Checksum.value(digits[..<13]) - lost) % 97 == Checksum.value(digits[13...])
        },
        IDRule(
            "fr.taxID", .nationalID, ["ddddddddddddd", "dd dd ddd ddd ddd"], bare: 0.05, grouped: 0.5,
            words: ["nif", "fiscal", "spi", "impôts"]
        ) { id in
            (48...51).contains(id[0]) && Checksum.value(id[..<10]) % 511 == Checksum.value(id[10...])
        },
        IDRule(
            "fr.siret", .organizationID, ["dddddddddddddd", "ddd ddd ddd ddddd"], bare: 0.1, grouped: 0.6,
            words: ["siret"]
        ) { Set($0).count > 1 && Checksum.luhn($0) && Checksum.luhn($0[..<9]) },
        IDRule(
            "fr.siren", .organizationID, ["ddddddddd", "ddd ddd ddd"], bare: 0.05, grouped: 0.3, words: ["siren"]
        ) { Set($0).count > 1 && Checksum.luhn($0) },
        IDRule(
            "pt.nif", .nationalID, ["ddddddddd", "ddd ddd ddd"], bare: 0.1, grouped: 0.4,
            words: ["nif", "contribuinte", "fiscal"]
        ) { id in
            let rest = Checksum.weighted(id[..<8], Array((2...9).reversed())) % 11
            return "1235689".utf8.contains(id[0]) && (rest < 2 ? 0 : 11 - rest) == Int(id[8]) - 48
        },
        IDRule("ro.cnp", .nationalID, ["ddddddddddddd"], bare: 0.6, words: ["cnp"]) { id in
            let rest = Checksum.weighted(id[..<12], [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
            return id[0] != 48 && Checksum.isDay(id[1..<7]) && (rest == 10 ? 1 : rest) == Int(id[12]) - 48
        },
    ]

    private static let northern: [IDRule] = [
        IDRule(
            "nl.bsn", .nationalID, ["ddddddddd", "dddd dd ddd", "ddd ddd ddd"], bare: 0.15, grouped: 0.4,
            words: ["bsn", "burgerservicenummer", "sofi", "sofinummer"]
        ) { id in
            Set(id).count > 1 && (Checksum.weighted(id[..<8], Array((2...9).reversed())) - Int(id[8] - 48)) % 11 == 0
        },
        IDRule("nl.passport", .passport, ["aaxxxxxxd"], bare: 0.05, words: passportWords) { id in
            !id.contains(UInt8(ascii: "O"))
        },
        IDRule(
            "be.nationalNumber", .nationalID, ["ddddddddddd", "dd dd dd ddd dd"], signs: ".-/ ,", bare: 0.6,
            grouped: 0.9,
            words: ["rijksregister", "national", "nn", "rrn", "registre", "niss", "insz"]
        ) { id in
            // Born in this century: as if a 2 stood before it. A day may not be known.
            let check = 97 - Checksum.value(id[9...])
            let (month, day) = (Checksum.value(id[2..<4]), Checksum.value(id[4..<6]))
            guard Set(id).count > 1, month <= 12, day <= 31 else { return false }
            return check == Checksum.value(id[..<9]) % 97 || check == (2_000_000_000 + Checksum.value(id[..<9])) % 97
        },
        IDRule("pl.pesel", .nationalID, ["ddddddddddd"], bare: 0.3, words: ["pesel"]) { id in
            // The month says the century.
            Checksum.isDay(month: Checksum.value(id[2..<4]) % 20, day: Checksum.value(id[4..<6]))
                && (10 - Checksum.weighted(id[..<10], [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == Int(id[10]) - 48
        },
        IDRule(
            "pl.nip", .organizationID, ["dddddddddd", "ddd ddd dd dd", "ddd dd dd ddd"], signs: "- ", bare: 0.1,
            grouped: 0.6, words: ["nip"]
        ) { id in
            Checksum.weighted(id[..<9], [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == Int(id[9]) - 48 && Set(id).count > 1
        },
        // DVV: the sign is that of the century; the check is the rest by 31.
        IDRule(
            "fi.identityCode", .nationalID, ["ddddddxdddx", "dddddd dddx"], signs: "-+", bare: 0.9,
            words: ["hetu", "henkilötunnus"]
        ) { id in
            let sign = id.count == 11 ? id[6] : UInt8(ascii: "-")
            guard sign == UInt8(ascii: "-") || "ABCDEFYXWVU".utf8.contains(sign),
                Checksum.isDay(id[..<6], dayFirst: true)
            else { return false }
            let serial = id.count == 11 ? id[7..<10] : id[6..<9]
            guard serial.allSatisfy(\.isDigit), Checksum.value(serial) >= 2 else { return false }
            let rest = (Checksum.value(id[..<6]) * 1000 + Checksum.value(serial)) % 31
            return Array("0123456789ABCDEFHJKLMNPRSTUVWXY".utf8)[rest] == id[id.count - 1]
        },
        // Skatteverket: Luhn over the last ten digits; a coordination number has 60 added to its day.
        IDRule(
            "se.personalNumber", .nationalID, ["dddddd dddd", "dddddddddd", "dddddddd dddd", "dddddddddddd"],
            signs: "-+", bare: 0.25, grouped: 0.8, words: ["personnummer", "pnr", "swedish", "personal"]
        ) { id in
            let ten = Array(id.suffix(10))
            let day = Checksum.value(ten[4..<6])
            let isCentury = id.count == 10 || id.starts(with: "19".utf8) || id.starts(with: "20".utf8)
            return isCentury && Checksum.isDay(month: Checksum.value(ten[2..<4]), day: day > 60 ? day - 60 : day)
                && Checksum.luhn(ten)
        },
        IDRule(
            "se.organizationNumber", .organizationID, ["dddddd dddd", "dddddddddd"], signs: "-", bare: 0.1,
            grouped: 0.5, words: ["orgnr", "orgnummer", "organisationsnummer", "org"]
        ) { id in
            id[2] >= 50 && Checksum.luhn(id)
        },
        IDRule(
            "dk.cpr", .nationalID, ["dddddd dddd", "dddddddddd"], signs: "-", bare: 0.1, grouped: 0.5,
            words: ["cpr", "personnummer", "cprnr"]
        ) { id in
            Checksum.isDay(id[..<6], dayFirst: true)
        },
        IDRule(
            "no.identityNumber", .nationalID, ["ddddddddddd", "dddddd ddddd"], signs: " -", bare: 0.7,
            words: ["fødselsnummer", "fnr", "fodselsnummer", "personnummer"]
        ) { id in
            let day = Checksum.value(id[..<2])
            guard Checksum.isDay(month: Checksum.value(id[2..<4]) % 40, day: day > 40 ? day - 40 : day) else {
                return false
            }
            return Checksum.weighted(id[..<10], [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 == 0
                && Checksum.weighted(id, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0
        },
        IDRule(
            "cz.birthNumber", .nationalID, ["dddddd dddd", "dddddddddd"], signs: "/", bare: 0.1, grouped: 0.8,
            words: ["rodné", "rodne", "číslo", "rč"]
        ) { id in
            let month = Checksum.value(id[2..<4])
            return Checksum.isDay(
                month: month > 70 ? month - 70 : month > 50 ? month - 50 : month > 20 ? month - 20 : month,
                day: Checksum.value(id[4..<6]))
                && Checksum.value(id) % 11 == 0
        },
        IDRule(
            "ee.personalCode", .nationalID, ["ddddddddddd"], bare: 0.25, words: ["isikukood", "asmens", "kodas"]
        ) { id in
            func check(_ weights: [Int]) -> Int { Checksum.weighted(id[..<10], weights) % 11 }
            let first = check([1, 2, 3, 4, 5, 6, 7, 8, 9, 1])
            let second = check([3, 4, 5, 6, 7, 8, 9, 1, 2, 3])
            return (49...54).contains(id[0]) && Checksum.isDay(id[1..<7])
                && (first < 10 ? first : second % 10) == Int(id[10]) - 48
        },
        IDRule("bg.egn", .nationalID, ["dddddddddd"], bare: 0.15, words: ["егн", "egn"]) { id in
            Checksum.isDay(month: Checksum.value(id[2..<4]) % 20, day: Checksum.value(id[4..<6]))
                && Checksum.weighted(id[..<9], [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == Int(id[9]) - 48
        },
        IDRule("gr.amka", .nationalID, ["ddddddddddd"], bare: 0.2, words: ["αμκα", "amka"]) { id in
            Checksum.isDay(id[..<6], dayFirst: true) && Checksum.luhn(id)
        },
    ]

    /// One to three letters, one or two letters, and up to four digits, with `E` or `H` behind them.
    private static let germanPlates: [String] = ["a", "aa", "aaa"].flatMap { town in
        ["a", "aa"].flatMap { letters in
            (1...4).flatMap { count -> [String] in
                let digits = String(repeating: "d", count: count)
                let plain = "\(town) \(letters) \(digits)"
                return count > 1 ? [plain, plain + "a", "\(town) \(letters)\(digits)"] : [plain]
            }
        }
    }

    private static func spanishLetter(_ digits: some Sequence<UInt8>) -> UInt8 {
        Array("TRWAGMYFPDXBNJZSQVHLCKE".utf8)[Checksum.value(digits) % 23]
    }

    /// Letters and digits that are no vowels, with a check digit at the end when there are ten, or nine of the old kind.
    @Sendable private static func isGermanCard(_ id: [UInt8]) -> Bool {
        guard !id.contains(where: { "ABDEIOQSU".utf8.contains($0) }) else { return false }
        if id[0] == UInt8(ascii: "T"), id[1...].allSatisfy(\.isDigit) { return id.count == 9 }
        return id[id.count - 1].isDigit && Checksum.travelDocument(id)
    }

    /// Agenzia delle Entrate: letters may stand for digits; odd and even places count differently.
    @Sendable private static func isItalianCode(_ id: [UInt8]) -> Bool {
        let odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
        for place in [6, 7, 9, 10, 12, 13, 14] where !id[place].isDigit && !"LMNPQRSTUV".utf8.contains(id[place]) {
            return false
        }
        guard "ABCDEHLMPRST".utf8.contains(id[8]) else { return false }
        var sum = 0
        for (index, byte) in id[..<15].enumerated() {
            let value = byte.isDigit ? Int(byte - 48) : Int(byte) - 65
            sum += index % 2 == 0 ? odd[value] : value
        }
        return UInt8(65 + sum % 26) == id[15]
    }
}
