/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What audit records show of each command, put together: what `policy learn` makes rules of. */
#ifndef QG_LEARNED_H
#define QG_LEARNED_H

#include "recorded.h"

/* A command, and with by_user a user who sent it. */
typedef struct Learned {
    char *user; /* the UNIX user's name; NULL: whoever */
    Channel channel;
    char *name; /* as in the record */
    const CatalogEntry *entry; /* NULL: not in the catalogue */
    bool bare; /* HMP: seen without arguments ... */
    bool with_arguments; /* ... and with some */
    bool arguments_unknown; /* a record did not say */
    int64_t passed; /* of them: */
    int64_t warned; /* by a <warn> */
    int64_t audited; /* only because of mode="audit" */
    int64_t denied; /* by the policy; of them: */
    int64_t granted; /* passed by a grant */
    char *denied_by; /* the first rule that did; NULL: none */
    GroupSet groups; /* that it was in when it passed */
    bool was_dangerous;
    int64_t ran; /* outcomes that do not say that there is no such command ... */
    int64_t missing; /* ... and those that do */
} Learned;

typedef struct LearnedSet {
    Learned **commands;
    size_t n_commands;
    json_object *index; /* key -> number */
    bool by_user;
    int64_t passed; /* commands that passed, in all */
    json_object *left_out; /* {"command", "why"} of what no rule can be made for */
    json_object *told; /* keys of those, so that each is told of once */
} LearnedSet;

/* A RecordedVisitor; @data is a LearnedSet that starts as all zero but by_user. */
int learned_add(void *data, const Recorded *recorded);

/* Notes, once, that no rule is made for @name. Returns 0, or -1 when out of memory. */
int learned_leave_out(LearnedSet *set, const char *name, const char *why);

/* By channel, name and user. */
void learned_sort(LearnedSet *set);

/* True when QEMU or the agent said each time that there is no such command. */
bool learned_is_missing(const Learned *learned);

void learned_clear(LearnedSet *set);

#endif
