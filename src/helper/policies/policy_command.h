/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The actions of `policy` that have a file of their own. */
#ifndef QG_POLICY_COMMAND_H
#define QG_POLICY_COMMAND_H

#include "helper.h"

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

#endif
