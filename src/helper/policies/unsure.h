/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An operation of which a record does not say everything, and which rules may match it. */
#ifndef QG_UNSURE_H
#define QG_UNSURE_H

#include "decide.h"
#include "recorded.h"

/* What an answer may depend on and the record does not hold. */
enum {
    DEPENDS_ON_ARGUMENTS = 1 << 0, /* their values */
    DEPENDS_ON_LINE = 1 << 1, /* an HMP line */
    DEPENDS_ON_DOMAIN = 1 << 2, /* the domain's own policy */
    DEPENDS_ON_GROUPS = 1 << 3, /* the caller's UNIX groups */
    DEPENDS_ON_NATIVE = 1 << 4, /* what libvirt itself lets the caller do */
    DEPENDS_ON_NAMES = 1 << 5, /* SASL name, certificate and SELinux context of the caller */
};

typedef struct UnsureOperation {
    Operation operation; /* without arguments; an HMP line is its name */
    bool is_decider; /* the record's verdict and rule are about this one */
    bool has_no_arguments; /* for certain: everything is known */
    json_object *parameters; /* the names of the arguments, borrowed; NULL: not known */
    bool groups_unknown; /* nobody knows which UNIX groups the caller is in */
    bool names_unknown; /* nor by which names it is known beside the one that is recorded */
    json_object *wrapper; /* {"command-line": line}, owned; NULL: not known */
    Classification *classes; /* what it may be; owned */
    size_t n_classes;
} UnsureOperation;

/*
 * Reads what @recorded says of its command (@number 0) or of action @number of its
 * transaction, which is called @name. Returns 0, or -1 when out of memory. Always released.
 */
int unsure_make(const Recorded *recorded, const char *name, size_t number, UnsureOperation *ret);
void unsure_clear(UnsureOperation *unsure);

typedef enum RuleMatch {
    RULE_MATCHES_NOT = 0,
    RULE_MAY_MATCH,
    RULE_MATCHES,
} RuleMatch;

/*
 * Does @rule match? The operation's class and groups are those in unsure->operation. Adds to
 * @ret_depends on what it depends whether a rule that may match does.
 */
RuleMatch unsure_match(const UnsureOperation *unsure, const Caller *caller, const Rule *rule,
                       unsigned *ret_depends);

#endif
