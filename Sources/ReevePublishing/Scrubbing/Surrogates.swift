// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Stand-ins for what is taken out, from ranges that no real person or account has: the k-th distinct value of a class
/// gets the k-th stand-in, so nothing is keyed and nothing can be traced back.
///
/// The pools: `user<k>@example.com` (RFC 2606), `202-555-0100` to `-0199` (reserved for fiction), card numbers
/// `400000000000 <k> <check>`, British IBANs of the bank code `TEST`, `Person <k>`, `Company <k>`, `company<k>.example` (RFC 2606), and
/// `Connection <k>` for the names of credentials. A secret is a
/// ``RecipeParameter``, and so is what comes when a pool is used up, or all of it where the policy says so.
struct Surrogates {
    private struct Pool: Hashable {
        let kind: DataClass
        let isParameter: Bool
    }

    private var assigned: [Pool: [String: Int]] = [:]
    private var last: [Pool: Int] = [:]
    private var connections: [[UInt8]: Int] = [:]
    private var lastConnection = 0
    /// Stand-ins that stand in the input already; they are skipped.
    private let occupied: Set<String>
    private let replacement: PublishingPolicy.Replacement

    init(occupied: Set<String>, _ replacement: PublishingPolicy.Replacement = .standIn) {
        self.occupied = occupied
        self.replacement = replacement
    }

    /// What stands for a value; `nil` when the pool is used up, and a parameter cannot stand there.
    mutating func replacement(for kind: DataClass, _ original: [UInt8], isNumber: Bool) -> [UInt8]? {
        let key = Self.normalized(kind, original)
        if kind != .secret, isNumber || replacement == .standIn,
            let index = index(of: key, in: Pool(kind: kind, isParameter: false))
        {
            return Array(Self.text(kind, index, like: original, isNumber: isNumber).utf8)
        }
        guard !isNumber, let index = index(of: key, in: Pool(kind: kind, isParameter: true)) else { return nil }
        return Array(RecipeParameter(kind, index).description.utf8)
    }

    /// The number of a value in a pool; `nil` when the pool is used up.
    private mutating func index(of key: String, in pool: Pool) -> Int? {
        if let known = assigned[pool]?[key] { return known }
        guard let next = nextFree(pool) else { return nil }
        assigned[pool, default: [:]][key] = next
        return next
    }

    /// The stand-in for the name of a credential: the k-th distinct name is `Connection <k>`.
    ///
    /// `Sales CRM` and `sales_crm`, as its file is called, are one name; the file's is `connection_<k>`.
    mutating func connection(_ name: [UInt8], isFile: Bool) -> [UInt8] {
        let slug = Self.slug(of: name)
        var index = connections[slug] ?? 0
        if index == 0 {
            repeat { lastConnection += 1 } while occupied.contains(Self.connectionName(lastConnection))
            index = lastConnection
            connections[slug] = index
        }
        let text = Self.connectionName(index)
        return isFile ? Self.slug(of: Array(text.utf8)) : Array(text.utf8)
    }

    private static func connectionName(_ index: Int) -> String { "Connection \(index)" }

    /// A name as files are called: in lower case, with one `_` for what is no letter or digit between those that are.
    private static func slug(of name: [UInt8]) -> [UInt8] {
        let words = name.split { !$0.isAlphanumeric && $0 < 0x80 }
        guard !words.isEmpty else { return name }
        return Array(words.joined(separator: [UInt8(ascii: "_")])).map { $0.isUpper ? $0 | 0x20 : $0 }
    }

    /// The canonical stand-in that a credential's name is, spelled either way; `nil` when it is none.
    static func connection(from name: ArraySlice<UInt8>) -> String? {
        let prefixes = ["Connection ", "connection_"]
        guard let prefix = prefixes.first(where: { name.starts(with: $0.utf8) }) else { return nil }
        let number = name.dropFirst(prefix.utf8.count)
        guard (1...6).contains(number.count), number.allSatisfy(\.isDigit), number.first != UInt8(ascii: "0") else {
            return nil
        }
        return "Connection " + String(decoding: number, as: UTF8.self)
    }

    private static let fileEnding = Array(".connection.json".utf8)

    /// Whether a text is the name of a connection's file.
    static func isConnectionFile(_ name: ArraySlice<UInt8>) -> Bool {
        name.count > fileEnding.count && (name.last ?? 0) | 0x20 == UInt8(ascii: "n")
            && zip(name.suffix(fileEnding.count), fileEnding).allSatisfy { ($0.isUpper ? $0 | 0x20 : $0) == $1 }
    }

