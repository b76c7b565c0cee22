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

// The tag of a message that was just sealed: what EVP_CTRL_AEAD_GET_TAG does, without its detour.
static inline int reeve_get_tag(EVP_CIPHER_CTX *context, unsigned char *tag) {
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, 16), OSSL_PARAM_construct_end()
    };
    return EVP_CIPHER_CTX_get_params(context, parameters);
}

// The tag that a message must have that is about to be opened.
static inline int reeve_set_tag(EVP_CIPHER_CTX *context, const unsigned char *tag) {
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)tag, 16), OSSL_PARAM_construct_end()
    };
    return EVP_CIPHER_CTX_set_params(context, parameters);
}

// 0 to 3, given to threads in turn when they first ask: two that run at the same time seldom have the same.
static inline unsigned reeve_thread_stripe(void) {
    static unsigned next;
    static __thread unsigned mine;
    if (mine == 0) mine = 1 + (__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) & 3);
    return mine - 1;
}
