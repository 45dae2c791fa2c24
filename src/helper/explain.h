/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows a judgement: a line or a JSON object, and for `explain` the rules tried. */
#ifndef QG_EXPLAIN_H
#define QG_EXPLAIN_H

#include "guard.h"

#include <json-c/json.h>

typedef struct Explanation {
    bool as_json;
    bool shows_rules;
    json_object *rules; /* one object for each rule tried; NULL at the start */
    bool failed; /* memory ran out while the rules were noted */
} Explanation;

/* A DecideObserver: notes one rule. @data is an Explanation. */
void explain_rule(void *data, const Operation *operation, const Policy *policy, const Rule *rule,
                  bool matched);

/* Prints the answer to stdout and releases what @explanation holds. Returns 0 or -1. */
int explain_answer(Explanation *explanation, const GuardAnswer *answer);

#endif
