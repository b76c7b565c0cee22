// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A currency by its code in ISO 4217.
public struct Currency: Hashable, Sendable, TextCodable {
    /// The code: three upper-case letters, for example `EUR`.
    public let description: String

    /// A currency by its code; `nil` for any other spelling. Whether there is such a currency is not looked up.
    public init?(_ code: String) {
        guard code.utf8.count == 3, code.utf8.allSatisfy({ (65...90).contains($0) }) else { return nil }
        description = code
    }

    /// Digits after the point in amounts of it: 2 but for the currencies that ISO 4217 gives 0, 3 or 4.
    public var minorDigits: Int {
        switch description {
        case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF":
            0
        case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
        case "CLF", "UYW": 4
        default: 2
        }
    }
}

/// An amount of money, as a whole number of the currency's smallest unit: never a fraction, never rounded.
public struct Money: Hashable, Sendable, Codable {
    /// The amount in the smallest unit, for example in cents; a price has 0 to 10^12.
    public let minorUnits: Int64
    /// The currency.
    public let currency: Currency

    /// An amount in the smallest unit of a currency.
    public init(minorUnits: Int64, _ currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }
}

extension Money: CustomStringConvertible {
    /// The currency and the amount with all of its digits, for example `EUR 12.30`.
    public var description: String {
        let digits = currency.minorDigits
        let text = String(minorUnits.magnitude)
        let sign = minorUnits < 0 ? "-" : ""
        guard digits > 0 else { return "\(currency) \(sign)\(text)" }
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return "\(currency) \(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }
}
