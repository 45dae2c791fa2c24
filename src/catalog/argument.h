/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arguments by name: the one place that follows a dotted path into the parsed
 * arguments, for the catalogue's effects and for a policy's conditions.
 */
#ifndef QG_ARGUMENT_H
#define QG_ARGUMENT_H

#include "util/glob.h"

#include <json-c/json.h>

/*
 * Is any value at @path a string that matches @glob? @path is a dotted name; a
 * step that ends in `[]` means every element of that list. @arguments may be
 * NULL. An absent value, or one of another type, is GLOB_NO.
 * @budget as for glob_match(); GLOB_UNDECIDED when it ran out.
 */
GlobResult argument_matches(json_object *arguments, const char *path, const char *glob,
                            size_t *budget);

#endif
