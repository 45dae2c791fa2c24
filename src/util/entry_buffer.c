/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entry_buffer.h"

#include <stdlib.h>

#define FIRST_BYTES ((size_t)1024)
#define ENTRY_BYTES_MAX ((size_t)1048576)

bool entry_buffer_grow(char **buffer, size_t *size)
{
    size_t wanted = *size ? 2 * *size : FIRST_BYTES;
    char *grown = wanted <= ENTRY_BYTES_MAX ? realloc(*buffer, wanted) : NULL;

    if (!grown)
        return false;
    *buffer = grown;
    *size = wanted;
    return true;
}
