/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "finding_kind.h"

#include <string.h>

static const FindingInfo infos[FINDING_KIND_COUNT] = {
    [FINDING_POLICY_INVALID] =
        {"policy-invalid", NULL, "the domain's policy is invalid: every command will be refused",
         "correct it: 'virt-qmp-guard policy validate FILE' says where it is wrong"},
    [FINDING_UNGUARDED_DAEMON] =
        {"unguarded-daemon", NULL,
         "a policy is in force, and the daemon that starts the domain is not guarded",
         "run 'virt-qmp-guard enable', then restart the daemon"},
    [FINDING_UNGUARDED_DEFAULT] =
        {"unguarded-default", NULL,
         "the daemon is not guarded; neither the domain nor the host has a policy of its own",
         "run 'virt-qmp-guard enable', then restart the daemon"},
    [FINDING_GUARD_PATH] = {"guard-path", "the path",
                            "is a path of libvirt's or the guard's own, and libvirt opens, removes "
                            "and gives away what a device names",
                            "use another path"},
    [FINDING_NETWORK_MONITOR] =
        {"network-monitor", "the option and its value",
         "opens a monitor or debugger that the network may reach, without TLS and authorization",
         "take it out of <qemu:commandline>, or put it on a UNIX socket that the host policy "
         "allows"},
    [FINDING_TLS_MONITOR] = {"tls-monitor", "the option and its value",
                             "opens a monitor or debugger on TCP, with TLS and authorization",
                             "take it out of <qemu:commandline>"},
    [FINDING_UNIX_MONITOR] =
        {"unix-monitor", "the socket's path", "opens a monitor or debugger on a UNIX socket",
         "take it out of <qemu:commandline>, or use a path that the host policy allows"},
    [FINDING_OTHER_MONITOR] = {"other-monitor", "the option and its value",
                               "opens a monitor or debugger on a file, a terminal or the like",
                               "take it out of <qemu:commandline>"},
    [FINDING_HOST_EXEC] =
        {"host-exec", "the option and its value",
         "has QEMU or libvirt run a program, or load code, of the domain's choice",
         "take it out of the domain's XML"},
    [FINDING_OPAQUE_OPTION] = {"opaque-option", "the option and its value",
                               "sets options that are not to be seen on the command line",
                               "write them out as arguments of their own"},
    [FINDING_CONFINEMENT] = {"confinement", "the option and its value",
                             "changes what confines QEMU", "take it out of the domain's XML"},
    [FINDING_ARGUMENT] = {"argument", "the option and its value", "is an argument past libvirt",
                          "use the element that libvirt has for it"},
    [FINDING_CODE_ENVIRONMENT] = {"code-environment", "the variable",
                                  "is a variable that makes QEMU load code",
                                  "take it out of <qemu:commandline>"},
    [FINDING_ENVIRONMENT] = {"environment", "the variable", "is a variable past libvirt",
                             "take it out of <qemu:commandline>"},
    [FINDING_OVERRIDE] = {"override", "the element",
                          "changes what libvirt tells QEMU of devices or features",
                          "take it out of the domain's XML"},
    [FINDING_EMULATOR] = {"emulator", "the path", "is not an emulator that the host policy ignores",
                          "use the host's own emulator, or have the host policy ignore this one"},
};

const FindingInfo *finding_info(FindingKind kind)
{
    return &infos[kind];
}

int finding_kind_from_name(const char *name)
{
    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++) {
        if (strcmp(infos[kind].name, name) == 0)
            return kind;
    }
    return -1;
}
