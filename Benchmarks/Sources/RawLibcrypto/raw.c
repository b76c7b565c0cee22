// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#include "raw.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#ifdef __GLIBC__
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static __thread uint64_t mallocs;
void *malloc(size_t count) {
    mallocs += 1;
    return __libc_malloc(count);
}
void *calloc(size_t count, size_t size) {
    mallocs += 1;
    return __libc_calloc(count, size);
}
void *realloc(void *block, size_t count) {
    mallocs += 1;
    return __libc_realloc(block, count);
}
int posix_memalign(void **block, size_t alignment, size_t count) {
    mallocs += 1;
    *block = __libc_memalign(alignment, count);
    return *block == NULL ? 12 : 0;
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
        && EVP_CIPHER_CTX_get_params(context, (OSSL_PARAM[]){
            OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + 12 + count, 16), OSSL_PARAM_construct_end() }) == 1;
}

int raw_open(void *key, const uint8_t *data, size_t data_count, const uint8_t *sealed, size_t count, uint8_t *out) {
    EVP_CIPHER_CTX *context = key;
    int length = 0, last = 0;
    return EVP_DecryptInit_ex2(context, NULL, NULL, sealed, NULL) == 1
        && EVP_DecryptUpdate(context, NULL, &length, data, (int)data_count) == 1
        && EVP_DecryptUpdate(context, out, &length, sealed + 12, (int)count) == 1
        && EVP_CIPHER_CTX_set_params(context, (OSSL_PARAM[]){
            OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)(sealed + 12 + count), 16),
            OSSL_PARAM_construct_end() }) == 1
        && EVP_DecryptFinal_ex(context, out + length, &last) == 1;
}
