/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decisions that audit records tell of, as the actions of `policy` read them. */
#ifndef QG_RECORDED_H
#define QG_RECORDED_H

#include "policy/policy.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* Texts are encoded as in the record (\xHH); see recorded_decode(). All of it is borrowed. */
typedef struct Recorded {
    json_object *json; /* the record, or those of its members that `policy replay` keeps */
    bool is_outcome; /* verdict and rule say nothing then */
    const char *domain;
    const char *user; /* who, as records have it */
    const char *unix_user; /* NULL: no UNIX user, so no rule's user matches */
    const char *sasl; /* the caller's other names; NULL: none, as far as the record says */
    const char *x509;
    const char *selinux;
    Channel channel; /* an HMP line is HMP however it came */
    const char *name; /* of the command; NULL: an HMP line, and the record does not say which */
    Verdict verdict; /* the policy's: what passed by a grant it denied */
    bool is_granted; /* that it did */
    const char *rule; /* "" when the record does not say */
    int64_t count; /* of decisions: a record of repetitions stands for several */
} Recorded;

/* Which records are read. */
typedef struct RecordedQuery {
    char *const *files; /* as in AuditSource */
    size_t n_files;
    const char *domain; /* its name or UUID; NULL: any */
    const char *user;
    bool wants_outcomes;
} RecordedQuery;

/* Told of each. Not 0 ends the reading. */
typedef int (*RecordedVisitor)(void *data, const Recorded *recorded);

/*
 * Reads all that @query asks for. Returns 0 and in @ret_unreadable how many lines could not
 * be read, the first of which were named on stderr; -1 after complaining, or when @visit did.
 */
int recorded_each(const RecordedQuery *query, RecordedVisitor visit, void *data,
                  uint64_t *ret_unreadable);

/* Reads one record, or what is kept of it. False: it tells of no decision and no outcome. */
bool recorded_read(json_object *json, Recorded *ret);

/* A list in the record, like `parts`; NULL when it has none. */
json_object *recorded_list(const Recorded *recorded, const char *member);

/* A text in the record; NULL when it has none. */
const char *recorded_text(const Recorded *recorded, const char *member);

/* The operation that decided: a part of a transaction, or the command itself. */
const char *recorded_decider(const Recorded *recorded);

/* Its groups; 0 when the record does not say. */
GroupSet recorded_groups(const Recorded *recorded);

/* Its class; -1 when the record does not say. */
int recorded_class(const Recorded *recorded);

/* A text with each \xHH made a byte again; caller frees. NULL when out of memory. */
char *recorded_decode(const char *text);

/*
 * A text for people: as it is in a record that the guard wrote; one that somebody else made
 * up is encoded. Caller frees; NULL when out of memory.
 */
char *recorded_shown(const char *text);

#endif
