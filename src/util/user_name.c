/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "user_name.h"

#include "cleanup.h"
#include "entry_buffer.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

int user_name_read(uid_t uid, char *ret, size_t size)
{
    CLEANUP(mem) char *buffer = NULL;
    struct passwd entry;
    struct passwd *found = NULL;
    size_t room = 0;
    int error = ERANGE;

    while (error == ERANGE && entry_buffer_grow(&buffer, &room))
        error = getpwuid_r(uid, &entry, buffer, room, &found);
    if (error != 0 || !found || strlen(entry.pw_name) >= size)
        return -1;
    memcpy(ret, entry.pw_name, strlen(entry.pw_name) + 1);
    return 0;
}
