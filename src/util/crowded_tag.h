/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxml2's time grows with the square of a tag's attributes, and clients write megabytes. */
#ifndef QG_CROWDED_TAG_H
#define QG_CROWDED_TAG_H

#include <stdbool.h>
#include <stddef.h>

/* Are there more than @most equals signs between two `<` of this XML? */
bool has_crowded_tag(const char *text, size_t length, size_t most);

#endif
