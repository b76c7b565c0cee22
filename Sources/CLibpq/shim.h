// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#pragma once
#include <libpq-fe.h>

// Macros of character constants, which Swift cannot import.
static inline const char *reeve_sqlstate(const PGresult *result) { return PQresultErrorField(result, PG_DIAG_SQLSTATE); }
static inline const char *reeve_severity(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}

// What a server says beside its answers goes nowhere: its text quotes what it is about.
static inline void reeve_ignore_notices(void *context, const PGresult *result) { (void)context; (void)result; }
static inline void reeve_silence(PGconn *connection) { PQsetNoticeReceiver(connection, reeve_ignore_notices, 0); }

// What TLS has decrypted and the library not yet read: no socket shows it.
struct ssl_st;
extern int SSL_pending(const struct ssl_st *tls);
static inline int reeve_tls_pending(PGconn *connection) {
    const struct ssl_st *tls = (const struct ssl_st *)PQsslStruct(connection, "OpenSSL");
    return tls ? SSL_pending(tls) : 0;
}
