/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who can reach the other end of a character device that a monitor or debugger is put on.
 * Source: QEMU, chardev/char.c (qemu_chr_parse_compat) and docs/system/security.rst.
 */
#ifndef QG_CHARDEV_H
#define QG_CHARDEV_H

#include "util/string_list.h"

/* Ordered: of several the smallest counts. What is not understood is the network's. */
typedef enum Reach {
    REACH_NETWORK = 0,
    REACH_TLS, /* a `-chardev` on TCP, with TLS and with authorization of whoever connects */
    REACH_UNIX, /* a UNIX socket in the file system or in the abstract name space */
    REACH_OTHER, /* a file, a pipe, a terminal, a descriptor that was handed in */
    REACH_NOBODY,
} Reach;

typedef struct Chardev {
    Reach reach;
    char *path; /* of a UNIX socket, `@NAME` for an abstract one; else NULL */
} Chardev;

/*
 * Reads a device as `-monitor`, `-qmp`, `-gdb` and `-serial` take it: `tcp:...`,
 * `unix:...`, `chardev:ID`. @arguments is the whole command line. Always released with
 * chardev_clear().
 */
void chardev_from_text(const StringList *arguments, const char *text, Chardev *ret);

/* The same for the device that `-chardev ...,id=ID` makes. */
void chardev_from_id(const StringList *arguments, const char *id, Chardev *ret);

void chardev_clear(Chardev *chardev);

#endif
