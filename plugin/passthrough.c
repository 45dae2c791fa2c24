/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "passthrough.h"

#include "caller.h"
#include "connect.h"
#include "domain_policy.h"
#include "guard.h"
#include "host_policy.h"
#include "live_domain.h"
#include "native.h"
#include "outcome.h"
#include "plugin.h"
#include "policy_watch.h"
#include "recorder.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#define VIR_FROM_QEMU_DOMAIN 10 /* VIR_FROM_QEMU */

static GrantStore grants = GRANT_STORE_INIT(GRANTS_PATH);
static LimitCounters *limits; /* NULL when there was no memory: then no limit can be counted */

/* Everything that one call gathers; given back with release(). */
typedef struct Passthrough {
    LiveCaller caller;
    LiveDomain domain;
    Policy *host;
    Policy *policy;
    int error_code; /* libvirt's, for the client when it is refused */
    Reason why;
    GuardCall call;
} Passthrough;

/* The first failure is the one that is told; @format says why. */
static void fail_call(Passthrough *pass, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail_call(Passthrough *pass, const char *rule, const char *format, ...)
{
    va_list args;

    if (pass->call.failed_rule)
        return;
    pass->call.failed_rule = rule;
    pass->call.failure = pass->why.text;
    va_start(args, format);
    reason_setv(&pass->why, format, args);
    va_end(args);
}

static void gather_domain(Passthrough *pass, virDomainPtr handle)
{
    PolicyError error = {0};
    Reason why;

    if (!connect_is_own(virDomainGetConnect(handle))) {
        /* Its UUID, name and policy are what another daemon, or a client's file, says they are. */
        pass->domain = (LiveDomain){.name = virDomainGetName(handle)};
        fail_call(pass, "guard:elsewhere", "it is none of this daemon's own QEMU domains");
    } else if (live_domain_read(handle, &pass->domain, &why) < 0) {
        /* Clients tell a domain that is gone from one that they may not use. */
        if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
            pass->error_code = VIR_ERR_NO_DOMAIN;
        fail_call(pass, "guard:no-domain", "%s", why.text);
    } else {
        if (pass->domain.policy_xml)
            pass->policy = domain_policy_get(pass->domain.policy_xml, &error);
        if (pass->domain.policy_xml && !pass->policy)
            fail_call(pass, rule_domain_invalid,
                      "the domain's policy is invalid: line %u: %s; 'virt-qmp-guard policy show' "
                      "prints it",
                      error.line, error.reason.text);
        pass->call.domain_uuid = pass->domain.uuid_text;
        pass->call.domain = pass->policy;
        policy_watch(pass->domain.uuid, pass->domain.uuid_text, pass->domain.name,
                     guard_policy_word(&pass->call));
    }
    pass->call.domain_name = pass->domain.name;
    pass->call.run = &pass->domain.run;
    pass->call.is_confidential = pass->domain.is_confidential;
}

static void gather_host(Passthrough *pass)
{
    Reason why;

    pass->host = host_policy_get(&why);
    pass->call.host = pass->host;
    if (!pass->host)
        fail_call(pass, rule_host_invalid, "the host policy is invalid: %s", why.text);
}

static void gather_caller(Passthrough *pass)
{
    caller_read(&pass->caller);
    if (((pass->host && pass->host->names_unix_groups) ||
         (pass->policy && pass->policy->names_unix_groups)) &&
        caller_resolve_groups(&pass->caller) < 0)
        fail_call(pass, "guard:unknown-groups",
                  "a policy asks for the caller's UNIX groups, and they cannot be read");
    pass->call.caller = &pass->caller.caller;
}

/* A NativeAsker. The name is the domain's own: a client's handle says what the client likes. */
static NativeSet ask_native(void *data, NativeSet asked)
{
    const Passthrough *pass = data;

    return native_granted(pass->domain.name, pass->domain.uuid_text, asked);
}

static void make_limits(void)
{
    limits = limit_counters_new();
}

/* What a denied command may pass by all the same, and what an allowed one still meets. */
static void gather_permissions(Passthrough *pass, virDomainPtr handle)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_limits);
    pass->call.grants = connect_may_be_read_only(virDomainGetConnect(handle)) ? NULL : &grants;
    pass->call.limits = limits;
    pass->call.native = ask_native;
    pass->call.native_data = pass;
}

static void report(int code, const char *message)
{
    if (libvirt.report_error)
        libvirt.report_error(VIR_FROM_QEMU_DOMAIN, code, "qmp-guard", "qmpguard", 0, "%s", message);
}

static void release(Passthrough *pass)
{
    caller_clear(&pass->caller);
    live_domain_clear(&pass->domain);
    policy_unref(pass->host);
    policy_unref(pass->policy);
}

/*
 * Judges one text. Returns what to forward, borrowed from @answer; NULL when it is
 * refused, with the error for the client set. @answer is always cleared by the caller.
 *
 * Everything else is given back before the error is set or the real call made: giving
 * a domain back makes libvirt forget the thread's last error.
 */
