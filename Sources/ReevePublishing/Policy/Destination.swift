// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Where a recipe is to be published, for example `community-library`: 1 to 64 lower-case letters, digits and hyphens.
public struct Destination: Hashable, Sendable, TextCodable {
    /// The destination's name.
    public let description: String

    /// The library that everyone can read.
    public static let publicLibrary = Destination(name: "public-library")

    /// A destination by name; `nil` for any other spelling.
    public init?(_ name: String) {
        let allowed = name.utf8.allSatisfy { $0.isAlphanumeric && !$0.isUpper || $0 == 45 }
        guard (1...64).contains(name.utf8.count), allowed else { return nil }
        description = name
    }

    private init(name: String) { description = name }
}

extension Destination: CodingKeyRepresentable {
    /// The name, as the key of a configuration.
    public var codingKey: any CodingKey { AnyKey(stringValue: description) }

    /// Reads a name; `nil` for what is none.
    public init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }
}

/// Any key of a configuration.
struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
