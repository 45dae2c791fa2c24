/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would somebody own who owns the QEMU of a domain, by its monitor or otherwise? */
#include "check.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static CheckResult judge_user(const DomainFacts *facts, Reason *ret)
{
    const ProcessFacts *process = &facts->process;

    if (process->knowledge != KNOWN)
        return unknown(ret, &process->why);
    for (size_t i = 0; i < 4; i++) {
        if (process->uids[i] == 0)
            return found(CHECK_FAIL, ret, "QEMU is root: its monitor is as powerful");
    }
    for (size_t i = 0; i < 4; i++) {
        if (process->gids[i] == 0)
            return found(CHECK_WARN, ret, "QEMU's group is root's");
    }
    if (process->in_root_group)
        return found(CHECK_WARN, ret, "QEMU is in root's group");
    return found(CHECK_PASS, ret, "uid %u", (unsigned)process->uids[1]);
}

/* With these a process gets at ports, memory and priority, and at nothing of another's. */
#define CAP_MASK(number) (UINT64_C(1) << (number))
#define MILD_CAPABILITIES                                                                          \
    (CAP_MASK(10) /* NET_BIND_SERVICE */ | CAP_MASK(14) /* IPC_LOCK */ |                           \
     CAP_MASK(23) /* SYS_NICE */ | CAP_MASK(24) /* SYS_RESOURCE */)

static CheckResult judge_capabilities(const DomainFacts *facts, Reason *ret)
{
    const ProcessFacts *process = &facts->process;

    if (process->knowledge != KNOWN)
        return unknown(ret, &process->why);
    if (process->capabilities & ~MILD_CAPABILITIES)
        return found(CHECK_FAIL, ret, "QEMU has %016" PRIx64 ": see capabilities(7)",
                     process->capabilities);
    if (process->capabilities)
        return found(CHECK_WARN, ret, "QEMU has %016" PRIx64 ": see capabilities(7)",
                     process->capabilities);
    return found(CHECK_PASS, ret, "none");
}

static CheckResult judge_seccomp(const DomainFacts *facts, Reason *ret)
{
    const ProcessFacts *process = &facts->process;

    if (process->knowledge != KNOWN)
        return unknown(ret, &process->why);
    if (process->seccomp < 0)
        return found(CHECK_UNKNOWN, ret, "not known: the kernel does not say");
    if (process->seccomp == 0)
        return found(CHECK_WARN, ret, "no filter: QEMU may make any system call");
    return found(CHECK_PASS, ret, "a filter");
}

static CheckResult judge_no_new_privs(const DomainFacts *facts, Reason *ret)
{
    const ProcessFacts *process = &facts->process;

    if (process->knowledge != KNOWN)
        return unknown(ret, &process->why);
    if (process->no_new_privs < 0)
        return found(CHECK_UNKNOWN, ret, "not known: the kernel does not say");
    if (process->no_new_privs == 0)
        return found(CHECK_WARN, ret, "not set: a setuid program makes QEMU root");
    return found(CHECK_PASS, ret, "set");
}

