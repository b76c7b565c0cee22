// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
import ReeveModel

/// One of several shares of a main key: some of them together give the key back, fewer say nothing about it.
///
/// It is secret itself: give each to another person, and never keep as many as recover in one place.
public final class EscrowShare: Sendable {
    /// The set of shares that it belongs to, in hexadecimal: shares of two sets do not fit together.
    public var set: String { Hex.encode(head[..<16]) }
    /// Its number, from 1.
    public let number: Int
    /// How many shares recover the key.
    public var needed: Int { Int(head[17]) }
    /// How many shares there are.
    public var count: Int { Int(head[16]) }
    /// Set (16), count, needed, and the key's commitment (32): the same in all shares of a set.
    fileprivate let head: [UInt8]
    /// Set, count, needed, number, commitment, and the share's own 32 bytes.
    private let bytes: SecretBytes

    private static let byteCount = 16 + 3 + 32 + 32

    /// Reads what ``withBytes(_:)`` lent: 83 bytes.
    public init(_ bytes: consuming SecretBytes) throws(EscrowFailure) {
        guard bytes.count == Self.byteCount, bytes.isAlive else { throw .malformed }
        let start = bytes.withBytes { span in (0..<51).map { span.byte($0) } }
        head = Array(start[..<18] + start[19...])
        number = Int(start[18])
        self.bytes = bytes
        guard start[17] >= 2, start[16] >= start[17], number >= 1, number <= start[16] else { throw .malformed }
    }

    /// Lends the share's bytes, to be written down or handed over.
    public func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R { try bytes.withBytes(body) }

    fileprivate var commitment: [UInt8] { Array(head[18...]) }
    fileprivate func own(_ index: Int) throws(CryptoError) -> UInt8 {
        try bytes.withLiveBytes { (span) throws(CryptoError) in span.byte(51 + index) }
    }
}

/// Why shares gave no key.
public enum EscrowFailure: Error, Hashable, Sendable, CaseIterable {
    /// These are not bytes of a share.
    case malformed
    /// Fewer shares than are needed, or one of them twice.
    case tooFew
    /// Shares of different sets.
    case differentSets
    /// A share was altered: what they give is not the key that was split.
    case altered
    /// How many shares there are and how many are needed is not possible: 2 to 255, not more needed than there are.
    case impossible
    /// The crypto engine failed.
    case cryptoFailed
}

/// Splits a main key among several persons, by Shamir's scheme over the field of 256 elements.
///
/// Each share names its set and carries the key's commitment, so that shares of two sets, and altered ones, are noticed and
/// never give another key.
public enum MainKeyEscrow: Sendable {
    /// Splits a key of 32 bytes; by default into five shares, of which three recover it. `body` is lent one share after the
    /// other, in the order of their numbers.
    public static func split(
        _ key: borrowing SecretBytes, into count: Int = 5, needed: Int = 3,
        _ body: (EscrowShare) throws(EscrowFailure) -> Void
    ) throws(EscrowFailure) {
        guard key.count == 32 else { throw .malformed }
        guard (2...255).contains(count), (2...count).contains(needed) else { throw .impossible }
        let set = try engine { () throws(CryptoError) in try Randomness.bytes(16) }
        let commitment = try engine { () throws(CryptoError) in try Self.commitment(key, set, count, needed) }
        // The coefficients of the polynomials above the constant one, byte by byte of the key.
        let made = try engine { () throws(CryptoError) in try SecretBytes.random(count: 32 * (needed - 1)) }
        for number in 1...count {
            let bytes = try engine { () throws(CryptoError) in
                let head = set + [UInt8(count), UInt8(needed), UInt8(number)] + commitment
                let start = try SecretBytes(copying: head)
                let own = try value(key, made, needed, at: UInt8(number))
                return try own.withLiveBytes { (span) throws(CryptoError) in try start.appending(span) }
            }
            try body(EscrowShare(bytes))
        }
    }

    private static func engine<R: ~Copyable>(_ body: () throws(CryptoError) -> R) throws(EscrowFailure) -> R {
        do {
            return try body()
        } catch {
            throw .cryptoFailed
        }
    }

