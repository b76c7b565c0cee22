// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveVault
import Testing

@Suite struct EscrowTests {
    private let key = (0..<32).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }

    private func bytes(_ span: RawSpan) -> [UInt8] { (0..<span.byteCount).map { span.byte($0) } }

    private func split(_ key: [UInt8], into count: Int = 5, needed: Int = 3) throws -> [[UInt8]] {
        var shares: [[UInt8]] = []
        try MainKeyEscrow.split(SecretBytes(copying: key), into: count, needed: needed) { share throws(EscrowFailure) in
            shares.append(share.withBytes { bytes($0) })
        }
        return shares
    }

    private func recover(_ shares: [[UInt8]]) throws -> [UInt8] {
        let brought = try shares.map { try EscrowShare(SecretBytes(copying: $0)) }
        return try MainKeyEscrow.recover(brought).withBytes { bytes($0) }
    }

    /// Any three of five give the key back, in any order; any two, and one of them twice, do not.
    @Test func threeOfFiveRecover() throws {
        let shares = try split(key)
        for a in 0..<5 {
            for b in 0..<5 {
                #expect(throws: EscrowFailure.tooFew) { _ = try recover([shares[a], shares[b]]) }
                for c in 0..<5 where Set([a, b, c]).count == 3 {
                    #expect(try recover([shares[a], shares[b], shares[c]]) == key)
                }
                if a != b {
                    #expect(throws: EscrowFailure.tooFew) { _ = try recover([shares[a], shares[b], shares[a]]) }
                }
            }
        }
        #expect(try recover(shares) == key)
    }

    /// An altered share, one of another set, and a cut one give no key.
    @Test func alteredSharesGiveNothing() throws {
        let (shares, others) = (try split(key), try split(key))
        for index in shares[1].indices {
            for bit in 0..<8 {
                var changed = shares[1]
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: EscrowFailure.self) { _ = try recover([shares[0], changed, shares[2]]) }
                #expect(throws: EscrowFailure.self) { _ = try recover([shares[0], shares[2], shares[3], changed]) }
            }
        }
        #expect(throws: EscrowFailure.differentSets) { _ = try recover([shares[0], others[1], shares[2]]) }
        #expect(throws: EscrowFailure.malformed) {
            _ = try recover([Array(shares[0].dropLast()), shares[1], shares[2]])
        }
        #expect(throws: EscrowFailure.tooFew) { _ = try recover([]) }
    }

    /// One share of two takes every value, whatever the key.
    @Test func aShareTakesEveryValue() throws {
        var seen = Set<UInt8>()
        for _ in 0..<4000 {
            let share = try split(key, into: 2, needed: 2)[0]
            seen.insert(share[51])
        }
        #expect(seen.count == 256)
    }

    @Test func impossibleNumbersAreRefused() throws {
        for (count, needed) in [(1, 1), (256, 3), (5, 1), (3, 4), (0, 0)] {
            #expect(throws: EscrowFailure.impossible) { _ = try split(key, into: count, needed: needed) }
        }
        for size in [16, 24, 31, 33] {
            #expect(throws: EscrowFailure.malformed) { _ = try split(Array(repeating: 1, count: size)) }
        }
        let many = try split(key, into: 255, needed: 20)
        #expect(try recover(Array(many.suffix(20))) == key)
    }

    /// A drill: the recovered key is the main key that the vault uses, which its reference tells.
    @Test func aDrillTellsByTheReference() throws {
        let main = try LocalMainKey(SecretBytes(copying: key))
        let recovered = try LocalMainKey(SecretBytes(copying: try recover(Array(try split(key).prefix(3)))))
        #expect(main.reference == recovered.reference)
        var shares: [EscrowShare] = []
        for bytes in try split(key) { shares.append(try EscrowShare(SecretBytes(copying: bytes))) }
        #expect(try MainKeyEscrow.recovers(main.reference, from: Array(shares.suffix(3))))
        #expect(try !MainKeyEscrow.recovers(LocalMainKey.ephemeral().reference, from: shares))
        #expect(throws: EscrowFailure.self) {
            try MainKeyEscrow.recovers(main.reference, from: Array(shares.prefix(2)))
        }
    }
}