static CheckResult judge_namespace(const DomainFacts *facts, Reason *ret)
{
    const NamespaceFacts *mounts = &facts->mount_namespace;

    if (mounts->knowledge != KNOWN)
        return unknown(ret, &mounts->why);
    return mounts->is_own ? found(CHECK_PASS, ret, "its own")
                          : found(CHECK_WARN, ret, "the daemon's: QEMU sees all of /dev");
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t wanted = strlen(end);

    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The labels that libvirt gives: `...:svirt_t:s0:c1,c2` and `libvirt-UUID (enforce)`. */
static CheckResult judge_label(const DomainFacts *facts, Reason *ret)
{
    const LabelFacts *label = &facts->label;

    if (label->knowledge == NOT_KNOWN)
        return unknown(ret, &label->why);
    if (label->knowledge == NOT_THERE)
        return found(CHECK_WARN, ret, "neither SELinux nor AppArmor confines QEMU");
    if (strstr(label->text, ":svirt_") ||
        (strncmp(label->text, "libvirt-", strlen("libvirt-")) == 0 &&
         ends_with(label->text, " (enforce)")))
        return found(CHECK_PASS, ret, "%s", label->text);
    return found(CHECK_WARN, ret, "not one that confines QEMU: %s", label->text);
}

static CheckResult judge_limits(const DomainFacts *facts, Reason *ret)
{
    const LimitFacts *limits = &facts->limits;

    if (limits->knowledge == NOT_KNOWN)
        return unknown(ret, &limits->why);
    if (limits->knowledge == NOT_THERE)
        return found(CHECK_WARN, ret, "none on memory, processes or CPU time");
    return found(CHECK_PASS, ret, "%s", limits->text);
}

/* Whoever may write to a socket may connect to it. */
static bool is_open_to_all(const FileFacts *socket)
{
    return socket->knowledge == KNOWN && (socket->mode & S_IWOTH) && socket->others_pass;
}

static CheckResult judge_monitor(const DomainFacts *facts, Reason *ret)
{
    const FileFacts *monitor = &facts->monitor;
    const ProcessFacts *process = &facts->process;
    unsigned mode = (unsigned)(monitor->mode & 07777);

    if (monitor->knowledge != KNOWN)
        return unknown(ret, &monitor->why);
    if (is_open_to_all(monitor))
        return found(CHECK_FAIL, ret, "mode %04o: any user may connect, past the guard", mode);
    if (process->knowledge == KNOWN && monitor->uid != 0 && monitor->uid != process->uids[1])
        return found(CHECK_WARN, ret, "belongs to uid %u, neither root nor QEMU",
                     (unsigned)monitor->uid);
    return found(CHECK_PASS, ret, "mode %04o%s", mode,
                 monitor->mode & S_IWOTH ? " in a directory that others do not enter" : "");
}

static CheckResult judge_one_extra(const ExtraMonitor *extra)
{
    if (extra->kind == FINDING_NETWORK_MONITOR)
        return CHECK_FAIL;
    if (extra->kind == FINDING_UNIX_MONITOR &&
        (*extra->path == '@' || is_open_to_all(&extra->socket)))
        return CHECK_FAIL;
    return CHECK_WARN;
}

static CheckResult judge_extra(const DomainFacts *facts, Reason *ret)
{
    CheckResult result = CHECK_PASS;
    const ExtraMonitor *worst = NULL;

    if (facts->extra_knowledge != KNOWN)
        return unknown(ret, &facts->extra_why);
    for (size_t i = 0; i < facts->n_extra; i++) {
        CheckResult one = judge_one_extra(&facts->extra[i]);

        if (!worst || one < result)
            worst = &facts->extra[i];
        result = worse(result, one);
    }
    if (!worst)
        return found(CHECK_PASS, ret, "none but libvirt's");
    return found(result, ret, "%s%s; %zu in all, past the guard", worst->reason,
                 worst->kind == FINDING_UNIX_MONITOR && result == CHECK_FAIL ? ", open to any user"
                                                                             : "",
                 facts->n_extra);
}

static CheckResult judge_policy(const DomainFacts *facts, Reason *ret)
{
    const PolicyFacts *policy = &facts->policy;

    if (policy->knowledge == NOT_KNOWN)
        return unknown(ret, &policy->why);
    if (policy->knowledge == NOT_THERE)
        return found(CHECK_PASS, ret, "none: the host's decides");
    if (!policy->is_valid)
        return found(CHECK_FAIL, ret, "invalid, so that every command is refused: %s",
                     policy->why.text);
    if (policy->only_audits)
        return found(CHECK_WARN, ret, "mode='audit': it refuses nothing");
    return found(CHECK_PASS, ret, "valid");
}

const DomainCheck domain_checks[] = {
    {"qemu-user", judge_user, "user and group in qemu.conf: an unprivileged user"},
    {"capabilities", judge_capabilities, "clear_emulator_capabilities=1 in qemu.conf, and no root"},
    {"seccomp", judge_seccomp, "seccomp_sandbox=1 in qemu.conf"},
    {"no-new-privs", judge_no_new_privs, "seccomp_sandbox=1 in qemu.conf"},
    {"mount-namespace", judge_namespace, "namespaces=[\"mount\"] in qemu.conf"},
    {"label", judge_label, "turn SELinux or AppArmor on; security_driver in qemu.conf"},
    {"cgroup-limits", judge_limits, "cgroup_controllers in qemu.conf; <memtune> in the domain"},
    {"monitor-socket", judge_monitor,
     "'chmod o-w' its monitor.sock below /var/lib/libvirt/qemu; look who made it so"},
    {"extra-monitor", judge_extra, "take it out of <qemu:commandline>, and restart the domain"},
    {"domain-policy", judge_policy, "correct it: 'virt-qmp-guard policy validate', 'policy set'"},
};

const size_t domain_check_count = sizeof(domain_checks) / sizeof(domain_checks[0]);
