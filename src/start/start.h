/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain is about to start: is its policy sound, is its monitor closed, is the guard
 * live? The hook asks with what libvirt gives it, `virt-qmp-guard check --start` by hand.
 */
#ifndef QG_START_H
#define QG_START_H

#include "audit/audit.h"
#include "domain/domain_xml.h"
#include "policy/policy.h"
#include "start/finding.h"

/* Everything that is known when a domain starts. All of it is borrowed. */
typedef struct StartCall {
    const char *operation; /* libvirt's word: `prepare`, `restore`, `migrate`, `reconnect` */
    const char *domain_name; /* as libvirt gives it */
    const char *xml;
    size_t length;
    const char *xml_failure; /* not NULL: why there is no XML */
    const Policy *host;
    const char *host_failure; /* without a host policy: why */
    bool is_host_file; /* the host policy is a file, not the shipped default */
    const char *unguarded; /* NULL: the daemon is guarded, or was not asked; else why not */
    bool only_records; /* it runs already: nothing is refused any more */
} StartCall;

/* Records one thing. Returns 0, or -1 when it could not: then the domain may not start. */
typedef int (*StartRecorder)(void *data, const AuditRecord *record);

typedef struct StartAnswer {
    bool passes; /* zero is no: only a complete judgement sets it */
    char *message; /* refused: one line that says why, and the remedy */
    DomainXml domain;
    FindingList findings; /* each with what the rules make of it */
    char policy[DIGEST_TEXT_SIZE]; /* its digest, or `none`, `invalid`, `unknown` */
} StartAnswer;

/*
 * Judges a start. @record is called for each finding that is not ignored and once for a
 * start that passes, before this returns; NULL for a dry run. The answer is always
 * released with start_answer_clear().
 */
void start_judge(const StartCall *call, StartRecorder record, void *record_data, StartAnswer *ret);
void start_answer_clear(StartAnswer *answer);

#endif
