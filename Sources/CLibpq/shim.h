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
