// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#pragma once
#include <stddef.h>
#include <stdint.h>

/// A context of AES-256-GCM with its key: what Reeve is measured against.
void *raw_key(const uint8_t key[32]);
/// Nonce, ciphertext and tag to `out`, under a nonce that counts up. Returns 1.
int raw_seal(void *key, const uint8_t *data, size_t data_count, const uint8_t *plain, size_t count, uint8_t *out);
/// Plaintext to `out`. Returns 1.
int raw_open(void *key, const uint8_t *data, size_t data_count, const uint8_t *sealed, size_t count, uint8_t *out);
/// How often this thread has asked for memory so far.
uint64_t raw_malloc_count(void);
