/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The durable trail: a file of our own, one JSON object in a line, appended to only. */
#ifndef QG_TRAIL_H
#define QG_TRAIL_H

#include "util/reason.h"

/*
 * Appends @json and a newline to the file @path with one write(2). The file, and its
 * directory, are made when they are not there, for root alone. Returns 0, or -1 with the
 * reason: then the record is not in the file, or not whole.
 */
int trail_append(const char *path, const char *json, Reason *why);

#endif
