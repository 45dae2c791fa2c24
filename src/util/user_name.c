/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "user_name.h"

#include "cleanup.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#define ENTRY_BYTES_MAX ((size_t)1048576)

int user_name_read(uid_t uid, char *ret, size_t size)
{
    CLEANUP(mem) char *buffer = NULL;
    struct passwd entry;
    struct passwd *found = NULL;
    int result = ERANGE;

    for (size_t space = 1024; result == ERANGE && space <= ENTRY_BYTES_MAX; space *= 2) {
        char *grown = realloc(buffer, space);

        if (!grown)
            return -1;
        buffer = grown;
        result = getpwuid_r(uid, &entry, buffer, space, &found);
    }
    if (result != 0 || !found || strlen(entry.pw_name) >= size)
        return -1;
    memcpy(ret, entry.pw_name, strlen(entry.pw_name) + 1);
    return 0;
}