    /// Whether shares recover the main key of a ``LocalMainKey/reference``, which is wiped again at once: for drills.
    public static func recovers(_ reference: String, from shares: [EscrowShare]) throws(EscrowFailure) -> Bool {
        let key = try recover(shares)
        do throws(CryptoError) {
            return try LocalMainKey(key).reference.isIdentical(to: reference)
        } catch {
            throw .cryptoFailed
        }
    }

    /// The key that shares were split from. Shares are read from their bytes; more than are needed are all looked at.
    public static func recover(_ shares: [EscrowShare]) throws(EscrowFailure) -> SecretBytes {
        guard let first = shares.first else { throw .tooFew }
        guard shares.allSatisfy({ $0.head == first.head }) else { throw .differentSets }
        guard Set(shares.map(\.number)).count == shares.count, shares.count >= first.needed else { throw .tooFew }
        do throws(CryptoError) {
            let key = try interpolate(Array(shares.prefix(first.needed)))
            // What is more than needed has to fit as well.
            for extra in shares.dropFirst(first.needed) {
                let other = try interpolate(Array(shares.prefix(first.needed - 1)) + [extra])
                guard other.constantTimeEquals(key) else { throw CryptoError(.authenticationFailed) }
            }
            let expected = try commitment(key, Array(first.head[..<16]), first.count, first.needed)
            guard expected == first.commitment else { throw CryptoError(.authenticationFailed) }
            return key
        } catch {
            throw error.code == .authenticationFailed ? .altered : .cryptoFailed
        }
    }

    private static func commitment(
        _ key: borrowing SecretBytes, _ set: [UInt8], _ count: Int, _ needed: Int
    ) throws(CryptoError) -> [UInt8] {
        var encoding = CanonicalBytes(label: "reeve/vault/escrow/1")
        encoding.add(set)
        encoding.add(Int64(count))
        encoding.add(Int64(needed))
        return try HMACKey(key).authenticate(encoding.bytes)
    }

    /// The polynomials' values at a point.
    private static func value(
        _ key: borrowing SecretBytes, _ coefficients: borrowing SecretBytes, _ needed: Int, at point: UInt8
    ) throws(CryptoError) -> SecretBytes {
        try key.withLiveBytes { (key) throws(CryptoError) in
            try coefficients.withLiveBytes { (coefficients) throws(CryptoError) in
                try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
                    for index in 0..<32 {
                        var sum: UInt8 = 0
                        for power in stride(from: needed - 2, through: 0, by: -1) {
                            sum = multiply(sum ^ coefficients.byte(power * 32 + index), point)
                        }
                        target.storeBytes(of: sum ^ key.byte(index), toByteOffset: index, as: UInt8.self)
                    }
                }
            }
        }
    }

    /// The polynomials' values at zero.
    private static func interpolate(_ shares: [EscrowShare]) throws(CryptoError) -> SecretBytes {
        // The numbers are no secret, so neither are the weights.
        let weights = shares.map { share in
            shares.reduce(UInt8(1)) { weight, other in
                other.number == share.number
                    ? weight
                    : multiply(
                        weight, multiply(UInt8(other.number), inverse(UInt8(other.number) ^ UInt8(share.number))))
            }
        }
        return try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
            var sums = [32 of UInt8](repeating: 0)
            for (share, weight) in zip(shares, weights) {
                for index in 0..<32 { sums[index] ^= multiply(try share.own(index), weight) }
            }
            for index in 0..<32 {
                target.storeBytes(of: sums[index], toByteOffset: index, as: UInt8.self)
                sums[index] = 0
            }
        }
    }

    /// The product in the field of AES (x⁸ + x⁴ + x³ + x + 1), in a time that says nothing about the factors.
    static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var (left, product) = (left, UInt8(0))
        for bit in 0..<8 {
            product ^= left & (0 &- (right >> UInt8(bit) & 1))
            left = left << 1 ^ (0x1B & (0 &- (left >> 7)))
        }
        return product
    }

    /// The inverse: the 254th power.
    static func inverse(_ value: UInt8) -> UInt8 {
        var (result, power) = (UInt8(1), value)
        for bit in 1..<8 {
            _ = bit
            power = multiply(power, power)
            result = multiply(result, power)
        }
        return result
    }
}
