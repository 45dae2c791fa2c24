/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outcome.h"

#include "audit/reply.h"
#include "log.h"
#include "recorder.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

static uint64_t run;

static void make_run(void)
{
    if (getrandom(&run, sizeof(run), GRND_NONBLOCK) != sizeof(run))
        run = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
}

void command_id_make(char ret[COMMAND_ID_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static atomic_uint_fast64_t count;

    pthread_once(&once, make_run);
    snprintf(ret, COMMAND_ID_SIZE, "%016" PRIx64 "-%" PRIxFAST64, run,
             atomic_fetch_add(&count, 1) + 1);
}

struct timespec outcome_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

/*
 * A command that passed here may still meet libvirt's own permissions, since they are
 * asked behind us: a read-only connection, an access driver.
 */
static void note_refusal(const GuardAnswer *answer, int code)
{
    const char *fields = answer->record ? strchr(answer->record, ':') : NULL;

    if (fields && (code == VIR_ERR_OPERATION_DENIED || code == VIR_ERR_ACCESS_DENIED))
        log_line(LOG_REFUSED_BY_LIBVIRT, "QMP refused by libvirt%s", fields);
}

void outcome_record(const GuardAnswer *answer, struct timespec started, const char *reply)
{
    struct timespec now = outcome_clock();
    char class_text[REPLY_CLASS_SIZE];
    const char *class = reply ? reply_error_class(reply, class_text) : NULL;
    char code[32];
    CLEANUP(mem) char *json = NULL;
    AuditOutcome outcome = {
        .common = answer->outcome,
        .result = "success",
        .error = class,
        .duration_us = (now.tv_sec - started.tv_sec) * INT64_C(1000000) +
                       (now.tv_nsec - started.tv_nsec) / 1000,
    };

    if (!reply) {
        note_refusal(answer, virGetLastErrorCode());
        outcome.result = "failure";
        /* Not libvirt's words, which may hold what the client sent. */
        snprintf(code, sizeof(code), "libvirt:%d", virGetLastErrorCode());
        outcome.error = code;
    } else if (class) {
        outcome.result = "error";
    }
    if (answer->is_counted && reply && !class)
        return;
    json = answer->outcome ? audit_outcome_json(&outcome) : NULL;
    if (json)
        (void)recorder_append(json);
}
