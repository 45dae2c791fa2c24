/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process may do, as its directory in /proc shows it: so much owns who owns the process.
 * Each function takes that directory, `/proc/12`. Source: proc(5).
 */
#ifndef QG_STATUS_PROCESS_H
#define QG_STATUS_PROCESS_H

#include "file_facts.h"

#include "util/string_list.h"

#include <stdint.h>

typedef struct ProcessFacts {
    Knowledge knowledge;
    Reason why; /* not known: why */
    uid_t uids[4]; /* real, effective, saved, of the file system */
    gid_t gids[4];
    bool in_root_group; /* among its further groups */
    uint64_t capabilities; /* that it has, or may turn on */
    int seccomp; /* 0: no filter; -1: the kernel does not say */
    int no_new_privs; /* 1: set; -1: the kernel does not say */
} ProcessFacts;

typedef struct NamespaceFacts {
    Knowledge knowledge;
    Reason why;
    bool is_own; /* not the one of the other process */
} NamespaceFacts;

typedef struct LabelFacts {
    Knowledge knowledge; /* NOT_THERE: no security module gives one */
    Reason why;
    char text[256];
} LabelFacts;

void process_read(const char *directory, ProcessFacts *ret);

/* Is the mount namespace of one process that of the other, too? */
void mount_namespace_read(const char *directory, const char *other, NamespaceFacts *ret);

void label_read(const char *directory, LabelFacts *ret);

/* Its command line. Returns 0, or -1 with the reason; released with string_list_clear(). */
int command_line_read(const char *directory, StringList *ret, Reason *why);

#endif
