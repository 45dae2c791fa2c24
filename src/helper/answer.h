/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows a judgement: a line or a JSON object, and for `explain` the rules tried. */
#ifndef QG_ANSWER_H
#define QG_ANSWER_H

#include "guard.h"

#include <json-c/json.h>

typedef struct AnswerView {
    bool as_json;
    bool shows_rules;
    size_t line; /* of standard input, counted from 1; 0: the text came another way */
    NativeSet native; /* of libvirt's own permissions: what was asked for, and taken as given */
    json_object *rules; /* one object for each rule tried; NULL at the start */
    bool failed; /* memory ran out while the rules were noted */
} AnswerView;

/* A DecideObserver: notes one rule. @data is an AnswerView. */
void answer_note_rule(void *data, const Operation *operation, const Policy *policy,
                      const Rule *rule, bool matched);

/*
 * A NativeAsker: takes all as given, since only the daemon can ask libvirt about a caller, and
 * notes it, for the answer to say so. @data is an AnswerView.
 */
NativeSet answer_note_native(void *data, NativeSet asked);

/* Prints the answer to stdout and releases what @view holds. Returns 0 or -1. */
int answer_print(AnswerView *view, const GuardAnswer *answer);

#endif
