/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows the paths of effects.table into the arguments of one command. */
#ifndef QG_EFFECT_H
#define QG_EFFECT_H

#include "catalog.h"

/*
 * True when @effect holds for @arguments (NULL: none). A test that cannot be decided
 * counts as one that holds: an effect can only make a command worse.
 */
bool effect_matches(const CatalogEffect *effect, json_object *arguments);

#endif
