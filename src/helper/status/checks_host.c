/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the guard at work on this host, and is what it stands on root's alone? */
#include "check.h"

#include <sys/stat.h>

/* Root's, and no other's to write; what is in @others (bits of the mode) is said, too. */
static CheckResult judge_owner(const FileFacts *file, mode_t others, Reason *ret)
{
    unsigned mode = (unsigned)(file->mode & 07777);

    if (file->uid != 0)
        return found(CHECK_FAIL, ret, "belongs to uid %u, not to root", (unsigned)file->uid);
    if (file->mode & (S_IWGRP | S_IWOTH))
        return found(CHECK_FAIL, ret, "mode %04o: others than root may write", mode);
    if (file->mode & others)
        return found(CHECK_WARN, ret, "mode %04o: others than root may read", mode);
    return found(CHECK_PASS, ret, "root's, mode %04o", mode);
}

/* Whoever may write to its directory may put another in its place. */
static CheckResult judge_placed(const FileFacts *file, const FileFacts *directory, Reason *ret)
{
    CheckResult result;
    Reason above;

    if (directory->knowledge != KNOWN)
        return unknown(ret, &directory->why);
    result = judge_owner(directory, 0, &above);
    if (result != CHECK_PASS)
        return found(result, ret, "its directory: %s", above.text);
    return judge_owner(file, 0, ret);
}

static CheckResult judge_live(const HostFacts *facts, Reason *ret)
{
    const DaemonFacts *daemon = &facts->daemon;

    if (daemon->knowledge != KNOWN)
        return unknown(ret, &daemon->why);
    if (!daemon->marks.is_guarded)
        return found(CHECK_FAIL, ret, "not active in %s, process %d: nothing is judged",
                     daemon->name, (int)daemon->pid);
    if (daemon->marks.is_outdated)
        return found(CHECK_WARN, ret,
                     "active in %s, process %d, as it was before the plugin was upgraded or "
                     "removed",
                     daemon->name, (int)daemon->pid);
    return found(CHECK_PASS, ret, "active in %s, process %d", daemon->name, (int)daemon->pid);
}

static CheckResult judge_preload(const HostFacts *facts, Reason *ret)
{
    const PreloadFacts *preload = &facts->preload;

    if (preload->knowledge == NOT_KNOWN)
        return unknown(ret, &preload->why);
    if (preload->knowledge == NOT_THERE)
        return found(CHECK_WARN, ret, "systemd has no unit for the daemon");
    if (!preload->is_set)
        return found(CHECK_FAIL, ret,
                     "the unit does not preload the guard: the daemon's next "
                     "start is without it");
    if (!preload->is_asserted)
        return found(CHECK_WARN, ret, "the unit starts the daemon also when the guard is missing");
    return found(CHECK_PASS, ret, "set by the unit, which fails without it");
}

static CheckResult judge_hook(const HostFacts *facts, Reason *ret)
{
    const FileFacts *hook = &facts->hook;

    if (hook->knowledge == NOT_KNOWN)
        return unknown(ret, &hook->why);
    if (hook->knowledge == NOT_THERE)
        return found(CHECK_FAIL, ret, "not installed: no start of a domain is judged");
    if (!S_ISREG(hook->mode))
        return found(CHECK_FAIL, ret, "not a regular file");
    if (!(hook->mode & S_IXUSR))
        return found(CHECK_FAIL, ret, "not executable: libvirt passes it by");
    return judge_placed(hook, &facts->hook_directory, ret);
}

static CheckResult judge_log(const HostFacts *facts, Reason *ret)
{
    const LogFacts *log = &facts->log;
    unsigned lowest = log->source > log->output ? log->source : log->output;

    if (log->knowledge != KNOWN)
        return unknown(ret, &log->why);
    if (lowest <= AUDIT_INFO)
        return found(CHECK_PASS, ret, "INFO lines are kept");
    return lowest == AUDIT_WARNING
               ? found(CHECK_WARN, ret, "INFO lines, of what passes, are dropped by %s",
                       log->source > AUDIT_INFO ? "log_filters or log_level" : "log_outputs")
               : found(CHECK_FAIL, ret, "WARNING lines, of privileged commands, are dropped by %s",
                       log->source > AUDIT_WARNING ? "log_filters or log_level" : "log_outputs");
}

