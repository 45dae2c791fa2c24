/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* check --start: what the hook would make of a domain. */
#ifndef QG_CHECK_START_H
#define QG_CHECK_START_H

#include "helper.h"

/* What is to be judged, by which host policy. */
typedef struct CheckStart {
    const char *domain; /* one of these two */
    const char *domain_xml_file;
    const char *host_policy_file; /* NULL: the host's */
    bool as_json;
} CheckStart;

/* Returns the exit status. Whether a daemon is guarded is left out. */
int check_start(const HelperContext *context, const CheckStart *wanted);

#endif
