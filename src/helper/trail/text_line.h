/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of docs/audit.md, made into the members of docs/audit-record.schema.json. A line
 * says less than a record of the trail does; what it does not say is left out, save for the
 * verdict of what passed: `warn` for what the shipped policies let pass with a warning.
 */
#ifndef QG_AUDIT_TEXT_LINE_H
#define QG_AUDIT_TEXT_LINE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* What is in front of the guard's own words, put there by libvirt or by the system's log. */
typedef struct TextPrefix {
    size_t length; /* 0: there is none */
    struct timespec when; /* {0, 0}: it does not say */
    bool is_exact; /* its time has a year and a zone */
    bool is_warning; /* libvirt's level */
    bool is_foreign; /* of another program */
} TextPrefix;

/* True for the name of one of the programs that write records. */
bool text_tag_is_ours(const char *tag);

void text_prefix_read(const char *line, size_t length, TextPrefix *ret);

/*
 * Makes a record of the guard's own words, without a prefix. NULL with *@why NULL: they are
 * none of a record; NULL with *@why set: of one that cannot be read. @ret_when is what they
 * say of the time, {0, 0} if nothing.
 */
json_object *text_record_read(const char *text, size_t length, bool is_warning,
                              struct timespec *ret_when, const char **why);

/* Gives such a record its time; {0, 0}: it has none. */
void text_record_set_time(json_object *record, struct timespec when);

#endif
