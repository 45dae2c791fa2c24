/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs share that measure the guard in their own process. */
#ifndef QG_BENCH_COMMON_H
#define QG_BENCH_COMMON_H

#include "guard.h"

#define BENCH_UUID "11111111-2222-3333-4444-555555555555"

extern const Caller bench_caller;
extern const Run bench_run;

/* Ends the program: what cannot be measured as it is meant is not measured. */
_Noreturn void bench_fail(const char *what);

/* The host's policy with these elements. */
Policy *bench_policy(const char *elements);

/* What is known of a query's or any other text's call, without limits and grants. */
GuardCall bench_call(const char *text, size_t length, const Policy *host);

/* A GuardRecorder that puts the record nowhere. */
GuardRecorded bench_record(void *data, const AuditRecord *record);

/* That this thread has had of a processor: nothing measured here waits for anything. */
double bench_nanoseconds(void);

#endif
