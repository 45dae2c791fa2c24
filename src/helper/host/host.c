/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include "domain.h"
#include "options.h"
#include "output.h"
#include "program.h"
#include "util/daemon_name.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT(daemon)                                                                               \
    {                                                                                              \
        .name = daemon ".service", .program = "/usr/sbin/" daemon,                                 \
        .configuration = LIBVIRT_ETC "/" daemon ".conf", .log = "/var/log/libvirt/" daemon ".log", \
        .confinement = "usr.sbin." daemon,                                                         \
        .drop_in = {"/etc/systemd/system/" daemon ".service.d/50-qmp-guard.conf", "# ", "\n"},     \
    }

const HostUnit host_units[HOST_UNIT_COUNT] = {UNIT("libvirtd"), UNIT("virtqemud")};

const OwnFile host_policy_file = {HOST_POLICY_PATH, "<!-- ", " -->\n"};

static int parse(HelperContext *context, int argc, char **argv, const struct option *options,
                 HostCall *ret)
{
    int option;

    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        switch (option) {
        case 'r':
            ret->root = optarg;
            break;
        case 'R':
            ret->restarts = true;
            break;
        case 'a':
            ret->audit_only = true;
            break;
        default:
            return -1;
        }
    }
    if (optind < argc)
        return complain("'%s': this command takes only options", argv[optind]), -1;
    if (ret->root && ret->restarts)
        return complain("--root and --restart exclude each other: nothing runs there"), -1;
    return 0;
}

int host_begin(HelperContext *context, int argc, char **argv, const struct option *options,
               HostCall *ret)
{
    if (parse(context, argc, argv, options, ret) < 0 ||
        !helper_is_here(context, "systemd's files are"))
        return -1;
    if (geteuid() != 0)
        return complain("systemd's files are root's: run this as root"), -1;
    /* So that each path, and each link on the way, means what it will mean there. */
    if (ret->root && (chroot(ret->root) < 0 || chdir("/") < 0))
        return complain("cannot go into %s: %s", ret->root, strerror(errno)), -1;
    return 0;
}

bool host_has_unit(const HostUnit *unit)
{
    /* Source: systemd.unit(5). A masked unit is a link to /dev/null. */
    static const char *const directories[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"};
    struct stat info;
    char path[128];

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        snprintf(path, sizeof(path), "%s/systemd/system/%s", directories[i], unit->name);
        if (lstat(path, &info) == 0)
            return stat(path, &info) == 0 && S_ISREG(info.st_mode);
    }
    return false;
}

bool host_has_systemd(const HostCall *call)
{
    /* Source: sd_booted(3). */
    return !call->root && access("/run/systemd/system", F_OK) == 0;
}

int host_reload(const HostCall *call)
{
    static const char *const words[] = {"systemctl", "daemon-reload", NULL};

    if (!host_has_systemd(call))
        return 0;
    if (program_run(words, NULL, NULL) != 0)
        return complain("systemd did not read its files again: run 'systemctl daemon-reload'"), -1;
    output_remark("ran systemctl daemon-reload\n");
    return 0;
}

static bool systemctl_says(const char *what, const HostUnit *unit)
{
    const char *words[] = {"systemctl", "--quiet", what, unit->name, NULL};

    return program_run(words, NULL, NULL) == 0;
}

int host_restart(const HostUnit *unit)
{
    if (!systemctl_says("is-active", unit) && !systemctl_says("is-failed", unit))
        return 0;
    if (!systemctl_says("restart", unit))
        return complain("%s did not restart: 'journalctl -u %s' says why", unit->name, unit->name),
               -1;
    output_remark("restarted %s\n", unit->name);
    return 1;
}

/* Root's own alone: any user may give a process of his such a mapping. */
LiveMarks host_marks(const HostUnit *unit)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    LiveMarks found = {0};

    while (processes && (entry = readdir(processes))) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        LiveMarks marks;
        Reason why;

        if (pid == 0 || !is_roots_process(pid, unit->program) ||
            live_marks_read(pid, &marks, &why) < 0 || !marks.is_guarded)
            continue;
        found.is_guarded = true;
        found.is_outdated = found.is_outdated || marks.is_outdated;
    }
    if (processes)
        closedir(processes);
    return found;
}
