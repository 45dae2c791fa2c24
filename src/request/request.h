/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request: one text that a client sent, read into the operations it asks for.
 *
 * The text that goes on to QEMU is written from what was read here, so what is
 * judged is what is sent.
 */
#ifndef QG_REQUEST_H
#define QG_REQUEST_H

#include "catalog/catalog.h"
#include "hmp_line.h"
#include "util/reason.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* QEMU's own names are at most 45 bytes; a longer one is no command. */
#define COMMAND_NAME_MAX ((size_t)255)

/*
 * QEMU may repeat a text in its answer, six bytes for a character, and libvirt closes a
 * monitor whose answer exceeds 10 MiB. (The agent may get files: as much as libvirt takes.)
 */
#define QMP_BYTES_MAX ((size_t)1048576)

/* More actions than that in one transaction are refused. */
#define ACTIONS_MAX ((size_t)256)

/*
 * One thing that QEMU or the agent would do. An HMP line is one operation on
 * CHANNEL_HMP whether it came by --hmp or inside human-monitor-command.
 */
typedef struct Operation {
    Channel channel;
    const char *name; /* command name; HMP: `migrate`, `info block` */
    const char *command; /* what a rule's command matches: the name; HMP: the whole line */
    json_object *arguments; /* an object, or NULL when there are none */
    json_object *expanded; /* the same with option strings and json: names read; owned */
    json_object *wrapper_arguments; /* HMP: {"command-line": line}, else NULL */
    const CatalogEntry *entry; /* NULL: not in the catalogue */
    Classification is;
} Operation;

typedef struct Request {
    Operation *operations; /* [0] is what the client asked for; the rest is nested in it */
    size_t n_operations;
    char *text; /* canonical: what is forwarded */
    json_object *document; /* owns what the operations borrow ... */
    HmpLine hmp; /* ... together with this */
} Request;

/*
 * Reads @length bytes at @text as they arrived on @channel (CHANNEL_HMP: a bare
 * HMP line). Returns a new request (caller frees with request_free()), or NULL
 * with the reason: whatever two readers could take differently is refused.
 */
Request *request_parse(Channel channel, const char *text, size_t length, Reason *why);

/* Accepts NULL. */
void request_free(Request *request);

/* Whether @length bytes at @text could be the name of a QMP or guest-agent command. */
bool request_is_command_name(const char *text, size_t length);

/* The name of the command as clients know it: human-monitor-command for every HMP line. */
const char *request_command(const Request *request);

#endif
