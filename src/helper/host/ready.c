/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has to be there before a daemon is told that it cannot do without the guard. */
#include "host.h"
#include "program.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool has_plugin(void)
{
    struct stat info;

    if (stat(PLUGIN_PATH, &info) < 0 || access(PLUGIN_PATH, R_OK) < 0) {
        complain("cannot read the plugin %s: %s: is qmp-guard installed whole?", PLUGIN_PATH,
                 strerror(errno));
        return false;
    }
    /* Whoever can write there would be root. */
    if (info.st_uid != 0 || info.st_mode & (S_IWGRP | S_IWOTH)) {
        complain("others than root may write the plugin %s: run 'chown root' and 'chmod go-w'",
                 PLUGIN_PATH);
        return false;
    }
    return true;
}

static bool has_hook(void)
{
    if (access(HOOK_PATH, X_OK) == 0)
        return true;
    complain("cannot run the hook %s: %s: is qmp-guard installed whole?", HOOK_PATH,
             strerror(errno));
    return false;
}

bool host_file_says(const char *path, const char *key, const char *word)
{
    CLEANUP(file) FILE *file = fopen(path, "re");
    CLEANUP(mem) char *line = NULL;
    size_t space = 0;

    while (file && getline(&line, &space, file) >= 0) {
        const char *begin = line + strspn(line, " \t");

        if (*begin != '#' && strncmp(begin, key, strlen(key)) == 0 && strstr(begin, word))
            return true;
    }
    return false;
}

bool host_hook_is_confined(const HostUnit *unit)
{
    char profile[128];
    char local[128];

    snprintf(profile, sizeof(profile), "/etc/apparmor.d/%s", unit->confinement);
    snprintf(local, sizeof(local), "/etc/apparmor.d/local/%s", unit->confinement);
    return access(profile, F_OK) == 0 && !host_file_says(profile, "", HOOK_PROGRAM_DIR "/") &&
           !host_file_says(local, "", HOOK_PROGRAM_DIR "/");
}

HostPolicyMode host_policy_mode(void)
{
    PolicyError error = {0};
    Policy *policy = NULL;
    int found = policy_read_host_file(HOST_POLICY_PATH, &policy, &error);
    HostPolicyMode mode = HOST_POLICY_NONE;

    if (found != 0)
        mode = found > 0 && policy->mode == MODE_AUDIT ? HOST_POLICY_AUDITS : HOST_POLICY_ENFORCES;
    policy_unref(policy);
    return mode;
}

static bool has_sound_policy(const HostCall *call)
{
    CLEANUP(mem) char *told = NULL;
    PolicyError error = {0};
    Policy *policy = NULL;
    int found = policy_read_host_file(HOST_POLICY_PATH, &policy, &error);
    bool is_sound = found >= 0;

    if (!is_sound) {
        told = helper_policy_error(HOST_POLICY_PATH, &error);
        complain("%s: under this host policy everything would be refused: repair it",
                 told ? told : "out of memory");
    } else if (found == 1 && call->audit_only && policy->mode != MODE_AUDIT) {
        complain("the host policy %s enforces: write mode=\"audit\" into its <policy>, or leave "
                 "--audit-only out",
                 HOST_POLICY_PATH);
        is_sound = false;
    }
    policy_unref(policy);
    return is_sound;
}

/* The loader and the plugin say what is wrong; of the daemon's own words there is one line. */
static const char *wrong_line(char *output)
{
    char *rest = NULL;

    for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(line, "LD_PRELOAD") || strncmp(line, "qmp-guard:", 10) == 0)
            return line;
    }
    return NULL;
}

/* By trying it out: the loader finds the plugin, and the plugin the libvirt that it needs. */
static bool takes_plugin(const HostUnit *unit)
{
    const char *words[] = {unit->program, "--version", NULL};
    CLEANUP(mem) char *output = NULL;
    const char *wrong;
    int status = program_run(words, PRELOAD_PATH, &output);

    if (status < 0 || !output)
        return false;
    wrong = status == 0 ? wrong_line(output) : strtok(output, "\n");
    if (status == 0 && !wrong)
        return true;
    complain("%s cannot run with the plugin: %s: was qmp-guard built for this libvirt?",
             unit->program, wrong ? wrong : "it says nothing");
    return false;
}

static bool may_restart(const HostUnit *unit)
{
    if (!host_hook_is_confined(unit))
        return true;
    complain("AppArmor would not let %s run the hook, and no VM would start: leave --restart out",
             unit->program);
    return false;
}

static bool has_room(const HostUnit *unit)
{
    OwnState state = own_file_look(&unit->drop_in);

    if (state == OWN_CHANGED)
        complain("%s is not as 'virt-qmp-guard enable' wrote it: move it away, and give what is "
                 "yours in it another name",
                 unit->drop_in.path);
    return state == OWN_ABSENT || state == OWN_OURS;
}

bool host_is_ready(const HostCall *call)
{
    bool has_all = has_plugin();
    bool is_ready = has_all;
    size_t n_units = 0;

    is_ready = has_hook() && is_ready;
    is_ready = has_sound_policy(call) && is_ready;
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++) {
        if (!host_has_unit(&host_units[i]))
            continue;
        n_units++;
        is_ready = has_room(&host_units[i]) && is_ready;
        is_ready = (!call->restarts || may_restart(&host_units[i])) && is_ready;
        is_ready = has_all && takes_plugin(&host_units[i]) && is_ready;
    }
    if (n_units == 0)
        complain("there is no unit %s and no %s: is libvirt's daemon installed with its units "
                 "(Debian: libvirt-daemon-system)?",
                 host_units[0].name, host_units[1].name);
    return is_ready && n_units > 0;
}
