/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds the rules of a policy that may match a command without trying the others. It
 * changes nothing of what a policy means: rules still come in the order of the file.
 */
#ifndef QG_RULE_INDEX_H
#define QG_RULE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Policy;
struct Rule;

/* A rule that names one command, without a wildcard. */
typedef struct NamedRule {
    uint32_t hash; /* of the command */
    uint32_t number; /* of the rule, counted from 0 */
} NamedRule;

typedef struct RuleIndex {
    NamedRule *named; /* by hash, then by number */
    size_t n_named;
    uint32_t *others; /* the numbers of all other rules */
    size_t n_others;
} RuleIndex;

/* Indexes the rules that @policy has. Returns 0, or -1 when out of memory. */
int rule_index_build(struct Policy *policy);
void rule_index_clear(RuleIndex *index);

/* Up to three ascending runs of rules, read as one. */
typedef struct RuleCursor {
    const struct Policy *policy;
    size_t next; /* when all are read: the next rule */
    bool reads_all;
    const NamedRule *named[2];
    const NamedRule *named_end[2];
    const uint32_t *other;
    const uint32_t *other_end;
} RuleCursor;

/*
 * Starts at the first rule of @policy that may match @command or, if it is not NULL,
 * @also. With @reads_all no rule is left out.
 */
void rule_cursor_start(RuleCursor *cursor, const struct Policy *policy, const char *command,
                       const char *also, bool reads_all);

/* The next rule in the order of the file; NULL behind the last. */
const struct Rule *rule_cursor_next(RuleCursor *cursor);

#endif
