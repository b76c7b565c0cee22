// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A value that whoever installs a recipe fills in; in the recipe stands its name, for example `REPLACE_WITH_EMAIL_1`.
public struct RecipeParameter: Hashable, Sendable, TextCodable {
    /// The class of the value.
    public let kind: DataClass
    /// 1 for the first of its class, up to 999,999.
    public let number: Int

    /// Its name, as it stands in the recipe.
    public var description: String { String(decoding: Self.prefix, as: UTF8.self) + "\(kind.parameterWord)_\(number)" }

    init(_ kind: DataClass, _ number: Int) {
        self.kind = kind
        self.number = number
    }

    /// Reads a name as it stands in a recipe; `nil` for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let (parameter, range) = Self.find(in: bytes).first, range.count == bytes.count else { return nil }
        self = parameter
    }

    static let prefix = Array("REPLACE_WITH_".utf8)
    /// What detectors read instead of a name: a sign that stands in nothing that they find.
    static let mask: UInt8 = 0x1F

    private static let words = DataClass.allCases.map { ($0, Array("\($0.parameterWord)_".utf8)) }

    /// The names in a text, in order. Complexity: O(bytes).
    static func find(in text: [UInt8]) -> [(parameter: RecipeParameter, range: Range<Int>)] {
        var found: [(parameter: RecipeParameter, range: Range<Int>)] = []
        var position = 0
        while position + prefix.count < text.count {
            guard text[position] == prefix[0], text[position...].starts(with: prefix),
                let (parameter, end) = parameter(in: text, behind: position + prefix.count)
            else {
                position += 1
                continue
            }
            found.append((parameter, position..<end))
            position = end
        }
        return found
    }

    private static func parameter(in text: [UInt8], behind start: Int) -> (RecipeParameter, end: Int)? {
        for (kind, word) in words where text[start...].starts(with: word) {
            let digits = text[(start + word.count)...].prefix(7).prefix(while: \.isDigit)
            guard digits.count <= 6, digits.first != UInt8(ascii: "0"),
                let number = Int(String(decoding: digits, as: UTF8.self))
            else { return nil }
            return (RecipeParameter(kind, number), digits.endIndex)
        }
        return nil
    }
}

extension DataClass {
    /// What it is called in the name of a parameter. No name is shorter than a key of a provider, so that the first look sees it.
    fileprivate var parameterWord: String {
        switch self {
        case .email: "EMAIL"
        case .phone: "PHONE"
        case .paymentCard: "PAYMENT_CARD"
        case .iban: "BANK_ACCOUNT"
        case .secret: "SECRET"
        case .person: "PERSON"
        case .organization: "ORGANIZATION"
        case .domain: "DOMAIN"
        case .nationalID: "NATIONAL_ID"
        case .passport: "PASSPORT"
        case .driverLicense: "DRIVER_LICENSE"
        case .vehicle: "VEHICLE"
        case .organizationID: "COMPANY_ID"
        case .bankAccount: "ACCOUNT_NUMBER"
        case .postalAddress: "POSTAL_ADDRESS"
        case .device: "DEVICE"
        case .ipAddress: "IP_ADDRESS"
        case .macAddress: "MAC_ADDRESS"
        case .cryptoAddress: "CRYPTO_ADDRESS"
        case .dateOfBirth: "DATE_OF_BIRTH"
        case .userFolder: "USER_FOLDER"
        case .quasiIdentifier: "PERSONAL_FACT"
        case .url: "URL_ADDRESS"
        case .date: "CALENDAR_DATE"
        }
    }
}
