// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A value larger than a record, split into pieces.
///
/// The pieces are committed first and the reference afterwards, by whoever keeps it: a value is whole or not there.
public struct Blob: Hashable, Sendable, Codable {
    /// The id under which the pieces lie.
    public let id: Identifier<BlobRecord>
    /// The number of bytes in all.
    public let count: Int

    private static let pieceBytes = 64 << 10
    /// The largest value: 16 MiB.
    public static let maximumBytes = 16 << 20

    private static func key(_ partition: Partition, _ id: Identifier<BlobRecord>, _ piece: Int) -> Key {
        Key(partition, [.text("blob"), .text(id.description), .integer(Int64(piece))])
    }

    private init(id: Identifier<BlobRecord>, count: Int) {
        self.id = id
        self.count = count
    }

    /// Reads a reference; a number of bytes that no blob can have is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Identifier<BlobRecord>.self, forKey: .id)
        count = try container.decode(Int.self, forKey: .count)
        guard (0...Self.maximumBytes).contains(count) else {
            throw DecodingError.dataCorruptedError(forKey: .count, in: container, debugDescription: "not a blob's size")
        }
    }

    private var pieces: Int { (count + Self.pieceBytes - 1) / Self.pieceBytes }

    /// Writes a value's pieces and returns the reference to keep.
    public static func write(
        _ bytes: [UInt8], in partition: Partition, of store: any Store, at instant: Timestamp
    ) async throws(StoreError) -> Blob {
        guard bytes.count <= maximumBytes else { throw .limitExceeded("\(maximumBytes) bytes in one blob") }
        let blob = Blob(id: Identifier(at: instant), count: bytes.count)
        for piece in 0..<blob.pieces {
            let part = bytes[piece * pieceBytes..<min(bytes.count, (piece + 1) * pieceBytes)]
            do throws(StoreError) {
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    transaction.insert(key(partition, blob.id, piece), Array(part))
                }
            } catch {
                try? await blob.delete(from: partition, of: store)
                throw error
            }
        }
        return blob
    }

    /// Reads the whole value; a missing piece is ``StoreError/malformed(_:)``.
    public func read(from partition: Partition, of store: any Store) async throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for piece in 0..<pieces {
            let key = Self.key(partition, id, piece)
            guard let record = try await store.record(for: key) else { throw .malformed(key) }
            bytes += record.bytes
        }
        guard bytes.count == count else { throw .malformed(Self.key(partition, id, 0)) }
        return bytes
    }

    /// Removes the pieces.
    public func delete(from partition: Partition, of store: any Store) async throws(StoreError) {
        for piece in 0..<pieces {
            var changes = Changes()
            changes.delete(Self.key(partition, id, piece))
            try await store.commit(changes)
        }
    }
}
