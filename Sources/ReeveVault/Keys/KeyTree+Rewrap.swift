// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// How wrapped keys come under another key: what is below them stays as it is.
extension KeyTree {
    /// The same key under another environment key, looked at once before it is given back.
    func rewrapped(
        _ record: KeyRecord, _ place: KeyPlace, _ key: Key, from old: OpenKey, to new: OpenKey
    ) throws(VaultError) -> KeyRecord {
        var next = record
        next.wrapper = .key(new.commitment, generation: new.generation)
        do throws(CryptoError) {
            let start = record.headerStart(at: place, key)
            let before = try record.headerDigest(start).bytes
            let opened = try old.handle.open(record.wrapped[...], authenticating: before)
            try OpenKey.check(opened, headerDigest: before)
            let after = try next.headerDigest(start).bytes
            let bundle = try opened.replacingSuffix(by: after)
            next.wrapped = try bundle.withLiveBytes { (span) throws(CryptoError) in
                try new.handle.seal(span, authenticating: after)
            }
            let back = try new.handle.open(next.wrapped[...], authenticating: after)
            guard back.constantTimeEquals(bundle) else { throw CryptoError(.engineFailed) }
        } catch {
            throw VaultError(error)
        }
        return next
    }

    /// The same environment key under another main key, unwrapped once before it is given back.
    func repacked(
        _ record: KeyRecord, _ place: KeyPlace, from reference: String, to mainKey: any MainKeyProvider
    ) async throws(VaultError) -> KeyRecord {
        let opened = try await bundle(of: record, place, reference)
        var next = record
        next.wrapper = .mainKey(mainKey.reference)
        let changed = next
        let bundle = try crypto { () throws(CryptoError) in
            let start = record.headerStart(
                at: place, KeyRecord.table.key(place.partition, KeyRecord.ids(place, record.generation)))
            let material = try OpenKey.material(opened, headerDigest: record.headerDigest(start).bytes)
            guard try OpenKey.commitment(HMACKey(material), place) == record.commitment else {
                throw CryptoError(.authenticationFailed)
            }
            return try material.appending(changed.headerDigest(start).bytes)
        }
        let copy = try crypto { () throws(CryptoError) in try bundle.slice(0..<64) }
        do throws(MainKeyError) {
            next.wrapped = try await gate.wrap(copy, mainKey, place.context)
            let back = try await gate.unwrap(next.wrapped, mainKey, place.context)
            guard back.constantTimeEquals(bundle) else { throw MainKeyError.notWrappedByThis }
        } catch {
            throw error == .notWrappedByThis ? VaultError(.mainKeyUnfit) : failure(error, place.context)
        }
        return next
    }

    /// Sees whether a main key gives back what it wraps, for its own context.
    func probe(_ mainKey: any MainKeyProvider, _ context: MainKeyContext) async throws(VaultError) {
        let probe = try crypto { () throws(CryptoError) in try SecretBytes.random(count: 64) }
        let copy = try crypto { () throws(CryptoError) in try probe.slice(0..<64) }
        do throws(MainKeyError) {
            let wrapped = try await gate.wrap(copy, mainKey, context)
            let back = try await gate.unwrap(wrapped, mainKey, context)
            guard back.constantTimeEquals(probe) else { throw MainKeyError.notWrappedByThis }
        } catch {
            throw error == .notWrappedByThis ? VaultError(.mainKeyUnfit) : failure(error, context)
        }
    }
}
