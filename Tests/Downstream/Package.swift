// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import PackageDescription

// A package as a user of Reeve would write it: no access to anything internal.
let package = Package(
    name: "downstream",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "reeve", path: "../..")],
    targets: [
        .target(
            name: "Host",
            dependencies: [
                .product(name: "ReeveStorage", package: "reeve"), .product(name: "ReeveAccess", package: "reeve"),
                .product(name: "ReevePlans", package: "reeve"),
            ]),
        .testTarget(name: "HostTests", dependencies: ["Host", .product(name: "ReeveTesting", package: "reeve")]),
        .testTarget(name: "HostXCTests", dependencies: ["Host", .product(name: "ReeveTesting", package: "reeve")]),
    ]
)
