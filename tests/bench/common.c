/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>
#include <time.h>

const Caller bench_caller = {.label = "alice", .user = "alice", .uid = 1000};
const Run bench_run = {.pid = 1, .started = 1};

void bench_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

Policy *bench_policy(const char *elements)
{
    CLEANUP(mem) char *text = NULL;
    PolicyError error;
    Policy *policy;

    if (asprintf(&text, "<policy xmlns='" POLICY_NAMESPACE "'>%s</policy>", elements) < 0)
        bench_fail("out of memory");
    policy = policy_parse(text, strlen(text), POLICY_HOST, &error);
    if (!policy)
        bench_fail(error.reason.text);
    return policy;
}

GuardCall bench_call(const char *text, size_t length, const Policy *host)
{
    return (GuardCall){.channel = CHANNEL_QMP,
                       .text = text,
                       .length = length,
                       .domain_name = "demo",
                       .domain_uuid = BENCH_UUID,
                       .id = "e0e84b2c69018192-1",
                       .caller = &bench_caller,
                       .host = host,
                       .run = &bench_run};
}

GuardRecorded bench_record(void *data, const AuditRecord *record)
{
    (void)data;
    return record->line ? RECORDED_WHOLE : RECORDED_NOWHERE;
}

double bench_nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}
