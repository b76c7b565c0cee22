// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import PackageDescription

/// Compares ReeveCrypto with swift-crypto, an implementation that shares nothing with it. A package of its own, so that
/// nobody who depends on Reeve fetches swift-crypto.
let package = Package(
    name: "reeve-oracle",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "reeve", path: "../.."),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .testTarget(
            name: "OracleTests",
            dependencies: [
                .product(name: "ReeveCrypto", package: "reeve"), .product(name: "ReeveModel", package: "reeve"),
                .product(name: "ReeveTesting", package: "reeve"), .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("MemberImportVisibility")])
    ]
)
