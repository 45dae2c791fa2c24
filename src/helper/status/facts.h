/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `virt-qmp-guard status` gathers of the host and of a domain, before it judges any of it. */
#ifndef QG_STATUS_FACTS_H
#define QG_STATUS_FACTS_H

#include "file_facts.h"
#include "limits.h"
#include "log_levels.h"
#include "preload.h"
#include "process.h"

#include "policy/finding_kind.h"
#include "util/live_mark.h"

/* The daemon that has libvirt's QEMU driver. */
typedef struct DaemonFacts {
    Knowledge knowledge; /* of the marks */
    Reason why; /* when they are not known */
    pid_t pid; /* 0: not known either */
    char name[16]; /* `libvirtd`, `virtqemud`; empty when pid is 0 */
    LiveMarks marks;
} DaemonFacts;

/* A policy, of the host or of a domain. */
typedef struct PolicyFacts {
    Knowledge knowledge;
    Reason why; /* not known: why; not valid: the error */
    bool is_valid;
    bool only_audits;
} PolicyFacts;

typedef struct HostFacts {
    DaemonFacts daemon;
    PreloadFacts preload;
    LogFacts log;
    FileFacts hook;
    FileFacts hook_directory;
    FileFacts policy_file;
    FileFacts policy_directory;
    PolicyFacts policy;
    FileFacts trail_directory;
    FileFacts trail;
    FileFacts trail_head;
    bool is_head_sound; /* it can be read, and is one */
    FileFacts grants_directory;
} HostFacts;

/* A monitor or debugger that is not libvirt's. */
typedef struct ExtraMonitor {
    FindingKind kind;
    char *reason; /* one sentence */
    char *path; /* of a UNIX socket, `@NAME` for an abstract one */
    FileFacts socket; /* of a path */
} ExtraMonitor;

typedef struct DomainFacts {
    char *name;
    ProcessFacts process;
    NamespaceFacts mount_namespace;
    LabelFacts label;
    LimitFacts limits;
    FileFacts monitor; /* libvirt's own socket */
    Knowledge extra_knowledge;
    Reason extra_why;
    ExtraMonitor *extra;
    size_t n_extra;
    PolicyFacts policy;
} DomainFacts;

#endif
