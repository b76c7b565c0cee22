// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if HTTP
/// Transport for OAuth 2.0 and key services. It is empty so far: there is nothing to call yet.
public enum HTTPTransport: Sendable {}
#else
/// Transport for OAuth 2.0 and key services. Enable the HTTP trait to use it.
@available(*, unavailable, message: "enable the HTTP trait: .package(…, traits: [\"HTTP\"])")
public enum HTTPTransport: Sendable {}
#endif