    /// Whether a text names a connection's file somewhere that is not called as a stand-in is.
    static func namesConnection(_ text: [UInt8]) -> Bool {
        var start = 1
        while let end = nextDot(in: text, from: start, before: text.count - fileEnding.count + 1) {
            start = end + 1
            let file = text[..<(end + fileEnding.count)]
            guard isConnectionFile(file) else { continue }
            let before = file[..<end].lastIndex { !$0.isWordByte && $0 < 0x80 && $0 != UInt8(ascii: "-") }
            if connection(from: file[(before.map { $0 + 1 } ?? 0)..<end]) == nil { return true }
        }
        return false
    }

    /// The next dot with a `c` behind it. Documents are gone over from end to end, so it takes eight bytes at a time.
    private static func nextDot(in text: [UInt8], from start: Int, before end: Int) -> Int? {
        unsafe text.withUnsafeBytes { bytes in
            var position = start
            while position < end {
                if position + 8 <= end {
                    let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                    // A byte of it is zero where a dot stands.
                    let dots = word ^ 0x2E2E_2E2E_2E2E_2E2E
                    guard (dots &- 0x0101_0101_0101_0101) & ~dots & 0x8080_8080_8080_8080 != 0 else {
                        position += 8
                        continue
                    }
                }
                let stop = min(position + 8, end)
                while position < stop {
                    if unsafe bytes[position] == UInt8(ascii: "."),
                        unsafe bytes[position + 1] | 0x20 == UInt8(ascii: "c")
                    {
                        return position
                    }
                    position += 1
                }
            }
            return nil
        }
    }

    /// The part of a credential's name that goes: all of it, or the file's name without its folder and ending.
    static func connectionStem(of name: [UInt8]) -> Range<Int> {
        guard isConnectionFile(name[...]) else { return 0..<name.count }
        let end = name.count - fileEnding.count
        let start = name[..<end].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return start..<end
    }

    /// The next index whose stand-in does not occur; tried ones are not tried again.
    private mutating func nextFree(_ pool: Pool) -> Int? {
        while last[pool, default: 0] < Self.size(of: pool) {
            let index = last[pool, default: 0] + 1
            last[pool] = index
            let text =
                pool.isParameter ? RecipeParameter(pool.kind, index).description : Self.canonical(pool.kind, index)
            if !occupied.contains(text) { return index }
        }
        return nil
    }

    private static func size(of pool: Pool) -> Int {
        guard !pool.isParameter else { return 999_999 }
        return switch pool.kind {
        case .phone: 100
        case .paymentCard: 999
        case .email, .iban, .person, .organization, .domain: 99_999
        case .ipAddress: 254
        case .macAddress: 256
        default: 0
        }
    }

    /// What makes two spellings the same value.
    static func normalized(_ kind: DataClass, _ original: [UInt8]) -> String {
        switch kind {
        case .email: String(decoding: original, as: UTF8.self).lowercased()
        // With its country or without: the same digits are two numbers.
        case .phone:
            (original.first == UInt8(ascii: "+") ? "+" : "")
                + String(decoding: original.filter(\.isDigit), as: UTF8.self)
        case .paymentCard: String(decoding: original.filter(\.isDigit), as: UTF8.self)
        case .iban: String(decoding: original.filter(\.isAlphanumeric), as: UTF8.self).uppercased()
        // With the last word first or not.
        case .person:
            original.split { !$0.isAlphanumeric && $0 < 0x80 }.map { PlainLetters(Array($0)).bytes }
                .sorted { $0.lexicographicallyPrecedes($1) }.reduce("") { $0 + String(decoding: $1, as: UTF8.self) }
        case .organization, .domain: String(decoding: PlainLetters(original).bytes, as: UTF8.self)
        case .secret, .userFolder, .quasiIdentifier, .url, .date, .dateOfBirth, .cryptoAddress:
            String(decoding: original, as: UTF8.self)
        case .ipAddress: String(decoding: original, as: UTF8.self).lowercased()
        // However its groups are parted.
        case .nationalID, .passport, .driverLicense, .vehicle, .organizationID, .bankAccount, .postalAddress, .device,
            .macAddress:
            String(decoding: original.filter(\.isAlphanumeric), as: UTF8.self).uppercased()
        }
    }

