// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import PackageDescription

let package = Package(
    name: "reeve-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "reeve", path: "..", traits: ["SQLite", "PostgreSQL"]),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.5.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibcrypto", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "RawLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(name: "RawLibcrypto", dependencies: ["CLibcrypto"]),
        // A module of its own: swift-crypto's C headers and libcrypto's do not fit into one.
        .target(name: "SwiftCryptoPeer", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
        .executableTarget(
            name: "reeve-benchmarks",
            dependencies: [
                "RawLibcrypto", "RawLibpq", "SwiftCryptoPeer", .product(name: "Reeve", package: "reeve"),
                .product(name: "ReeveSQLite", package: "reeve"), .product(name: "ReevePostgres", package: "reeve"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "ReeveTesting", package: "reeve"),
            ]),
        // The processes that Scripts/check-memory searches.
        .executableTarget(name: "memory-probe", dependencies: [.product(name: "Reeve", package: "reeve")]),
    ]
)
