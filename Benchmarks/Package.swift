// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import PackageDescription

let package = Package(
    name: "reeve-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "reeve", path: "..")],
    targets: [
        .executableTarget(
            name: "reeve-benchmarks",
            dependencies: [
                .product(name: "Reeve", package: "reeve"), .product(name: "ReeveTesting", package: "reeve"),
            ])
    ]
)
