// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if AWSKMS
/// Main keys in AWS KMS. It is empty so far: there is nothing to call yet.
public enum AWSKMSMainKey: Sendable {}
#else
/// Main keys in AWS KMS. Enable the AWSKMS trait to use it.
@available(*, unavailable, message: "enable the AWSKMS trait: .package(…, traits: [\"AWSKMS\"])")
public enum AWSKMSMainKey: Sendable {}
#endif
