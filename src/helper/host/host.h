/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `enable` and `disable` share: the daemons' units, and systemd. */
#ifndef QG_HOST_H
#define QG_HOST_H

#include "helper.h"
#include "own_file.h"
#include "util/live_mark.h"

#include <getopt.h>

typedef struct HostCall {
    const char *root; /* NULL: this host */
    bool audit_only;
    bool restarts;
} HostCall;

typedef struct HostUnit {
    const char *name;
    const char *program;
    const char *configuration; /* of the daemon */
    const char *log; /* where it is usual for the daemon's log to be */
    const char *confinement; /* its AppArmor profile, below /etc/apparmor.d */
    OwnFile drop_in;
} HostUnit;

#define HOST_UNIT_COUNT 2

extern const HostUnit host_units[HOST_UNIT_COUNT];

/* That is written for `enable --audit-only`. */
extern const OwnFile host_policy_file;

#define HOST_OPTION_ROOT                                                                           \
    {                                                                                              \
        "root", required_argument, NULL, 'r'                                                       \
    }
#define HOST_OPTION_RESTART                                                                        \
    {                                                                                              \
        "restart", no_argument, NULL, 'R'                                                          \
    }

/*
 * Reads the options that there are; makes sure that we are root, and goes into --root. -1 after
 * complaining.
 */
int host_begin(HelperContext *context, int argc, char **argv, const struct option *options,
               HostCall *ret);

/* Is there such a unit, that is not masked? */
bool host_has_unit(const HostUnit *unit);

/* Does systemd run, and this host's? */
bool host_has_systemd(const HostCall *call);

/* Has systemd read its files again, where it runs. -1 after complaining. */
int host_reload(const HostCall *call);

/* Restarts it when it runs, or failed to. Returns 1, 0 when it does not run, -1 after complaining.
 */
int host_restart(const HostUnit *unit);

/* Of the unit's daemons in which the guard is active: is there one, and one that is outdated? */
LiveMarks host_marks(const HostUnit *unit);

/* True when a line of @path that is no comment and begins with @key has @word. */
bool host_file_says(const char *path, const char *key, const char *word);

/* Does AppArmor keep the unit's daemon from running the hook? */
bool host_hook_is_confined(const HostUnit *unit);

typedef enum HostPolicyMode {
    HOST_POLICY_NONE, /* there is no file */
    HOST_POLICY_AUDITS,
    HOST_POLICY_ENFORCES, /* an invalid one, too */
} HostPolicyMode;

HostPolicyMode host_policy_mode(void);

/* All that has to be there. Complains of each thing that is not, with its remedy. */
bool host_is_ready(const HostCall *call);

int enable_run(HelperContext *context, int argc, char **argv);
int disable_run(HelperContext *context, int argc, char **argv);

#endif
