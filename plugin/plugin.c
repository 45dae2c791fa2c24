/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the plugin comes to life. It is preloaded into libvirtd or virtqemud; the loader calls
 * plugin_load() before main(). In any other process it stays inert.
 */
#include "plugin.h"

#include "host_policy.h"
#include "libvirt_private.h"
#include "libvirt_try.h"
#include "mark.h"
#include "util/cleanup.h"
#include "util/daemon_name.h"
#include "util/live_mark.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

/* Written once by the constructor, before there is a second thread. */
static bool is_active;
static char failure[128];

bool plugin_is_active(void)
{
    if (!is_active && !libvirt.monitor_command)
        libvirt_bind();
    return is_active;
}

const char *plugin_failure(void)
{
    return *failure ? failure : NULL;
}

/* By the file that runs, whatever it is called by; or by its name, under a tool that runs it. */
static bool is_guarded_daemon(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[length > 0 ? length : 0] = '\0';
    return is_guarded_daemon_name(path) || is_guarded_daemon_name(program_invocation_short_name);
}

/*
 * libvirt hands LD_PRELOAD on to QEMU, dnsmasq and every hook. Takes this library
 * out of the list; what else the operator preloads stays.
 */
static void keep_from_children(void)
{
    const char *preload = getenv("LD_PRELOAD");
    CLEANUP(mem) char *list = preload ? strdup(preload) : NULL;
    CLEANUP(mem) char *kept = preload ? calloc(1, strlen(preload) + 1) : NULL;
    char *rest = NULL;

    if (!list || !kept) {
        unsetenv("LD_PRELOAD");
        return;
    }
    for (char *name = strtok_r(list, " :", &rest); name; name = strtok_r(NULL, " :", &rest)) {
        const char *slash = strrchr(name, '/');

        if (strcmp(slash ? slash + 1 : name, PLUGIN_FILE_NAME) == 0)
            continue;
        if (*kept)
            strcat(kept, ":");
        strcat(kept, name);
    }
    if (*kept)
        setenv("LD_PRELOAD", kept, 1);
    else
        unsetenv("LD_PRELOAD");
}

__attribute__((constructor)) static void plugin_load(void)
{
    const char *missing = libvirt_bind();
    const char *part;

    is_active = is_guarded_daemon();
    if (!is_active)
        return;
    keep_from_children();
    tzset();
    part = missing ? NULL : libvirt_try();
    if (missing)
        snprintf(failure, sizeof(failure), "this libvirt lacks the symbol %s", missing);
    else if (part)
        snprintf(failure, sizeof(failure), "this libvirt's %s is not as it is known here", part);
    if (*failure)
        fprintf(stderr, "qmp-guard: %s: every passthrough command will be refused\n", failure);
    host_policy_load();
    mark_leave(LIVE_MARK);
}