static CheckResult judge_policy(const HostFacts *facts, Reason *ret)
{
    const FileFacts *file = &facts->policy_file;
    const PolicyFacts *policy = &facts->policy;
    CheckResult result;

    if (file->knowledge == NOT_KNOWN)
        return unknown(ret, &file->why);
    if (file->knowledge == NOT_THERE || policy->knowledge == NOT_THERE)
        return facts->daemon.marks.had_host_file
                   ? found(CHECK_FAIL, ret, "the file that the daemon read is gone")
                   : found(CHECK_WARN, ret,
                           "no file: the shipped default leaves all to the "
                           "domains' own policies");
    result = judge_placed(file, &facts->policy_directory, ret);
    if (result != CHECK_PASS)
        return result;
    if (policy->knowledge == NOT_KNOWN)
        return unknown(ret, &policy->why);
    if (!policy->is_valid)
        return found(CHECK_FAIL, ret, "invalid: %s", policy->why.text);
    if (policy->only_audits)
        return found(CHECK_WARN, ret, "mode='audit': it refuses nothing");
    return CHECK_PASS;
}

static CheckResult judge_trail_directory(const HostFacts *facts, Reason *ret)
{
    const FileFacts *directory = &facts->trail_directory;

    if (directory->knowledge == NOT_KNOWN)
        return unknown(ret, &directory->why);
    if (directory->knowledge == NOT_THERE)
        return found(CHECK_WARN, ret, "not there: nothing was ever recorded");
    if (!S_ISDIR(directory->mode))
        return found(CHECK_FAIL, ret, "not a directory: nothing can be recorded");
    return judge_owner(directory, S_IRWXG | S_IRWXO, ret);
}

static CheckResult judge_trail(const HostFacts *facts, Reason *ret)
{
    const FileFacts *trail = &facts->trail;

    if (trail->knowledge == NOT_KNOWN)
        return unknown(ret, &trail->why);
    if (trail->knowledge == NOT_THERE)
        return found(CHECK_WARN, ret, "not there: nothing is recorded");
    if (!S_ISREG(trail->mode))
        return found(CHECK_FAIL, ret, "not a regular file: nothing can be recorded");
    return judge_owner(trail, S_IRWXG | S_IRWXO, ret);
}

static CheckResult judge_chain(const HostFacts *facts, Reason *ret)
{
    const FileFacts *trail = &facts->trail;
    const FileFacts *head = &facts->trail_head;

    if (head->knowledge == NOT_KNOWN || trail->knowledge == NOT_KNOWN)
        return unknown(ret, head->knowledge == NOT_KNOWN ? &head->why : &trail->why);
    if (head->knowledge == NOT_THERE && (trail->knowledge == NOT_THERE || trail->size == 0))
        return found(CHECK_WARN, ret, "no record, and no head");
    if (head->knowledge == NOT_THERE)
        return found(CHECK_FAIL, ret, "there are records, and their head is gone");
    if (!facts->is_head_sound)
        return found(CHECK_FAIL, ret, "the head is damaged");
    return judge_owner(head, S_IRWXG | S_IRWXO, ret);
}

static CheckResult judge_grants(const HostFacts *facts, Reason *ret)
{
    const FileFacts *directory = &facts->grants_directory;

    if (directory->knowledge == NOT_KNOWN)
        return unknown(ret, &directory->why);
    if (directory->knowledge == NOT_THERE)
        return found(CHECK_PASS, ret, "not there: no grant was given since the host's boot");
    if (!S_ISDIR(directory->mode))
        return found(CHECK_FAIL, ret, "not a directory");
    return judge_owner(directory, S_IRWXG | S_IRWXO, ret);
}

const HostCheck host_checks[] = {
    {"guard-live", judge_live, "run 'virt-qmp-guard enable', then restart the daemon"},
    {"preload-set", judge_preload, "run 'virt-qmp-guard enable'"},
    {"hook-installed", judge_hook,
     "install it as " HOOK_PATH ", root's, mode 0755, and restart the daemon the first time"},
    {"log-level", judge_log,
     "log_filters=\"1:" LOG_SOURCE_NAME " 3:*\" and an output of level 1, in " LIBVIRT_ETC
     "/libvirtd.conf (virtqemud.conf), and restart the daemon"},
    {"host-policy", judge_policy,
     "write a policy that enforces to " HOST_POLICY_PATH
     ", root's, mode 0644; 'virt-qmp-guard policy validate' checks it"},
    {"trail-directory", judge_trail_directory,
     "'chown root' and 'chmod 700' the directory of " TRAIL_PATH
     "; where there is none, a guarded daemon makes it"},
    {"trail-file", judge_trail,
     "'chown root' and 'chmod 600' " TRAIL_PATH "; where there is none, a guarded daemon makes it"},
    {"trail-chain", judge_chain, "ask 'virt-qmp-guard audit --verify', and a copy elsewhere"},
    {"grants-directory", judge_grants,
     "'chown root' and 'chmod 700' the directory of " GRANTS_PATH},
};

const size_t host_check_count = sizeof(host_checks) / sizeof(host_checks[0]);
