/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arguments as QEMU will understand them: an HMP option string and a `json:` name are
 * texts that hold further arguments. Here they become objects, so that a nested value
 * is judged alike however it was spelled.
 */
#ifndef QG_EXPAND_H
#define QG_EXPAND_H

#include "catalog/catalog.h"
#include "util/reason.h"

#include <json-c/json.h>

/*
 * Returns @arguments with such texts replaced: a new object, or a further reference
 * when there is none (caller puts it). NULL with the reason: a text that cannot be
 * read, or no memory.
 */
json_object *arguments_expand(const CatalogEntry *entry, json_object *arguments, Reason *why);

#endif
