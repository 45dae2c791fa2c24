/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guard_path.h"

#include "util/cleanup.h"
#include "util/path.h"

#include <fnmatch.h>
#include <string.h>

/*
 * Patterns of fnmatch(3), in which `*` stays within one step; what lies below counts, too.
 * They are ours, so its cost is no concern.
 */
static const char *const own[] = {
    LIBVIRT_ETC,
    GRANTS_DIR,
    "/run/libvirt/*-sock*",
    "/run/libvirt/*/*-sock*",
    TRAIL_DIR,
    "/var/lib/libvirt/qemu/*/monitor.sock",
    "/var/lib/libvirt/qemu/*/master-key.aes",
    "/var/lib/libvirt/qemu/*.monitor",
    "/run/libvirt/qemu/*.xml",
    "/run/libvirt/qemu/*/monitor.sock",
    HOOK_PROGRAM_DIR,
    PLUGIN_DIR,
};

static bool is_own(const char *path)
{
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (fnmatch(own[i], path, FNM_PATHNAME | FNM_LEADING_DIR) == 0)
            return true;
    }
    return false;
}

/* Where the directory of @path is by now, with the last step as it stands. */
static char *resolved_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem) char *directory = strndup(path, (size_t)(slash - path) + 1);
    CLEANUP(mem) char *real = directory ? realpath(directory, NULL) : NULL;
    char *text = NULL;

    if (!real || asprintf(&text, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash + 1) < 0)
        return NULL;
    return text;
}

bool is_guard_path(const char *path)
{
    CLEANUP(mem) char *plain = path_normalised(path);
    CLEANUP(mem) char *parent = NULL;
    CLEANUP(mem) char *real = NULL;

    if (*path != '/')
        return false;
    if (!plain || is_own(plain))
        return true;
    parent = resolved_parent(path);
    real = realpath(path, NULL);
    return (parent && is_own(parent)) || (real && is_own(real));
}
