/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the guard's lines a daemon's configuration lets into its log. */
#ifndef QG_STATUS_LOG_LEVELS_H
#define QG_STATUS_LOG_LEVELS_H

#include "audit/audit.h"
#include "file_facts.h"

typedef struct LogFacts {
    Knowledge knowledge;
    Reason why; /* not known: why */
    unsigned source; /* the lowest level that passes for the source qmpguard ... */
    unsigned output; /* ... and at the most talkative output */
} LogFacts;

/*
 * Reads libvirtd.conf or virtqemud.conf at @path; without a file libvirt's defaults hold.
 * Source: libvirt, src/util/virlog.c and src/remote/libvirtd.conf.in.
 */
void log_levels_read(const char *path, LogFacts *ret);

#endif
