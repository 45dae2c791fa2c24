/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon_name.h"

#include <stddef.h>
#include <string.h>

static const char *const daemons[] = {"libvirtd", "virtqemud"};

bool is_daemon_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
        if (strcmp(name, daemons[i]) == 0)
            return true;
    }
    return false;
}
