/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands that a QEMU has: out of its own answer, from a file or a running domain. */
#ifndef QG_SCHEMA_H
#define QG_SCHEMA_H

#include "domain.h"

#include <json-c/json.h>

/*
 * Reads the names out of a file with the answer to query-commands or query-qmp-schema, bare or
 * as {"return": ...}. Returns a JSON array of names (caller puts it); NULL after complaining.
 */
json_object *schema_read_file(const char *path);

/* Asks a running domain: by a passthrough command, which is judged and recorded. */
json_object *schema_ask(virDomainPtr domain);

#endif
