/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the options of `grant` to what is to pass, and for whom. */
#ifndef QG_GRANT_OPTIONS_H
#define QG_GRANT_OPTIONS_H

#include "grant/grant.h"
#include "helper.h"

#include <stdbool.h>

typedef struct GrantOptions {
    const char *domain;
    const char *command; /* one of these three */
    const char *text;
    const char *text_file;
    Channel channel;
    const char *callers[GRANT_CALLER_KIND_COUNT]; /* by kind; at most one */
    int64_t seconds;
    uint32_t uses;
    const char *reason;
    bool as_json;
} GrantOptions;

/* Returns 0, or -1 after complaining. */
int grant_parse_options(HelperContext *context, int argc, char **argv, GrantOptions *ret);

/* The groups of what is granted, as the catalogue and the reader of requests have them. */
typedef struct GrantedGroups {
    GroupSet always;
    GroupSet by_arguments; /* that its arguments, or the line that it carries, may add */
} GrantedGroups;

/*
 * Fills in what is to pass, for whom, how often and why. Returns 0, or -1 after complaining; warns
 * of what is hardly meant.
 */
int grant_from_options(const GrantOptions *options, Grant *grant, GrantedGroups *ret);

#endif
