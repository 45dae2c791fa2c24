/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The audit record: the one place that puts a decision into words. One record is
 * one line, whatever the domain, the user or the command is called.
 */
#ifndef QG_AUDIT_H
#define QG_AUDIT_H

#include "decide.h"

#include <stdio.h>
#include <time.h>

/* libvirt's log priorities (util/virlog.h). */
typedef enum AuditPriority {
    AUDIT_INFO = 2,
    AUDIT_WARNING = 3,
    AUDIT_ERROR = 4,
} AuditPriority;

/* What libvirt's log calls the source of the guard's lines, and the system's log who wrote them. */
#define LOG_SOURCE_NAME "qmpguard"
#define SYSLOG_NAME "qmp-guard"

/* What is to be recorded. Everything is borrowed. */
typedef struct AuditEvent {
    const char *domain; /* the domain's true name, or what the client called it */
    Channel channel; /* how the text came */
    const Request *request; /* NULL: it could not be read */
    const char *command; /* without a request: what it is called; NULL: `(unreadable)` */
    const Decision *decision; /* NULL: it came to no decision, and is refused */
    const char *failed_rule; /* without a decision: `request:unreadable`, `domain:invalid`, ... */
    const char *reason; /* without a decision: why, in words */
    const Caller *caller; /* NULL: nothing is known */
    const char *id; /* links an outcome to its decision; NULL: there will be none */
    const char *uuid; /* the domain's; NULL: not known, as for what follows */
    const char *policy; /* the digest of the domain's policy, or `none`, `invalid`, `unknown` */
    const char *host_policy; /* the digest of the host's */
    const char *text; /* what the client sent; only its digest is recorded */
    size_t length;
    const char *profile; /* chosen by the guard itself; NULL: none was */
    const Grant *refused_grant; /* denied: a grant that names it and does not count; NULL: none */
    GrantObstacle obstacle; /* why it does not */
    bool is_repeated; /* the same limit has denied before, and was recorded: less loud */
    bool counts_repeats; /* the host policy has what repeats a safe command counted */
    time_t when;
} AuditEvent;

typedef struct AuditRecord {
    AuditPriority priority;
    char *line; /* without a newline; NULL when out of memory: then nothing may pass */
    char *json; /* the same for the trail; not NULL where line is not */
    /*
     * Where repetitions are counted, of a safe command that passes: the start of a JSON object
     * with all that a repetition of it would share; else NULL. Two records are the same command
     * when this is the same.
     */
    char *repeat;
    char *common; /* the members that a record of the command's outcome has as well */
    const char *message_id; /* journald's MESSAGE_ID: one for each kind of event */
    char *domain; /* the journald fields, encoded like the line */
    char *command;
    char *user;
    const char *verdict;
} AuditRecord;

/* Puts @event into words. The record is always released with audit_record_clear(). */
void audit_record_make(const AuditEvent *event, AuditRecord *ret);
void audit_record_clear(AuditRecord *record);

/* Of a longer name the rest is left out, and `...` stands for it. */
#define AUDIT_NAME_MAX 256

/*
 * A name from outside as a record has it, so that it can neither split a line nor look
 * like a field: printable ASCII stays, save `|`, `\`, `=` and `:`; every other byte
 * becomes \xHH. At most AUDIT_NAME_MAX bytes of it; NULL becomes `-`. A new string
 * (caller frees), or NULL when out of memory.
 */
char *audit_name(const char *name);

/* AuditRecord's common; caller frees. NULL when out of memory. */
char *audit_common_json(const AuditEvent *event);

/* The decision's JSON; caller frees. NULL when out of memory. */
char *audit_decision_json(const AuditEvent *event, const char *common, const char *verdict);

/* AuditRecord's repeat, for a decision; caller frees. NULL when out of memory. */
char *audit_repeat_json(const AuditEvent *event, const char *verdict);

/* The JSON of a claim to be somebody else that was refused; caller frees. */
char *audit_identity_json(const Caller *caller);

/* The JSON of a domain's policy that is new or has changed; @was may be NULL. Caller frees. */
char *audit_policy_json(const char *domain, const char *uuid, const char *policy, const char *was);

/* The JSON of @records that could not be written; caller frees. */
char *audit_lost_json(uint64_t records);

/* What became of a command that passed. Everything is borrowed. */
typedef struct AuditOutcome {
    const char *common; /* of the decision's AuditRecord */
    const char *result; /* `success`, `error` (QEMU's or the agent's), `failure` (libvirt's) */
    const char *error; /* QEMU's error class, or `libvirt:CODE` (virterror.h); NULL: none */
    int64_t duration_us;
} AuditOutcome;

/* The outcome's JSON; caller frees. NULL when out of memory. */
char *audit_outcome_json(const AuditOutcome *outcome);

#endif
