/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a file is, and who can get at it. */
#ifndef QG_STATUS_FILE_FACTS_H
#define QG_STATUS_FILE_FACTS_H

#include "util/reason.h"

#include <stdbool.h>
#include <sys/types.h>

/* What is known of a thing. All zero: nothing, and that never passes. */
typedef enum Knowledge {
    NOT_KNOWN = 0,
    NOT_THERE,
    KNOWN,
} Knowledge;

typedef struct FileFacts {
    Knowledge knowledge;
    Reason why; /* not known: why */
    uid_t uid;
    gid_t gid;
    mode_t mode;
    off_t size;
    bool others_pass; /* any user gets through the directories above it */
} FileFacts;

/* Looks at @path, which is absolute, or at what it links to. */
void file_look(const char *path, FileFacts *ret);

#endif
