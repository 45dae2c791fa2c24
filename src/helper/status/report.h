/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The results of the checks, for people and for programs. */
#ifndef QG_STATUS_REPORT_H
#define QG_STATUS_REPORT_H

#include "check.h"

#include <json-c/json.h>

/*
 * Adds to @rows, a JSON array, an object for each check. What nobody could look at has another
 * remedy: being root, unless @is_root.
 */
void report_host(json_object *rows, const HostFacts *facts, bool is_root);
void report_domain(json_object *rows, const DomainFacts *facts, bool is_root);

/* Whether one of them has failed. */
bool report_has_failure(json_object *rows);

/* Prints them as lines, all or those that did not pass, or as they are. Returns 0, or -1 when out
 * of memory. */
int report_print_lines(json_object *rows, bool in_colour, bool only_findings);
int report_print_json(json_object *rows);

#endif
