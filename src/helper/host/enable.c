/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* enable: from its next start on, the host's libvirtd or virtqemud has the guard. */
#include "host.h"

#include "audit/audit.h"
#include "output.h"
#include "status/preload.h"
#include "util/cleanup.h"

#include <string.h>

#define DROP_IN_TEMPLATE DATA_DIR "/systemd/50-qmp-guard.conf"
#define ROLLOUT_POLICY DATA_DIR "/examples/host-rollout.xml"
#define CONFINEMENT_RULES DATA_DIR "/confinement/apparmor"

/* The text of @template as it is to be in @file; NULL after complaining. */
static char *text_for(const OwnFile *file, const char *template)
{
    size_t length;
    CLEANUP(mem) char *body = read_file(template, &length);
    char *text = body ? own_file_text(file, body) : NULL;

    if (body && !text)
        complain("out of memory");
    return text;
}

/* Another version of ours may be there. */
static int put(const OwnFile *file, const char *text)
{
    OwnState state = own_file_look(file);
    CLEANUP(mem) char *there = NULL;
    size_t length;

    if (state == OWN_UNREADABLE)
        return -1;
    there = state == OWN_OURS ? read_file(file->path, &length) : NULL;
    if (there && strcmp(there, text) == 0) {
        output_remark("%s is there already\n", file->path);
        return 0;
    }
    if (own_file_write(file, text) < 0)
        return -1;
    output_remark("wrote %s\n", file->path);
    return 0;
}

/* Those files are the operator's: we say, and do not write. Returns whether there is anything. */
static bool print_left(const HostUnit *unit, bool is_guarded)
{
    bool loses_lines = !host_file_says(unit->configuration, "log_filters", LOG_SOURCE_NAME);
    bool is_confined = host_hook_is_confined(unit);

    if (is_confined)
        printf("  first, or no VM starts: append %s\n"
               "    to /etc/apparmor.d/local/%s, then run\n"
               "    apparmor_parser -r /etc/apparmor.d/%s\n",
               CONFINEMENT_RULES, unit->confinement, unit->confinement);
    if (loses_lines)
        printf("  in %s, or lines of level INFO are dropped (the next start reads it):\n"
               "    log_filters=\"1:" LOG_SOURCE_NAME " 3:*\"\n"
               "    log_outputs=\"1:journald 1:file:%s\"\n",
               unit->configuration, unit->log);
    if (!is_guarded)
        printf("  systemctl restart %s    (guarded from then on; VMs keep running)\n", unit->name);
    return is_confined || loses_lines || !is_guarded;
}

/* Returns whether it does. */
static bool print_that_it_audits(void)
{
    bool audits = host_policy_mode() == HOST_POLICY_AUDITS;

    if (audits)
        printf("  %s only audits: take mode=\"audit\" out of it when\n"
               "    'virt-qmp-guard audit --verdict audit' shows nothing that has to pass\n",
               HOST_POLICY_PATH);
    return audits;
}

static int restart(const HostUnit *unit, bool *ret_restarted)
{
    int result = host_restart(unit);

    if (result < 0)
        complain("'virt-qmp-guard disable --restart' takes the guard away again");
    *ret_restarted = result > 0;
    return result;
}

/* Then nothing is there that a restart would change. */
static bool is_guarded(const HostUnit *unit)
{
    LiveMarks marks = host_marks(unit);

    return marks.is_guarded && !marks.is_outdated && own_file_look(&unit->drop_in) == OWN_OURS;
}

static int write_files(const HostCall *call)
{
    CLEANUP(mem) char *policy = NULL;
    CLEANUP(mem) char *drop_in = NULL;

    drop_in = text_for(&host_units[0].drop_in, DROP_IN_TEMPLATE);
    if (!drop_in)
        return -1;
    /* First: no daemon enforces anything, whenever it starts. */
    if (call->audit_only && own_file_look(&host_policy_file) != OWN_CHANGED) {
        policy = text_for(&host_policy_file, ROLLOUT_POLICY);
        if (!policy || put(&host_policy_file, policy) < 0)
            return -1;
    }
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++) {
        if (host_has_unit(&host_units[i]) && put(&host_units[i].drop_in, drop_in) < 0)
            return -1;
    }
    return 0;
}

/* Of what another drop-in says of it, the last counts: then the daemon would not start. */
static bool has_last_word(const HostUnit *unit)
{
    PreloadFacts facts;

    if (!host_has_unit(unit))
        return true;
    preload_read(unit_directories, unit->name, &facts);
    if (facts.knowledge != KNOWN || facts.is_set)
        return true;
    complain(
        "another file of %s has the last word about LD_PRELOAD, and the daemon would not start: "
        "name the plugin there, too ('systemctl cat %s' shows it)",
        unit->name, unit->name);
    return false;
}

/* As write_files(), or nothing is as it would be with them. */
static int put_files(const HostCall *call, int *status)
{
    OwnState before[HOST_UNIT_COUNT];
    bool are_in_force = true;

    for (size_t i = 0; i < HOST_UNIT_COUNT; i++)
        before[i] = own_file_look(&host_units[i].drop_in);
    if (write_files(call) < 0) {
        *status = EXIT_UNSURE;
        return -1;
    }
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++)
        are_in_force = has_last_word(&host_units[i]) && are_in_force;
    if (are_in_force)
        return 0;
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++) {
        if (before[i] == OWN_ABSENT && host_has_unit(&host_units[i]))
            (void)own_file_remove(&host_units[i].drop_in);
    }
    *status = EXIT_NO;
    return -1;
}

static const struct option options[] = {
    HOST_OPTION_ROOT,
    HOST_OPTION_RESTART,
    {"audit-only", no_argument, NULL, 'a'},
    {0},
};

int enable_run(HelperContext *context, int argc, char **argv)
{
    bool restarted[HOST_UNIT_COUNT] = {false};
    bool was_guarded[HOST_UNIT_COUNT];
    HostCall call = {0};
    int status = EXIT_YES;
    bool is_left = false;

    if (host_begin(context, argc, argv, options, &call) < 0)
        return EXIT_UNSURE;
    if (call.restarts && !host_has_systemd(&call))
        return complain("--restart: systemd does not run here: nothing was changed");
    if (!host_is_ready(&call)) {
        complain("nothing was changed");
        return EXIT_NO;
    }
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++)
        was_guarded[i] = is_guarded(&host_units[i]);
    if (put_files(&call, &status) < 0)
        return status;
    if (host_reload(&call) < 0)
        return EXIT_UNSURE;
    for (size_t i = 0; i < HOST_UNIT_COUNT && call.restarts; i++) {
        if (host_has_unit(&host_units[i]) && restart(&host_units[i], &restarted[i]) < 0)
            status = EXIT_NO;
    }
    output_remark("left to do:\n");
    for (size_t i = 0; i < HOST_UNIT_COUNT; i++) {
        if (host_has_unit(&host_units[i]))
            is_left = print_left(&host_units[i], restarted[i] || was_guarded[i]) || is_left;
    }
    if (!print_that_it_audits() && !is_left)
        output_remark("  nothing\n");
    return status;
}
