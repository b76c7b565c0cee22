// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import Testing

@testable import ReeveAudit

/// A tree with all its tiles, and a direct transcription of RFC 6962 §2.1 to compare with.
struct TestTree {
    var tree = MerkleTree()
    var tiles: [TileID: Tile] = [:]
    var leaves: [TreeHash] = []

    init(_ leaves: [[UInt8]]) throws {
        var hasher = try TreeHasher()
        for leaf in leaves {
            self.leaves.append(try hasher.leaf(leaf))
            var filled: [(TileID, Tile)] = []
            try tree.append(self.leaves[self.leaves.count - 1], &hasher) { filled.append(($0, $1)) }
            for (id, tile) in filled { tiles[id] = tile }
        }
        for (level, tile) in tree.edge.enumerated() where !tile.hashes.isEmpty {
            tiles[TileID(level: level, index: leaves.count >> (8 * (level + 1)))] = tile
        }
    }

    static func root(_ leaves: ArraySlice<TreeHash>) throws -> TreeHash {
        var hasher = try TreeHasher()
        return try root(leaves, &hasher)
    }

    private static func root(_ leaves: ArraySlice<TreeHash>, _ hasher: inout TreeHasher) throws -> TreeHash {
        guard let first = leaves.first else { return try TreeHash.emptyRoot }
        guard leaves.count > 1 else { return first }
        var size = 1
        while size * 2 < leaves.count { size *= 2 }
        let middle = leaves.startIndex + size
        let left = try root(leaves[..<middle], &hasher)
        return try hasher.node(left, root(leaves[middle...], &hasher))
    }

    func proof(_ plan: [ProofPlan.Part]) throws -> [TreeHash] {
        var hasher = try TreeHasher()
        return try plan.map { part in
            var hash: TreeHash?
            for node in part.reversed() {
                let tile = try #require(tiles[node.tile])
                let own = try #require(try node.hash(in: tile, &hasher))
                hash = try hash.map { try hasher.node(own, $0) } ?? own
            }
            return try #require(hash)
        }
    }
}

private struct RFC6962: Decodable {
    var consistency: [[Part]]
    var inclusion: [[Part]]
    var roots: [String]
    var sizes: [Int]

    /// A number or a list of hashes.
    enum Part: Decodable {
        case number(Int), hashes([String])
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .hashes(try container.decode([String].self))
            }
        }
        var number: Int { if case .number(let number) = self { number } else { -1 } }
        var hashes: [TreeHash] {
            if case .hashes(let texts) = self {
                texts.compactMap { Base64.decode(Array($0.utf8)).flatMap { TreeHash(bytes: $0) } }
            } else {
                []
            }
        }
    }

    static func read() throws -> RFC6962 {
        let path = try #require(Vectors.folder) + "/rfc6962.json.gz"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(RFC6962.self, from: data)
    }

    static func leaf(_ index: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: index >> (24 - 8 * $0)) } }
}

@Suite struct TreeTests {
    /// Every root, and every proof, of the vectors.
    @Test(.enabled(if: Vectors.folder != nil)) func theVectorsHold() throws {
        let vectors = try RFC6962.read()
        #expect(vectors.sizes.count == vectors.roots.count && vectors.sizes.count > 300)
        var hasher = try TreeHasher()
        for (size, root) in zip(vectors.sizes, vectors.roots) {
            let tree = try TestTree((0..<size).map(RFC6962.leaf))
            #expect(Base64.encode(try tree.tree.root(&hasher).bytes) == root, "\(size)")
        }
        for vector in vectors.inclusion {
            let (index, size, hashes) = (vector[0].number, vector[1].number, vector[2].hashes)
            let tree = try TestTree((0..<size).map(RFC6962.leaf))
            #expect(try tree.proof(ProofPlan.inclusion(index, in: size)) == hashes)
            let root = try ProofCheck.root(leaf: tree.leaves[index], index, in: size, hashes, &hasher)
            #expect(root == (try tree.tree.root(&hasher)))
        }
        for vector in vectors.consistency {
            let (old, new, hashes) = (vector[0].number, vector[1].number, vector[2].hashes)
            let tree = try TestTree((0..<new).map(RFC6962.leaf))
            #expect(try tree.proof(ProofPlan.consistency(old, new)) == hashes)
            let (first, second) = (try TestTree.root(tree.leaves[..<old]), try TestTree.root(tree.leaves[...]))
            #expect(try ProofCheck.isConsistent(old, first, new, second, hashes, &hasher))
        }
        #expect(vectors.inclusion.count > 500 && vectors.consistency.count > 500)
    }

