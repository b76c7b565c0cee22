// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
/// The embedded durable store, over SQLite. It is empty so far: there is nothing to call yet.
public enum SQLiteStore: Sendable {}
#else
/// The embedded durable store, over SQLite. Enable the SQLite trait to use it.
@available(*, unavailable, message: "enable the SQLite trait: .package(…, traits: [\"SQLite\"])")
public enum SQLiteStore: Sendable {}
#endif