static const char *judge(virDomainPtr handle, Channel channel, const char *text, unsigned int n_fds,
                         bool has_known_flags, GuardAnswer *answer)
{
    char id[COMMAND_ID_SIZE];
    Passthrough pass = {.error_code = VIR_ERR_ACCESS_DENIED,
                        .call = {.channel = channel,
                                 .text = text ? text : "",
                                 .length = text ? strlen(text) : 0,
                                 .id = id,
                                 .n_fds = n_fds}};

    *answer = (GuardAnswer){0};
    if (plugin_failure()) {
        report(VIR_ERR_ACCESS_DENIED, plugin_failure());
        return NULL;
    }
    if (!has_known_flags)
        fail_call(&pass, "request:unknown-flags", "flags that this guard does not know");
    gather_domain(&pass, handle);
    gather_host(&pass);
    gather_caller(&pass);
    gather_permissions(&pass, handle);
    command_id_make(id);
    guard_judge(&pass.call, recorder_write, pass.host, answer);
    release(&pass);

    if (answer->passes)
        return answer->request->text;
    report(pass.error_code,
           answer->message ? answer->message : "command refused: it could not be recorded");
    return NULL;
}

static Channel monitor_channel(unsigned int flags)
{
    return flags & VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP ? CHANNEL_HMP : CHANNEL_QMP;
}

static bool are_monitor_flags(unsigned int flags)
{
    return (flags & ~(unsigned int)VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) == 0;
}

int passthrough_monitor(virDomainPtr domain, const char *command, char **result, unsigned int flags)
{
    GuardAnswer answer;
    const char *text;
    int returned = -1;

    if (!plugin_is_active())
        return libvirt.monitor_command(domain, command, result, flags);
    text = judge(domain, monitor_channel(flags), command, 0, are_monitor_flags(flags), &answer);
    if (text) {
        struct timespec started = outcome_clock();

        returned = libvirt.monitor_command(domain, text, result, flags);
        outcome_record(&answer, started, returned < 0 ? NULL : *result);
    }
    guard_answer_clear(&answer);
    return returned;
}

int passthrough_monitor_with_files(virDomainPtr domain, const char *command, unsigned int n_in,
                                   int *in, unsigned int *n_out, int **out, char **result,
                                   unsigned int flags)
{
    GuardAnswer answer;
    const char *text;
    int returned = -1;

    if (!plugin_is_active())
        return libvirt.monitor_command_with_files(domain, command, n_in, in, n_out, out, result,
                                                  flags);
    text = judge(domain, monitor_channel(flags), command, n_in, are_monitor_flags(flags), &answer);
    if (text && libvirt.monitor_command_with_files) {
        struct timespec started = outcome_clock();

        returned = libvirt.monitor_command_with_files(domain, text, n_in, in, n_out, out, result,
                                                      flags);
        outcome_record(&answer, started, returned < 0 ? NULL : *result);
    }
    guard_answer_clear(&answer);
    return returned;
}

char *passthrough_agent(virDomainPtr domain, const char *command, int timeout, unsigned int flags)
{
    GuardAnswer answer;
    const char *text;
    char *returned = NULL;

    if (!plugin_is_active())
        return libvirt.agent_command(domain, command, timeout, flags);
    text = judge(domain, CHANNEL_AGENT, command, 0, flags == 0, &answer);
    if (text) {
        struct timespec started = outcome_clock();

        returned = libvirt.agent_command(domain, text, timeout, flags);
        outcome_record(&answer, started, returned);
    }
    guard_answer_clear(&answer);
    return returned;
}

/* Of what no policy is asked about. */
static void record_refusal(AuditEvent event)
{
    LiveCaller caller;
    AuditRecord record;

    caller_read(&caller);
    event.caller = &caller.caller;
    event.when = time(NULL);
    audit_record_make(&event, &record);
    if (record.line)
        (void)recorder_write(NULL, &record);
    audit_record_clear(&record);
    caller_clear(&caller);
}

/*
 * Attaching adopts a QEMU that somebody else started, monitor and all. No libvirt
 * supports it any more; should one do so again, the guard has no policy for it.
 */
virDomainPtr passthrough_attach(virConnectPtr connection, unsigned int pid, unsigned int flags)
{
    AuditEvent event = {.command = "qemu-attach",
                        .failed_rule = "guard:attach",
                        .reason = "attaching to a running QEMU is not supported under the guard"};

    if (!plugin_is_active())
        return libvirt.attach(connection, pid, flags);
    if (!plugin_failure())
        record_refusal(event);
    report(VIR_ERR_ACCESS_DENIED, plugin_failure() ? plugin_failure() : event.reason);
    return NULL;
}

/*
 * libvirt itself connects to the agent's channel only when an agent answers in the guest. Before
 * that, and whenever the agent is restarted, the channel is whosoever opens it: all that is then
 * sent there goes to the agent, and nobody can judge a stream.
 */
int passthrough_channel(virDomainPtr handle, const char *name, virStreamPtr stream,
                        unsigned int flags)
{
    AuditEvent event = {.channel = CHANNEL_AGENT,
                        .command = "open-channel",
                        .failed_rule = "guard:agent-channel",
                        .reason = "what is sent to the guest agent in a stream cannot be judged"};
    int code = VIR_ERR_ACCESS_DENIED;
    LiveDomain domain;
    Reason why;
    int is_agents;

    if (!plugin_is_active())
        return libvirt.open_channel(handle, name, stream, flags);
    if (plugin_failure()) {
        report(code, plugin_failure());
        return -1;
    }
    is_agents = live_domain_finds_agent(handle, name, &domain, &why);
    if (is_agents < 0) {
        code = virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? VIR_ERR_NO_DOMAIN : code;
        event.failed_rule = "guard:no-domain";
        event.reason = why.text;
    }
    event.domain = domain.name;
    event.uuid = domain.domain ? domain.uuid_text : NULL;
    if (is_agents != 0)
        record_refusal(event);
    live_domain_clear(&domain);
    if (is_agents == 0)
        return libvirt.open_channel(handle, name, stream, flags);
    report(code, event.reason);
    return -1;
}
