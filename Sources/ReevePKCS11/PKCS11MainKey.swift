// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PKCS11
/// Main keys in a hardware security module. It is empty so far: there is nothing to call yet.
public enum PKCS11MainKey: Sendable {}
#else
/// Main keys in a hardware security module. Enable the PKCS11 trait to use it.
@available(*, unavailable, message: "enable the PKCS11 trait: .package(…, traits: [\"PKCS11\"])")
public enum PKCS11MainKey: Sendable {}
#endif
