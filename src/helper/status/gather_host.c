/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gather.h"

#include "audit/trail.h"
#include "policy/policy.h"
#include "util/cleanup.h"
#include "util/daemon_name.h"

#include <errno.h>
#include <string.h>

/* The daemon that has the QEMU driver locks this file. Source: libvirt, src/qemu/qemu_driver.c. */
#define DRIVER_PID_PATH "/run/libvirt/qemu/driver.pid"

static int read_pid(pid_t *ret, Reason *why)
{
    CLEANUP(file) FILE *file = NULL;
    int pid = 0;

    file = fopen(DRIVER_PID_PATH, "re");
    if (!file)
        return reason_set(why, "cannot read %s: %s", DRIVER_PID_PATH, strerror(errno));
    if (fscanf(file, "%d", &pid) != 1 || pid <= 0)
        return reason_set(why, "%s holds no process number", DRIVER_PID_PATH);
    *ret = pid;
    return 0;
}

/* What anybody may read; a name that is made up helps nobody, as it proves nothing. */
static void read_name(DaemonFacts *daemon)
{
    CLEANUP(file) FILE *file = NULL;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)daemon->pid);
    file = fopen(path, "re");
    if (!file || !fgets(daemon->name, sizeof(daemon->name), file))
        daemon->name[0] = '\0';
    daemon->name[strcspn(daemon->name, "\n")] = '\0';
}

static void gather_daemon(DaemonFacts *ret)
{
    *ret = (DaemonFacts){0};
    if (read_pid(&ret->pid, &ret->why) < 0)
        return;
    read_name(ret);
    if (!is_guarded_daemon_process(ret->pid) && errno != EACCES && errno != EPERM) {
        reason_set(&ret->why, "process %d of %s is no libvirtd or virtqemud", (int)ret->pid,
                   DRIVER_PID_PATH);
        ret->pid = 0;
        return;
    }
    if (live_marks_read(ret->pid, &ret->marks, &ret->why) == 0)
        ret->knowledge = KNOWN;
}

/* The unit and the configuration are named as the program is. */
static void gather_configuration(HostFacts *facts)
{
    const char *name = facts->daemon.name;
    CLEANUP(mem) char *unit = NULL;
    CLEANUP(mem) char *conf = NULL;

    if (facts->daemon.pid == 0 || !is_guarded_daemon_name(name)) {
        facts->preload.why = facts->log.why = facts->daemon.why;
        return;
    }
    if (asprintf(&unit, "%s.service", name) < 0)
        unit = NULL;
    if (asprintf(&conf, LIBVIRT_ETC "/%s.conf", name) < 0)
        conf = NULL;
    if (unit)
        preload_read(unit_directories, unit, &facts->preload);
    if (conf)
        log_levels_read(conf, &facts->log);
}

static void gather_policy(PolicyFacts *ret)
{
    PolicyError error = {0};
    Policy *policy = NULL;
    int result = policy_read_host_file(HOST_POLICY_PATH, &policy, &error);

    *ret = (PolicyFacts){.knowledge = KNOWN, .is_valid = result == 1};
    if (result == 0)
        ret->knowledge = NOT_THERE;
    if (result < 0 && error.is_transient)
        ret->knowledge = NOT_KNOWN;
    if (result < 0 && error.line)
        reason_set(&ret->why, "%s:%u: %s", HOST_POLICY_PATH, error.line, error.reason.text);
    else
        reason_set(&ret->why, "%s: %s", HOST_POLICY_PATH, error.reason.text);
    ret->only_audits = policy && policy->mode == MODE_AUDIT;
    policy_unref(policy);
}

/* What the path begins with, up to its last slash. */
static void look_at_directory(const char *path, FileFacts *ret)
{
    CLEANUP(mem) char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));

    *ret = (FileFacts){0};
    if (directory)
        file_look(directory, ret);
}

static void gather_trail(HostFacts *facts)
{
    TrailHead head;
    Reason why;

    look_at_directory(TRAIL_PATH, &facts->trail_directory);
    file_look(TRAIL_PATH, &facts->trail);
    file_look(TRAIL_PATH TRAIL_HEAD_SUFFIX, &facts->trail_head);
    facts->is_head_sound = trail_read_head(TRAIL_PATH, &head, &why) == 1;
    if (!facts->is_head_sound && facts->trail_head.knowledge == KNOWN &&
        access(TRAIL_PATH TRAIL_HEAD_SUFFIX, R_OK) < 0) {
        facts->trail_head.knowledge = NOT_KNOWN;
        facts->trail_head.why = why;
    }
}

void host_gather(HostFacts *ret)
{
    *ret = (HostFacts){0};
    gather_daemon(&ret->daemon);
    gather_configuration(ret);
    file_look(HOOK_PATH, &ret->hook);
    look_at_directory(HOOK_PATH, &ret->hook_directory);
    file_look(HOST_POLICY_PATH, &ret->policy_file);
    look_at_directory(HOST_POLICY_PATH, &ret->policy_directory);
    gather_policy(&ret->policy);
    gather_trail(ret);
    look_at_directory(GRANTS_PATH, &ret->grants_directory);
}
