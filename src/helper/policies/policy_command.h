/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The subcommand `policy`, and its actions that have a file of their own. */
#ifndef QG_POLICY_COMMAND_H
#define QG_POLICY_COMMAND_H

#include "helper.h"

int policy_run(HelperContext *context, int argc, char **argv);

/* What was asked for: the words behind the action's name, and the options. */
typedef struct PolicyCall {
    const HelperContext *context;
    int argc;
    char **argv;
    bool as_json;
    bool by_user;
    bool is_host; /* the file is a host policy, whatever it looks like */
    const char *domain;
    const char *user;
    const char *host_policy_file;
} PolicyCall;

/* Each returns the exit status. */
int policy_learn(const PolicyCall *call);
int policy_replay(const PolicyCall *call);
int policy_test(const PolicyCall *call);

/*
 * Reads a policy as whichever kind fits. NULL with the error that is met furthest down, but for
 * what is out of place in that kind alone: a domain's has no <delegate>.
 */
Policy *policy_parse_any(const char *text, size_t length, PolicyError *ret_error);

/* Reads a policy of one kind from a file (`-`: stdin). NULL after complaining. */
Policy *policy_read(const char *path, PolicyKind kind);

/*
 * A policy's XML with its namespace taken off: libvirt puts it on every element itself,
 * under the prefix it is given, and refuses a text that has it already. NULL when out of
 * memory; caller frees.
 */
char *policy_without_namespace(const char *xml, size_t length);

#endif
