/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choice.h"

#include <stdio.h>

const char *choice_tell(const char *const *words, size_t count, char buffer[CHOICE_SIZE])
{
    size_t length = 0;

    *buffer = '\0';
    for (size_t i = 0; i < count && length < CHOICE_SIZE; i++) {
        const char *between = i == 0 ? "" : i + 1 < count ? ", " : " or ";

        length += (size_t)snprintf(buffer + length, CHOICE_SIZE - length, "%s%s", between,
                                   words[i]);
    }
    return buffer;
}
