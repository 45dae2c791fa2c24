/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room for an entry of the user or group database, which getpwnam_r(3) and its kin ask more of. */
#ifndef QG_ENTRY_BUFFER_H
#define QG_ENTRY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes @buffer, which the caller frees, twice as large; NULL and a size of 0 are the start. False
 * when there is no memory, or it is as large already as any entry may be.
 */
bool entry_buffer_grow(char **buffer, size_t *size);

#endif
