// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import PackageDescription

/// What every target is built with: Swift 6 mode, explicit imports and existentials, every warning an error.
let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Libraries also say whether each public type is `Sendable`, and mark each unsafe expression.
#if compiler(>=6.3)
let library: [SwiftSetting] =
    common + [.strictMemorySafety(), .treatWarning("ExplicitSendable", as: .error)]
#else
let library: [SwiftSetting] = common + [.strictMemorySafety()]
#endif

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: library)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["Reeve", "ReeveModel", "ReeveTesting", "ReeveTestSupport"],
        resources: resources,
        swiftSettings: common)
}

/// A product that only the Observability trait brings in.
func observability(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package, condition: .when(traits: ["Observability"]))
}

let rooms = [
    "ReeveModel", "ReeveCrypto", "ReeveStorage", "ReeveAccess", "ReeveVault", "ReevePlans", "ReevePublishing",
    "ReevePrivacy", "ReeveAudit",
]
let adapters = [
    "ReeveSQLite", "ReevePostgres", "ReevePKCS11", "ReeveAWSKMS", "ReeveHTTP", "ReeveObservability",
]

let package = Package(
    name: "reeve",
    platforms: [.macOS(.v26)],
    products: [.library(name: "Reeve", targets: ["Reeve"] + rooms)]
        + (rooms + adapters + ["ReeveTesting"]).map { .library(name: $0, targets: [$0]) },
    traits: [
        .trait(name: "SQLite", description: "ReeveSQLite: the embedded durable store, over GRDB."),
        .trait(name: "PostgreSQL", description: "ReevePostgres: the store to scale with, over libpq."),
        .trait(name: "PKCS11", description: "ReevePKCS11: main keys in a hardware module."),
        .trait(name: "AWSKMS", description: "ReeveAWSKMS: main keys in AWS KMS."),
        .trait(name: "HTTP", description: "ReeveHTTP: transport for OAuth 2.0 and key services."),
        .trait(name: "Observability", description: "ReeveObservability: signals to swift-log, -metrics and -tracing."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        // Fetched with the Observability trait alone.
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.2.0"),
        // Fetched with the SQLite trait alone.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.5.0"),
    ],
    targets: [
        // Ground
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        room("ReeveModel"),
        room("ReeveCrypto", ["ReeveModel", "COpenSSL"]),
        // Floor 1
        room("ReeveStorage", ["ReeveModel"]),
        // Floor 2
        room("ReeveAccess", ["ReeveModel", "ReeveCrypto", "ReeveStorage"]),
        // Floor 3: siblings, which never import each other
        room("ReeveVault", ["ReeveModel", "ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        room("ReevePlans", ["ReeveModel", "ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        room("ReevePublishing", ["ReeveModel", "ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        room("ReevePrivacy", ["ReeveModel", "ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        room("ReeveAudit", ["ReeveModel", "ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        // Umbrella
        room("Reeve", rooms.map { .init(stringLiteral: $0) }),
        // Adapters, each behind its trait
        room(
            "ReeveSQLite",
            [
                "ReeveModel", "ReeveStorage",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
            ]),
        room(
            "ReevePostgres",
            ["ReeveModel", "ReeveStorage", .target(name: "CLibpq", condition: .when(traits: ["PostgreSQL"]))]),
        room("ReevePKCS11", ["ReeveModel", "ReeveVault"]),
        room("ReeveAWSKMS", ["ReeveModel", "ReeveVault"]),
        room("ReeveHTTP", ["ReeveModel", "ReeveVault"]),
        room(
            "ReeveObservability",
            [
                "ReeveModel", observability("Logging", "swift-log"), observability("Metrics", "swift-metrics"),
                observability("Tracing", "swift-distributed-tracing"),
            ]),
        // The kit for tests of Reeve and of the packages that use it
        room("ReeveTesting", rooms.map { .init(stringLiteral: $0) } + ["Reeve"]),

        // What the tests of the rooms share
        .target(
            name: "ReeveTestSupport", dependencies: ["ReeveModel", "ReeveStorage", "ReeveSQLite", "ReevePostgres"],
            path: "Tests/Support", swiftSettings: library),
        tests("ReeveModelTests", [], resources: [.copy("Golden")]),
        tests("ReeveCryptoTests", ["ReeveCrypto"]),
        tests("ReeveStorageTests", ["ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        tests("ReeveAccessTests", ["ReeveCrypto", "ReeveStorage", "ReeveAccess"]),
        tests(
            "ReeveVaultTests", ["COpenSSL", "ReeveCrypto", "ReeveStorage", "ReeveAccess", "ReeveVault", "ReeveAudit"],
            resources: [.copy("Golden")]),
        tests(
            "ReevePlansTests", ["ReeveCrypto", "ReeveStorage", "ReeveAccess", "ReevePlans"],
            resources: [.copy("Golden")]),
        tests(
            "ReevePublishingTests", ["ReeveCrypto", "ReeveStorage", "ReeveAccess", "ReevePublishing"],
            resources: [.copy("Golden")]),
        tests(
            "ReevePrivacyTests",
            ["ReeveCrypto", "ReeveStorage", "ReeveAccess", "ReevePrivacy", "ReeveAudit", "ReeveVault"]),
        tests(
            "ReeveObservabilityTests",
            [
                "ReeveObservability", observability("Logging", "swift-log"),
                observability("MetricsTestKit", "swift-metrics"), observability("CoreMetrics", "swift-metrics"),
                observability("InMemoryTracing", "swift-distributed-tracing"),
                observability("Tracing", "swift-distributed-tracing"),
            ]),
        tests(
            "ReeveStoresTests",
            [
                "ReeveCrypto", "ReeveSQLite", "ReevePostgres", "ReeveStorage", "ReeveAccess", "ReeveVault",
                "ReevePlans",
                "ReeveAudit", "ReevePrivacy",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"])),
                .target(name: "CLibpq", condition: .when(traits: ["PostgreSQL"])),
            ], resources: [.copy("Fixtures")]),
        tests("ReeveAuditTests", ["ReeveCrypto", "ReeveStorage", "ReeveAccess", "ReeveAudit"]),
        tests("ReeveTests", rooms.dropFirst().map { .init(stringLiteral: $0) }),
    ]
)
