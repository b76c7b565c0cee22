// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// The store to scale with, over PostgreSQL. It is empty so far: there is nothing to call yet.
public enum PostgresStore: Sendable {}
#else
/// The store to scale with, over PostgreSQL. Enable the PostgreSQL trait to use it.
@available(*, unavailable, message: "enable the PostgreSQL trait: .package(…, traits: [\"PostgreSQL\"])")
public enum PostgresStore: Sendable {}
#endif
