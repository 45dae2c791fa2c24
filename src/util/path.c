/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include <stdlib.h>
#include <string.h>

bool steps_up(const char *text)
{
    static const char in_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789._-";

    for (const char *at = strstr(text, ".."); at; at = strstr(at + 1, "..")) {
        if ((at == text || !strchr(in_names, at[-1])) && (!at[2] || !strchr(in_names, at[2])))
            return true;
    }
    return false;
}

char *path_normalised(const char *path)
{
    size_t length = 0;
    char *out;

    if (*path != '/')
        return NULL;
    out = malloc(strlen(path) + 2);
    if (!out)
        return NULL;
    while (*path) {
        size_t step;

        path += strspn(path, "/");
        step = strcspn(path, "/");
        if (step == 2 && strncmp(path, "..", 2) == 0) {
            while (length > 0 && out[--length] != '/')
                ;
        } else if (step > 0 && !(step == 1 && *path == '.')) {
            out[length++] = '/';
            memcpy(out + length, path, step);
            length += step;
        }
        path += step;
    }
    if (length == 0)
        out[length++] = '/';
    out[length] = '\0';
    return out;
}
