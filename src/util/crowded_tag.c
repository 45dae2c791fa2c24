/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crowded_tag.h"

bool has_crowded_tag(const char *text, size_t length, size_t most)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<')
            count = 0;
        else if (text[i] == '=' && ++count > most)
            return true;
    }
    return false;
}
