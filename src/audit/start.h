/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of a domain's start: one for each finding, and one for the start itself. */
#ifndef QG_AUDIT_START_H
#define QG_AUDIT_START_H

#include "audit/audit.h"
#include "policy/start_rule.h"

/* What is to be recorded. Everything is borrowed. */
typedef struct StartEvent {
    const char *domain;
    const char *uuid; /* NULL: not known */
    const char *operation; /* libvirt's word: `prepare`, `restore`, `migrate`, `reconnect` */
    const char *policy; /* the digest of the domain's policy, or `none`, `invalid`, `unknown` */
    const char *finding; /* its name; NULL: the record of the start itself */
    StartAction action; /* of the finding */
    bool refuses; /* the start is refused because of it */
    const char *rule;
    const char *reason;
    size_t n_findings; /* of the start itself */
    time_t when;
} StartEvent;

/*
 * Puts @event into words: a line, and a JSON object for the trail. The record is
 * always released with audit_record_clear().
 */
void audit_start_make(const StartEvent *event, AuditRecord *ret);

#endif
