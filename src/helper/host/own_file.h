/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that `enable` writes and `disable` takes away. Its last line is a comment with a
 * digest of all above it: whoever changes the file makes it theirs.
 */
#ifndef QG_OWN_FILE_H
#define QG_OWN_FILE_H

#include <stdbool.h>

typedef enum OwnState {
    OWN_UNREADABLE, /* complained of */
    OWN_ABSENT,
    OWN_OURS,
    OWN_CHANGED, /* or never ours */
} OwnState;

typedef struct OwnFile {
    const char *path;
    const char *opening; /* of a comment, which ends with the line */
    const char *closing;
} OwnFile;

OwnState own_file_look(const OwnFile *file);

/* @body with the last line behind it. NULL when out of memory; caller frees. */
char *own_file_text(const OwnFile *file, const char *body);

/* Makes it what @text says, or leaves it as it was. -1 after complaining. */
int own_file_write(const OwnFile *file, const char *text);

/* Removes it, and its directory when nothing else is there. -1 after complaining. */
int own_file_remove(const OwnFile *file);

#endif
