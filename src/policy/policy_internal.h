/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of this folder only. */
#ifndef QG_POLICY_INTERNAL_H
#define QG_POLICY_INTERNAL_H

#include "policy.h"

#include <libxml/tree.h>

/* The state of reading one policy. */
typedef struct PolicyReader {
    Policy *policy;
    PolicyError *error;
    const Policy *(*find_profile)(const char *name);
    bool has_channel; /* of the rule that is being read */
} PolicyReader;

/* Says what is wrong at @where (NULL: nowhere in particular). Returns -1. */
int policy_fail(PolicyReader *reader, xmlNodePtr where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of what would be right in a policy of another kind. */
int policy_fail_misplaced(PolicyReader *reader, xmlNodePtr where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says that memory ran out, which tells nothing of the policy. Returns -1. */
int policy_fail_memory(PolicyReader *reader);

/* Stores one attribute's value in what @target points to: a Policy, Rule or Condition. */
typedef int (*AttributeSetter)(PolicyReader *reader, void *target, const char *value,
                               xmlNodePtr where);

typedef struct AttributeRow {
    const char *name;
    AttributeSetter set;
    unsigned kinds; /* bit 1 << PolicyKind: where it may stand */
} AttributeRow;

extern const AttributeRow policy_attributes[]; /* stored in a Policy */
extern const AttributeRow rule_attributes[]; /* in a Rule */
extern const AttributeRow limit_attributes[]; /* in a Limit, which starts with a Rule */
extern const AttributeRow argument_attributes[]; /* in a Condition */
extern const AttributeRow start_attributes[]; /* in a StartRule */

/* Stores all of @node's attributes in @target. Returns 0 or -1. */
int policy_read_attributes(PolicyReader *reader, xmlNodePtr node, const AttributeRow *rows,
                           void *target);

/*
 * @node or the next element behind it, or NULL. Comments and white space are skipped; text,
 * and anything else that nobody would read, fails and sets @ret_failed.
 */
xmlNodePtr policy_next_element(PolicyReader *reader, xmlNodePtr node, bool *ret_failed);

/* Notes the digest of a policy that has been read. Returns 0 or -1. */
int policy_digest(PolicyReader *reader, xmlNodePtr root);

/*
 * Reads what a rule and a <limit> share: the attributes in @rows, and <argument> elements. @rule
 * stands at the start of what the rows' setters take. Returns 0 or -1.
 */
int policy_read_conditions(PolicyReader *reader, xmlNodePtr node, const AttributeRow *rows,
                           Rule *rule);

/* Reads a <limit> element. Returns 0 or -1. */
int policy_read_limit(PolicyReader *reader, xmlNodePtr node);

/* Reads the rules of a <start> element. Returns 0 or -1. */
int policy_read_start(PolicyReader *reader, xmlNodePtr start);

/* policy_profile() while the profiles are being loaded: those that are there so far. */
const Policy *policy_loaded_profile(const char *name);

/* Reads a profile while the profiles are being loaded; @text ends with a NUL. */
Policy *policy_parse_builtin(const char *text, PolicyError *ret_error);

#endif
