/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt `qemu` hook. libvirt runs it as
 *
 *   /etc/libvirt/hooks/qemu.d/50-qmp-guard DOMAIN OPERATION SUB-OPERATION EXTRA
 *
 * with the domain's XML on standard input, holding the domain's lock: so it never calls
 * libvirt. What it prints on standard output would become the domain's XML at some
 * operations: so it prints nothing there. What it prints on standard error when it fails is
 * what the user of `virsh start` sees. Source: libvirt, docs/hooks.rst.
 */
#include "daemon.h"
#include "record.h"
#include "run.h"
#include "start/start.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>

/* A hook that hangs would hang its domain. */
#define SECONDS_MAX 20

typedef struct HookCall {
    const char *domain;
    const char *operation;
} HookCall;

typedef int (*HookAction)(const HookCall *call);

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
    Reason unguarded;
    Policy *host = NULL;
    StartAnswer answer;
    int status;
    int found;

    xml = read_xml(&start.length, &xml_failure);
    start.xml = xml;
    start.xml_failure = xml ? NULL : xml_failure.text;
    found = policy_read_host_file(HOST_POLICY_PATH, &host, &error);
    start.is_host_file = found != 0;
    if (found == 0)
        host = policy_shipped_default(&error);
    describe(&error, &host_failure);
    start.host = host;
    start.host_failure = host ? NULL : host_failure.text;
    start.unguarded = daemon_is_guarded(&unguarded) ? NULL : unguarded.text;

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
    alarm(SECONDS_MAX);
    return judge(call, false);
}

/*
 * The domain runs, and libvirt kills it if this fails. So the work is done in a process
 * of its own, whose end, however it comes, changes nothing.
 */
static int record_reconnect(const HookCall *call)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(SECONDS_MAX);
        _exit(judge(call, true));
    }
    if (child > 0)
        waitpid(child, NULL, 0);
    return EXIT_SUCCESS;
}

static int end_run(const HookCall *call)
{
    DomainXml domain = {0};
    CLEANUP(mem) char *xml = NULL;
    size_t length = 0;
    Reason why;

    alarm(SECONDS_MAX);
    xml = read_xml(&length, &why);
    if (!xml || domain_xml_read(xml, length, &domain, &why) < 0 || !domain.uuid ||
        run_end(domain.uuid, &why) < 0) {
        CLEANUP(mem) char *name = audit_name(call->domain);

        syslog(LOG_AUTHPRIV | LOG_ERR, "cannot end the run of '%s': %s", name ? name : "?",
               why.text);
    }
    domain_xml_clear(&domain);
    return EXIT_SUCCESS;
}

/*
 * Any other operation is nothing to us: a start is always announced as `prepare`. `migrate`
 * is the target's side of a migration.
 */
static const struct OperationRow {
    const char *operation;
    const char *sub_operation;
    HookAction action;
} operations[] = {
    {"prepare", "begin", judge_start},        {"restore", "begin", judge_start},
    {"migrate", "begin", judge_start},        {"attach", "begin", judge_start},
    {"reconnect", "begin", record_reconnect}, {"release", "end", end_run},
};

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: 50-qmp-guard DOMAIN OPERATION SUB-OPERATION EXTRA <DOMAIN.xml\n"
              "libvirt runs this hook; to ask by hand: "
              "virt-qmp-guard check --domain-xml FILE --start\n",
              stderr);
        return EXIT_FAILURE;
    }
    /* A user's own daemon (qemu:///session) runs QEMU with no more than the user's rights. */
    if (geteuid() != 0)
        return EXIT_SUCCESS;
    tzset();
    openlog("qmp-guard", LOG_PID, LOG_AUTHPRIV);
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        const HookCall call = {argv[1], argv[2]};

        if (strcmp(operations[i].operation, argv[2]) == 0 &&
            strcmp(operations[i].sub_operation, argv[3]) == 0)
            return operations[i].action(&call);
    }
    return EXIT_SUCCESS;
}
