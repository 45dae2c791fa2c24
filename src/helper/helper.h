/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all subcommands of virt-qmp-guard share. */
#ifndef QG_HELPER_H
#define QG_HELPER_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit status of every subcommand. */
enum {
    EXIT_YES = 0, /* yes, allowed, done, sound */
    EXIT_NO = 1, /* no, denied, problems found */
    EXIT_UNSURE = 2, /* could not tell: usage, unreadable file, no connection */
};

/* What goes with every subcommand, as the options say that stand in front of it or behind it. */
typedef struct HelperContext {
    const char *uri; /* NULL: libvirt's default */
    bool read_only; /* -r */
    bool wants_help;
    const char *command; /* the subcommand's name */
    bool changes_host; /* it does more than to look, so that it is not done with -r */
} HelperContext;

/* Writes `virt-qmp-guard: MESSAGE` to stderr; returns EXIT_UNSURE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A variable of the environment; NULL also for one that is set and empty. */
const char *helper_variable(const char *name);

/* Reads a whole file (`-`: stdin), with a NUL behind it. NULL after complaining. Caller frees. */
char *read_file(const char *path, size_t *ret_length);

/* What --hmp and --agent say. Returns 0, or -1 after complaining. */
int helper_choose_channel(bool is_hmp, bool is_agent, Channel *ret);

/*
 * The host policy: of the file @given, which need not be root's as it is only tried out,
 * or (NULL) the one that a daemon that starts now would have. Returns 0 and the policy, 1
 * and the error when the file holds none, -1 after complaining.
 */
int helper_host_policy(const char *given, Policy **ret_policy, PolicyError *ret_error);

/* `FILE:3: reason`; caller frees. */
char *helper_policy_error(const char *where, const PolicyError *error);

#endif
