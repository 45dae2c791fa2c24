/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the hook (hook.c) runs when there is something to do, with the same arguments and
 * standard input. libvirt holds the domain's lock meanwhile: so this never calls libvirt. What
 * is printed on standard output would become the domain's XML at some operations: so nothing
 * is. What is printed on standard error by one that fails is what the user of `virsh start`
 * sees.
 */
#include "daemon.h"
#include "operation.h"

#include "audit/grant.h"
#include "audit/outside.h"
#include "grant/grant_store.h"
#include "start/start.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>

/* A hook that hangs would hang its domain. */
#define SECONDS_MAX 20

typedef struct HookCall {
    const char *domain;
    const char *operation;
} HookCall;

typedef int (*HookAction)(const HookCall *call);

static Trail trail = TRAIL_INIT(TRAIL_PATH);
static GrantStore grants = GRANT_STORE_INIT(GRANTS_PATH);

/* A StartRecorder. */
static int record_write(void *data, const AuditRecord *record)
{
    Reason why;

    (void)data;
    return outside_record(&trail, record, &why);
}

/* Reads all of standard input. A new string; NULL with the reason. */
static char *read_xml(size_t *ret_length, Reason *why)
{
    CLEANUP(mem) char *text = NULL;
    size_t length = 0;
    size_t space = 0;
    ssize_t count;

    do {
        if (length == space) {
            char *grown;

            space = space ? 4 * space : 65536;
            grown = space > 4 * DOMAIN_XML_BYTES_MAX ? NULL : realloc(text, space);
            if (!grown) {
                reason_set(why, "too large, or no memory");
                return NULL;
            }
            text = grown;
        }
        count = read(STDIN_FILENO, text + length, space - length);
        if (count > 0)
            length += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    if (count < 0) {
        reason_set(why, "%s", strerror(errno));
        return NULL;
    }
    *ret_length = length;
    return steal_pointer(&text);
}

/* `PATH:3: reason` */
static void describe(const PolicyError *error, Reason *ret)
{
    if (error->line)
        reason_set(ret, "%s:%u: %s", HOST_POLICY_PATH, error->line, error->reason.text);
    else
        reason_set(ret, "%s: %s", HOST_POLICY_PATH, error->reason.text);
}

static int judge(const HookCall *call, bool only_records)
{
    StartCall start = {
        .operation = call->operation, .domain_name = call->domain, .only_records = only_records};
    CLEANUP(mem) char *xml = NULL;
    PolicyError error = {0};
    Reason xml_failure;
    Reason host_failure;
    CallingDaemon daemon;
    Policy *host = NULL;
    StartAnswer answer;
    int status;
    int found;

    xml = read_xml(&start.length, &xml_failure);
    start.xml = xml;
    start.xml_failure = xml ? NULL : xml_failure.text;
    found = policy_read_host_file(HOST_POLICY_PATH, &host, &error);
    start.is_host_file = found != 0;
    start.unguarded = daemon_look(&daemon) ? NULL : daemon.why.text;
    if (found == 0 && daemon.marks.had_host_file)
        reason_set(&error.reason, "it is gone: put it back, or restart the daemon without it");
    else if (found == 0)
        host = policy_shipped_default(&error);
    describe(&error, &host_failure);
    start.host = host;
    start.host_failure = host ? NULL : host_failure.text;

    start_judge(&start, record_write, NULL, &answer);
    if (!answer.passes)
        fprintf(stderr, "qmp-guard: %s\n", answer.message ? answer.message : "out of memory");
    status = answer.passes ? EXIT_SUCCESS : EXIT_FAILURE;
    start_answer_clear(&answer);
    policy_unref(host);
    return status;
}

static int judge_start(const HookCall *call)
{
    return judge(call, false);
}

static int record_reconnect(const HookCall *call)
{
    return judge(call, true);
}

/* The grants of the run that is over. */
static int end_grants(char *uuid, Reason *why)
{
    CLEANUP(mem) Grant *ended = NULL;
    size_t count = 0;
    int result = grant_store_change(&grants, grant_end, uuid, &ended, &count, why);

    for (size_t i = 0; i < count; i++) {
        GrantEvent event = {.step = STEP_ENDED, .grant = &ended[i], .now = grant_clock()};
        AuditRecord record;

        audit_grant_make(&event, &record);
        if (outside_record(&trail, &record, why) < 0)
            result = -1;
        audit_record_clear(&record);
    }
    return result;
}

static int end_run(const HookCall *call)
{
    DomainXml domain = {0};
    CLEANUP(mem) char *xml = NULL;
    size_t length = 0;
    Reason why = {"its XML has no UUID"};

    xml = read_xml(&length, &why);
    if (!xml || domain_xml_read(xml, length, &domain, &why) < 0 || !domain.uuid ||
        end_grants(domain.uuid, &why) < 0) {
        CLEANUP(mem) char *name = audit_name(call->domain);

        syslog(LOG_AUTHPRIV | LOG_ERR, "cannot end the run of '%s': %s", name ? name : "?",
               why.text);
    }
    domain_xml_clear(&domain);
    return EXIT_SUCCESS;
}

static const HookAction actions[HOOK_COUNT] = {
    [HOOK_START] = judge_start,
    [HOOK_RECONNECT] = record_reconnect,
    [HOOK_RELEASE] = end_run,
};

/* A start that nobody could judge in time is refused, in words. */
static void give_up(int signal)
{
    static const char text[] = "qmp-guard: the domain may not start: judging it took too long\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

    (void)signal;
    (void)written;
    _exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    HookAction action;
    HookCall call;

    if (argc < 4)
        return EXIT_FAILURE;
    signal(SIGALRM, give_up);
    alarm(SECONDS_MAX);
    tzset();
    outside_open();
    call = (HookCall){argv[1], argv[2]};
    action = actions[hook_operation(argv)];
    return action ? action(&call) : EXIT_FAILURE;
}
