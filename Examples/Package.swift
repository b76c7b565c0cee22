// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import PackageDescription

let package = Package(
    name: "reeve-examples",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "reeve", path: "..", traits: ["SQLite", "PostgreSQL"]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "Quickstart",
            dependencies: [
                .product(name: "Reeve", package: "reeve"), .product(name: "ReeveSQLite", package: "reeve"),
                .product(name: "ReevePostgres", package: "reeve"),
            ],
            resources: [.copy("Fixtures")]
        ),
        .executableTarget(
            name: "audit-verify",
            dependencies: [
                "Terminal",
                .product(name: "Reeve", package: "reeve"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "recipe-scrub",
            dependencies: [
                "Terminal",
                .product(name: "Reeve", package: "reeve"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .target(name: "Terminal"),
    ]
)
