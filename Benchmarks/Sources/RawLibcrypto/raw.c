// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#include "raw.h"
#include <openssl/evp.h>
#include <string.h>

#ifdef __GLIBC__
extern void *__libc_malloc(size_t);
static __thread uint64_t mallocs;
void *malloc(size_t count) {
    mallocs += 1;
    return __libc_malloc(count);
}
uint64_t raw_malloc_count(void) { return mallocs; }
#else
uint64_t raw_malloc_count(void) { return 0; }
#endif

void *raw_key(const uint8_t key[32]) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    EVP_EncryptInit_ex2(context, cipher, key, NULL, NULL);
    return context;
}

int raw_seal(void *key, const uint8_t *data, size_t data_count, const uint8_t *plain, size_t count, uint8_t *out) {
    static __thread uint64_t counter;
    EVP_CIPHER_CTX *context = key;
    int length = 0, last = 0;
    counter += 1;
    memset(out, 0, 4);
    memcpy(out + 4, &counter, 8);
    return EVP_EncryptInit_ex2(context, NULL, NULL, out, NULL) == 1
        && EVP_EncryptUpdate(context, NULL, &length, data, (int)data_count) == 1
        && EVP_EncryptUpdate(context, out + 12, &length, plain, (int)count) == 1
        && EVP_EncryptFinal_ex(context, out + 12 + length, &last) == 1
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out + 12 + count) == 1;
}

int raw_open(void *key, const uint8_t *data, size_t data_count, const uint8_t *sealed, size_t count, uint8_t *out) {
    EVP_CIPHER_CTX *context = key;
    int length = 0, last = 0;
    return EVP_DecryptInit_ex2(context, NULL, NULL, sealed, NULL) == 1
        && EVP_DecryptUpdate(context, NULL, &length, data, (int)data_count) == 1
        && EVP_DecryptUpdate(context, out, &length, sealed + 12, (int)count) == 1
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(sealed + 12 + count)) == 1
        && EVP_DecryptFinal_ex(context, out + length, &last) == 1;
}
