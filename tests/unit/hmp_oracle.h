/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's monitor in miniature: how monitor/hmp.c takes a line apart, written from
 * parsing.md section 4 and from nothing in src/. Generous where QEMU is generous,
 * so that whatever the guard forwards can be held against it.
 */
#ifndef QG_HMP_ORACLE_H
#define QG_HMP_ORACLE_H

#include <json-c/json.h>

/*
 * The arguments that QEMU would read from @line, an object (caller puts it), or NULL
 * when it would refuse the line or do arithmetic on it. @ret_name is the name it would
 * look up, at least 256 bytes.
 */
json_object *oracle_reads(const char *line, char *ret_name);

#endif