    /// Trees over several tiles, at the edges of tiles, against the direct transcription.
    @Test(arguments: [1, 255, 256, 257, 511, 512, 513, 4097, 65_535, 65_536, 65_537])
    func largeTreesAgree(_ size: Int) throws {
        let tree = try TestTree((0..<size).map(RFC6962.leaf))
        var hasher = try TreeHasher()
        let root = try TestTree.root(tree.leaves[...])
        #expect(try tree.tree.root(&hasher) == root)
        // The rows above the first leaves are those of the text, and are read back; any other number of them is none.
        if size > 256, let tile = tree.tiles[TileID(level: 0, index: 0)] {
            for row in [2, 4, 6] {
                let roots = try (0..<256 >> row).map { try TestTree.root(tree.leaves[$0 << row..<($0 + 1) << row]) }
                #expect(tile.row(row) == roots)
            }
            let record = tile.recordBytes(schema: 1)
            #expect(try Tile(recordBytes: record, schema: 1) == tile)
            let rows = Base64URL.encode(Tile.bytes(tile.inner.flatMap(\.self)))
            let text = String(decoding: record, as: UTF8.self)
            #expect(text.contains(#","inner":"\#(rows)"}"#))
            for wrong in ["", Base64URL.encode(Tile.bytes(tile.row(4))), rows + rows] {
                let bytes = Array(text.replacing(rows, with: wrong).utf8)
                #expect(throws: (any Error).self) { try Tile(recordBytes: bytes, schema: 1) }
            }
        }
        // A tree that was read back goes on as the one it was.
        var again = try #require(try MerkleTree(size: size, edge: tree.tree.edge, &hasher))
        var first = tree.tree
        for number in 0..<300 {
            #expect(try again.root(&hasher) == first.root(&hasher))
            let leaf = try hasher.leaf(RFC6962.leaf(number))
            var tiles: [[Tile]] = [[], []]
            try again.append(leaf, &hasher) { tiles[0].append($1) }
            try first.append(leaf, &hasher) { tiles[1].append($1) }
            #expect(tiles[0] == tiles[1])
        }
        for index in Set([0, 1, size / 3, size / 2, size - 2, size - 1]) where (0..<size).contains(index) {
            let proof = try tree.proof(ProofPlan.inclusion(index, in: size))
            #expect(try ProofCheck.root(leaf: tree.leaves[index], index, in: size, proof, &hasher) == root)
        }
        for old in Set([1, 2, 255, 256, 257, size / 2, size - 1, size]) where (1...size).contains(old) {
            let first = try TestTree.root(tree.leaves[..<old])
            let proof = try tree.proof(ProofPlan.consistency(old, size))
            #expect(try ProofCheck.isConsistent(old, first, size, root, proof, &hasher))
        }
    }

    /// A proof that was changed in any hash, length, index or size shows nothing.
    @Test func changedProofsShowNothing() throws {
        var hasher = try TreeHasher()
        for size in [2, 3, 7, 8, 21] {
            let tree = try TestTree((0..<size).map(RFC6962.leaf))
            let root = try TestTree.root(tree.leaves[...])
            for index in 0..<size {
                let proof = try tree.proof(ProofPlan.inclusion(index, in: size))
                func holds(_ index: Int, _ size: Int, _ proof: [TreeHash]) throws -> Bool {
                    var hasher = try TreeHasher()
                    return try ProofCheck.root(
                        leaf: tree.leaves[index % tree.leaves.count], index, in: size, proof, &hasher) == root
                }
                for place in proof.indices {
                    var changed = proof
                    changed[place][7] ^= 1
                    #expect(try !holds(index, size, changed))
                    changed.remove(at: place)
                    #expect(try !holds(index, size, changed))
                }
                #expect(try !holds(index, size, proof + [root]))
                for other in 0..<size where other != index { #expect(try !holds(other, size, proof)) }
                #expect(try ProofCheck.root(leaf: root, -1, in: size, proof, &hasher) == nil)
                #expect(try ProofCheck.root(leaf: root, size, in: size, proof, &hasher) == nil)
            }
            for old in 1..<size {
                let first = try TestTree.root(tree.leaves[..<old])
                let proof = try tree.proof(ProofPlan.consistency(old, size))
                for place in proof.indices {
                    var changed = proof
                    changed[place][0] ^= 0x80
                    #expect(try !ProofCheck.isConsistent(old, first, size, root, changed, &hasher))
                }
                #expect(try !ProofCheck.isConsistent(old, root, size, root, proof, &hasher))
                #expect(try !ProofCheck.isConsistent(old, first, size, first, proof, &hasher))
                #expect(try !ProofCheck.isConsistent(size, root, old, first, proof, &hasher))
            }
        }
    }

    @Test func pathsOfTilesAreThoseOfTheText() {
        #expect(TileID(level: 0, index: 0).path(width: 256) == "tile/0/000")
        #expect(TileID(level: 0, index: 1).path(width: 44) == "tile/0/001.p/44")
        #expect(TileID(level: 2, index: 1_234_067).path(width: 256) == "tile/2/x001/x234/067")
        #expect(TileID.bundlePath(1000, width: 256) == "tile/entries/x001/000")
        #expect(TileID.bundlePath(273, width: 112) == "tile/entries/273.p/112")
        #expect(MerkleTree.widths(of: 70_000) == [112, 17, 1] && MerkleTree.widths(of: 256) == [0, 1])
    }
}