    private static func canonical(_ kind: DataClass, _ index: Int) -> String {
        text(kind, index, like: [], isNumber: true)
    }

    private static func text(_ kind: DataClass, _ index: Int, like original: [UInt8], isNumber: Bool) -> String {
        switch kind {
        case .email: return "user\(index)@example.com"
        case .person: return "Person \(index)"
        case .organization: return "Company \(index)"
        case .domain: return "company\(index).example"
        case .iban:
            let account = padded(index, 14)
            let check = (0...96).first { IBANDetector.isValid(Array("GB\(padded($0, 2))TEST\(account)".utf8)) } ?? 0
            return "GB\(padded(check, 2))TEST\(account)"
        case .paymentCard:
            let digits = "400000000000\(padded(index, 3))"
            let check = (0...9).first { CardDetector.isLuhn("\(digits)\($0)".utf8.map { $0 - 48 }) } ?? 0
            return "\(digits)\(check)"
        case .phone:
            let line = "01\(padded(index - 1, 2))"
            if isNumber || original.allSatisfy(\.isDigit) { return "1202555\(line)" }
            return original.first == UInt8(ascii: "+") ? "+1202555\(line)" : "(202) 555-\(line)"
        case .ipAddress:
            // A network stays one.
            let prefix =
                original.lastIndex(of: UInt8(ascii: "/")).map { String(decoding: original[$0...], as: UTF8.self) } ?? ""
            return (original.contains(UInt8(ascii: ":")) ? "2001:db8::\(index)" : "192.0.2.\(index)") + prefix
        case .macAddress: return "00:00:5E:00:53:\(hexadecimal(UInt8(index - 1)))"
        default: return RecipeParameter(kind, index).description
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String { Hex.encode([byte]).uppercased() }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static let nameForms = [("Person ", ""), ("Company ", ""), ("company", ".example")].map {
        (Array($0.utf8), Array($1.utf8))
    }

    /// The stand-ins for names in a text.
    static func names(in text: [UInt8]) -> [(text: String, range: Range<Int>)] {
        var found: [(text: String, range: Range<Int>)] = []
        for start in text.indices
        where text[start] == UInt8(ascii: "P") || text[start] | 0x20 == UInt8(ascii: "c") {
            for (prefix, ending) in nameForms where text[start...].starts(with: prefix) {
                let digits = text[(start + prefix.count)...].prefix(6).prefix(while: \.isDigit)
                guard !digits.isEmpty, text[digits.endIndex...].starts(with: ending) else { break }
                let range = start..<digits.endIndex + ending.count
                found.append((String(decoding: text[range], as: UTF8.self), range))
            }
        }
        return found
    }

    /// Whether a stand-in for a name could be somebody's password: no document has that many names.
    static func mayBePassword(_ text: String) -> Bool {
        let digits = text.drop { !$0.isNumber }.prefix(while: \.isNumber)
        return ["person", "compan"].contains(text.prefix(6).lowercased()) && (digits.count > 3 || digits.first == "0")
    }

    static func isEmail(_ address: String) -> Bool {
        guard address.hasPrefix("user"), address.hasSuffix("@example.com") else { return false }
        let number = address.utf8.dropFirst(4).dropLast(12)
        return (1...5).contains(number.count) && number.allSatisfy(\.isDigit) && number.first != UInt8(ascii: "0")
    }

    static func isIBAN(_ compact: [UInt8]) -> Bool {
        compact.count == 22 && compact.starts(with: Array("GB".utf8))
            && compact[4..<8].elementsEqual("TEST".utf8) && compact[8...].allSatisfy(\.isDigit)
    }

    /// The canonical stand-in that these digits are; `nil` when they are none.
    static func card(from digits: [UInt8]) -> String? {
        guard digits.count == 16, digits[0] == 4, digits[1..<12].allSatisfy({ $0 == 0 }),
            digits[12..<15].contains(where: { $0 != 0 })
        else { return nil }
        return String(decoding: digits.map { $0 + 48 }, as: UTF8.self)
    }

    /// The canonical stand-in that these digits are; `nil` when they are none.
    static func phone(from digits: [UInt8]) -> String? {
        let ten = digits.count == 11 && digits[0] == 1 ? Array(digits.dropFirst()) : digits
        guard ten.count == 10, ten.starts(with: [2, 0, 2, 5, 5, 5, 0, 1]) else { return nil }
        return "1" + String(decoding: ten.map { $0 + 48 }, as: UTF8.self)
    }
}
