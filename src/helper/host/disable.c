/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disable: takes away what `enable` wrote, and nothing else. */
#include "host.h"

#include "output.h"
#include "status/preload.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

/* How any drop-in, whoever wrote it, names the plugin. */
#define PLUGIN_NAME "libvirt-qmp-guard/" PLUGIN_FILE_NAME

/* Returns whether it was ours and is gone. */
static bool take(const OwnFile *file, int *status)
{
    OwnState state = own_file_look(file);

    if (state == OWN_CHANGED) {
        complain("%s is not as 'virt-qmp-guard enable' wrote it, and is left: without the plugin "
                 "the daemon would not start with it",
                 file->path);
        *status = EXIT_NO;
    }
    if (state == OWN_OURS && own_file_remove(file) == 0) {
        output_remark("removed %s\n", file->path);
        return true;
    }
    if (state == OWN_OURS || state == OWN_UNREADABLE)
        *status = EXIT_UNSURE;
    return false;
}

static void look_at(const HostUnit *unit, const char *path, int *status)
{
    CLEANUP(mem) char *text = NULL;
    size_t length;

    if (strcmp(path, unit->drop_in.path) == 0 || access(path, F_OK) < 0)
        return;
    text = read_file(path, &length);
    if (text && strstr(text, PLUGIN_NAME)) {
        complain("%s names the plugin, too: it is yours to change", path);
        *status = EXIT_NO;
    }
}

static void look_into(const HostUnit *unit, const char *path, int *status)
{
    DIR *opened = opendir(path);
    const struct dirent *entry;

    while (opened && (entry = readdir(opened))) {
        CLEANUP(mem) char *file = NULL;

        if (fnmatch("*.conf", entry->d_name, FNM_PERIOD) != 0)
            continue;
        if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
            file = NULL;
        else
            look_at(unit, file, status);
    }
    if (opened)
        closedir(opened);
}

/* Another path to a directory that comes before it in the list, as /lib is today. */
static bool is_alias(size_t index)
{
    struct stat info;
    struct stat other;

    for (size_t i = 0; i < index; i++) {
        if (stat(unit_directories[i], &other) == 0 && stat(unit_directories[index], &info) == 0 &&
            other.st_dev == info.st_dev && other.st_ino == info.st_ino)
            return true;
    }
    return false;
}

/* The operator's own unit or drop-ins may preload it, too. */
static void look_at_others(const HostUnit *unit, int *status)
{
    for (size_t i = 0; unit_directories[i]; i++) {
        CLEANUP(mem) char *path = NULL;
        CLEANUP(mem) char *directory = NULL;

        if (is_alias(i))
            continue;
        if (asprintf(&path, "%s/%s", unit_directories[i], unit->name) < 0)
            path = NULL;
        else
            look_at(unit, path, status);
        if (asprintf(&directory, "%s/%s.d", unit_directories[i], unit->name) < 0)
            directory = NULL;
        else
            look_into(unit, directory, status);
    }
}

/*
 * While a guarded daemon runs the hook lets nothing start once the host policy is gone that the
 * daemon had; one that only audits is in nobody's way. And what still starts with the guard must
 * not enforce of a sudden: so this is asked only when nothing was left.
 */
static bool take_policy(bool *ret_waits, int *status)
{
    *ret_waits = false;
    if (own_file_look(&host_policy_file) != OWN_OURS)
        return false;
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++)
        *ret_waits = host_marks(&host_units[i]).is_guarded || *ret_waits;
    return !*ret_waits && take(&host_policy_file, status);
}

/* Without the guard, the hook refuses what only the guard would have refused. */
static const char *not_started(HostPolicyMode mode)
{
    switch (mode) {
    case HOST_POLICY_AUDITS:
        return NULL;
    case HOST_POLICY_NONE:
        return "no VM with a policy of its own";
    case HOST_POLICY_ENFORCES:
    default:
        return "no VM";
    }
}

static void print_left(const bool *gone, bool policy_waits)
{
    const char *refused = not_started(host_policy_mode());
    bool is_left = policy_waits || refused;

    output_remark("left to do:\n");
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++) {
        if (gone[i])
            printf("  systemctl restart %s    (guarded until then; VMs keep running)\n",
                   host_units[i].name);
        is_left = is_left || gone[i];
    }
    if (policy_waits)
        printf("  virt-qmp-guard disable    (once more, then: %s has to wait for it)\n",
               HOST_POLICY_PATH);
    if (refused)
        printf("  move %s away:\n"
               "    it lets %s start under a daemon without the guard\n",
               HOOK_PATH, refused);
    if (!is_left)
        output_remark("  nothing\n");
}

static const struct option options[] = {
    HOST_OPTION_ROOT,
    HOST_OPTION_RESTART,
    {0},
};

int disable_run(HelperContext *context, int argc, char **argv)
{
    bool gone[HOST_UNIT_COUNT] = {false};
    HostCall call = {0};
    bool policy_waits = false;
    bool policy_gone;
    int status = EXIT_YES;
    bool any = false;

    if (host_begin(context, argc, argv, options, &call) < 0)
        return EXIT_UNSURE;
    if (call.restarts && !host_has_systemd(&call))
        return complain("--restart: systemd does not run here: nothing was changed");
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++) {
        gone[i] = take(&host_units[i].drop_in, &status);
        any = any || gone[i];
        look_at_others(&host_units[i], &status);
    }
    /* Also of what the operator has taken away and systemd still knows. */
    if (host_reload(&call) < 0)
        return EXIT_UNSURE;
    for (size_t i = 0; i < HOST_UNIT_COUNT && call.restarts; i++) {
        if (host_has_unit(&host_units[i]) && host_restart(&host_units[i]) >= 0)
            gone[i] = false;
    }
    policy_gone = status == EXIT_YES && take_policy(&policy_waits, &status);
    if (!any && !policy_gone && !policy_waits && status == EXIT_YES) {
        output_remark("nothing of 'virt-qmp-guard enable' is here: nothing was changed\n");
        return EXIT_YES;
    }
    print_left(gone, policy_waits);
    return status;
}
