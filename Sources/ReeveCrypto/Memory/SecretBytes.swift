// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL

/// Bytes that must not leak: in locked memory outside core dumps, wiped when released, redacted wherever they are shown.
///
/// The value is noncopyable, so there is one owner, and the memory is cleansed when that owner is gone. Bytes are lent
/// to a closure and cannot leave it by themselves. Any number of tasks may read one value at the same time.
@safe public struct SecretBytes: ~Copyable, Sendable {
    // Sendable by hand: a pointer is not. The value has one owner, and its bytes do not change between the initialiser and
    // `deinit`, so that readers need no lock; one would be held while a caller has the bytes.
    nonisolated(unsafe) private let pointer: UnsafeMutableRawPointer
    private let generation: Int
    /// The number of bytes.
    public let count: Int

    /// Whether the bytes are there: not in a child that was forked after the value was made.
    package var isAlive: Bool { isAlive(in: ForkGuard.generation) }

    /// Whether the bytes are there in a generation of processes.
    func isAlive(in generation: Int) -> Bool { self.generation == generation }

    /// Lends the bytes, and throws ``CryptoError/Code/lostInFork`` where they are gone: what becomes a key, or is stored,
    /// is not to be made of zeros.
    package func withLiveBytes<R: ~Copyable>(
        _ body: (RawSpan) throws(CryptoError) -> R
    ) throws(CryptoError) -> R {
        guard isAlive else { throw CryptoError(.lostInFork) }
        return try withBytes(body)
    }

    /// At most this many bytes in one value: 1 GiB.
    private static var maximumCount: Int { 1 << 30 }

    /// Secret bytes that `fill` writes. Nothing is kept when it throws.
    ///
    /// Throws ``CryptoError/Code/outOfMemory`` when the system refuses memory; memory that cannot be locked is used all
    /// the same, and ``SecretMemory/status`` tells.
    public init(count: Int, _ fill: (inout MutableRawSpan) throws(CryptoError) -> Void) throws(CryptoError) {
        guard (0...Self.maximumCount).contains(count) else { throw CryptoError(.invalidLength) }
        let generation = ForkGuard.generation
        let pointer = try unsafe SecretSlab.shared.allocate(count)
        do {
            var span = unsafe MutableRawSpan(_unsafeStart: pointer, byteCount: count)
            try fill(&span)
        } catch {
            unsafe SecretSlab.shared.release(pointer, count, from: generation)
            throw error
        }
        unsafe self.pointer = pointer
        self.generation = generation
        self.count = count
    }

    /// A secret copy of `bytes`. The caller's copy stays where it is, and is the caller's to wipe.
    public init(copying bytes: Span<UInt8>) throws(CryptoError) {
        try self.init(count: bytes.count) { (target: inout MutableRawSpan) throws(CryptoError) in
            unsafe target.copy(bytes.bytes, 0..<bytes.count, to: 0)
        }
    }

    /// A secret copy of `bytes`. An array cannot be wiped: use it for what was never only here, such as a request body.
    public init(copying bytes: [UInt8]) throws(CryptoError) {
        try self.init(copying: bytes.span)
    }

    /// Fresh random bytes from the system's generator for secrets.
    public static func random(count: Int) throws(CryptoError) -> SecretBytes {
        try SecretBytes(count: count) { (target: inout MutableRawSpan) throws(CryptoError) in
            try Randomness.fillSecret(&target)
        }
    }

    deinit {
        unsafe SecretSlab.shared.release(pointer, count, from: generation)
    }

    /// Lends the bytes to `body`. After a fork use the child to start another program, or begin with one thread and secrets
    /// of its own: locks that other threads held stay held there. In a child that was forked after the value was made they are all zero.
    public func withBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try body(unsafe RawSpan(_unsafeStart: pointer, byteCount: count))
    }

    /// Whether both hold the same bytes; takes the same time wherever they differ. Different counts are unequal at once,
    /// and so is a value that was lost in a fork.
    public func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
        guard count == other.count, isAlive, other.isAlive else { return false }
        return unsafe CRYPTO_memcmp(pointer, other.pointer, count) == 0
    }

    /// Whether the last bytes are these; takes the same time wherever they differ. `false` for a value lost in a fork.
    package func hasSuffix(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= count, isAlive else { return false }
        return unsafe CRYPTO_memcmp(pointer + (count - bytes.count), bytes, bytes.count) == 0
    }

    /// Secret bytes that hold this value's, then the other's.
    public func appending(_ other: RawSpan) throws(CryptoError) -> SecretBytes {
        let (own, length) = (count, other.byteCount)
        return try withLiveBytes { (mine) throws(CryptoError) in
            try SecretBytes(count: own + length) { (target: inout MutableRawSpan) throws(CryptoError) in
                target.copy(mine, 0..<own, to: 0)
                target.copy(other, 0..<length, to: own)
            }
        }
    }

    /// Secret bytes that hold this value's, then some that are not secret.
    public func appending(_ bytes: [UInt8]) throws(CryptoError) -> SecretBytes {
        try unsafe appending(bytes.span.bytes)
    }

    /// Secret bytes that hold this value's, but for the last ones: others stand in place of as many of them.
    package func replacingSuffix(by bytes: [UInt8]) throws(CryptoError) -> SecretBytes {
        let kept = count - bytes.count
        guard kept >= 0 else { throw CryptoError(.invalidLength) }
        return try withLiveBytes { (mine) throws(CryptoError) in
            try SecretBytes(count: count) { (target: inout MutableRawSpan) throws(CryptoError) in
                target.copy(mine, 0..<kept, to: 0)
                unsafe target.copy(bytes.span.bytes, 0..<bytes.count, to: kept)
            }
        }
    }

    /// Secret bytes that hold a part of this value; `range` must lie in `0..<count`.
    public func slice(_ range: Range<Int>) throws(CryptoError) -> SecretBytes {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw CryptoError(.invalidLength) }
        return try withLiveBytes { (mine) throws(CryptoError) in
            try SecretBytes(count: range.count) { (target: inout MutableRawSpan) throws(CryptoError) in
                target.copy(mine, range, to: 0)
            }
        }
    }

    /// A `String` of the bytes, or `nil` when they are not UTF-8, or were lost in a fork.
    ///
    /// This is the one door out. The copy lies in ordinary memory and cannot be wiped.
    public func exposedAsString() -> String? {
        guard isAlive else { return nil }
        return withBytes { span in
            var copy = (0..<span.byteCount).map { span.byte($0) }
            defer { unsafe copy.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) } }
            return String(validating: copy, as: UTF8.self)
        }
    }
}

extension RawSpan {
    /// The byte at an index that must lie in the span.
    package func byte(_ index: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: checked(index), as: UInt8.self) }

    private func checked(_ index: Int) -> Int {
        precondition(index >= 0 && index < byteCount)
        return index
    }
}

extension MutableRawSpan {
    /// Copies a part of some bytes; both have room for it.
    fileprivate mutating func copy(_ source: RawSpan, _ range: Range<Int>, to offset: Int) {
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + range.count])
                unsafe part.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
            }
        }
    }
}
