/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of an HMP line, read by the command's args_type as QEMU does. */
#ifndef QG_HMP_ARGUMENTS_H
#define QG_HMP_ARGUMENTS_H

#include "util/reason.h"

#include <json-c/json.h>

#define HMP_SPACE " \t\n\r"

/*
 * Reads @text, what follows the command's name. @args_type is QEMU's own
 * (`detach:-d,uri:s`); NULL when the command is not known: then only words
 * without quotes or backslashes pass, since nobody can tell how they are read.
 * Values are added to @arguments by name; @ret_text is the rebuilt text, with a
 * space before each argument (caller frees). Returns 0, or -1 with the reason.
 */
int hmp_arguments_parse(const char *text, const char *args_type, json_object *arguments,
                        char **ret_text, Reason *why);

#endif
