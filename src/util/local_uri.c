/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "local_uri.h"

#include <stddef.h>
#include <string.h>

bool uri_is_local_system(const char *uri)
{
    static const char *const local[] = {"qemu:///system", "qemu+unix:///system"};

    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        size_t length = strlen(local[i]);

        if (strncmp(uri, local[i], length) == 0 && (!uri[length] || uri[length] == '?'))
            return true;
    }
    return false;
}

bool uri_names_no_host(const char *uri)
{
    const char *host = strstr(uri, "://");

    return host && host[strlen("://")] == '/';
}
