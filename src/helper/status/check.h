/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks of `virt-qmp-guard status`: each is a row of a table and a pure function over what
 * was gathered (facts.h) before.
 */
#ifndef QG_STATUS_CHECK_H
#define QG_STATUS_CHECK_H

#include "facts.h"

/* Ordered: of several the smallest counts. */
typedef enum CheckResult {
    CHECK_FAIL = 0,
    CHECK_UNKNOWN, /* shown as WARN: what nobody could look at has not passed */
    CHECK_WARN,
    CHECK_PASS,
} CheckResult;

typedef struct HostCheck {
    const char *name;
    CheckResult (*judge)(const HostFacts *facts, Reason *ret_detail);
    const char *remedy; /* in a few words */
} HostCheck;

typedef struct DomainCheck {
    const char *name;
    CheckResult (*judge)(const DomainFacts *facts, Reason *ret_detail);
    const char *remedy;
} DomainCheck;

extern const HostCheck host_checks[];
extern const size_t host_check_count;

extern const DomainCheck domain_checks[];
extern const size_t domain_check_count;

/* `PASS`, `WARN` or `FAIL`. */
const char *check_result_name(CheckResult result);

/* Sets @ret_detail and returns the result, so that a check can say `return found(...)`. */
CheckResult found(CheckResult result, Reason *ret_detail, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* CHECK_UNKNOWN, with why it is. */
CheckResult unknown(Reason *ret_detail, const Reason *why);

/* The result that is the smaller one. */
CheckResult worse(CheckResult a, CheckResult b);

#endif
