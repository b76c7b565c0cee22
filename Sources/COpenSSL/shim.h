// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/mman.h>

// Function-like macros and macros with pointer casts that Swift cannot import.
static inline void *reeve_map_failed(void) { return MAP_FAILED; }
static inline int reeve_map_flags(void) { return MAP_PRIVATE | MAP_ANONYMOUS; }
