/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks. */
#ifndef QG_REQUEST_CALLER_H
#define QG_REQUEST_CALLER_H

#include <stddef.h>
#include <stdint.h>

/* What is not known is NULL. */
typedef struct Caller {
    const char
        *label; /* for people: the user, or sasl:NAME, x509:DN, uid:N; NULL: unknown caller */
    const char *user; /* UNIX user name: the only thing that a rule's user matches */
    const char *sasl; /* SASL user name */
    const char *x509; /* distinguished name of a certificate */
    const char *selinux; /* SELinux context */
    const char *claimed; /* whom it asked to be taken for, and was not */
    int64_t uid; /* UNIX user, group and process; -1: not known */
    int64_t gid;
    int64_t pid;
    const char *const *unix_groups; /* names; filled only when a policy asks for them */
    size_t n_unix_groups;
} Caller;

#endif
