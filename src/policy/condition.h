/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rule's condition on one argument. It holds when the argument is there, has the right
 * type, and passes every test that the condition has.
 */
#ifndef QG_CONDITION_H
#define QG_CONDITION_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Condition {
    char *name; /* a member of the arguments, or a dotted path into them */
    char *match; /* glob on a text; NULL: not asked, as for the others */
    char *prefix; /* the file or directory that a path lies at or below, normalised */
    char *value; /* the text, number, true, false or null that it is */
    bool has_max;
    int64_t max; /* the largest whole number that it may be */
} Condition;

/*
 * Does @condition hold? @arguments are as the client sent them, @expanded with their
 * option strings and json: names read; both may be NULL.
 *
 * To let something pass (@denies false) every element of a list on the way must pass the
 * tests, and a pattern lets no path pass that steps upwards. To deny, any element and
 * either spelling will do, the name means a member at any depth, and an object counts with
 * all that is in it. @budget as for glob_match(): nothing holds when it is used up.
 */
bool condition_holds(const Condition *condition, bool denies, json_object *arguments,
                     json_object *expanded, size_t *budget);

/* The same for the condition's tests on one text. */
bool condition_holds_text(const Condition *condition, bool denies, const char *text,
                          size_t *budget);

void condition_clear(Condition *condition);

#endif
