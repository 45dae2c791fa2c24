/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the people who may become root is at work. */
#ifndef QG_ADMIN_H
#define QG_ADMIN_H

#include "grant.h"

#include <stdbool.h>

/*
 * The user who logged in (the audit login uid), else the one who called sudo (SUDO_UID), else
 * root. By name, or as uid:N when the name service gives none: that may be anybody, since the same
 * user may have had a name before.
 *
 * What this is worth: the kernel lets nobody but root change a login uid, and root may say
 * anything. That is no hole, as docs/security.md trusts root; a second person's word guards
 * against one person's mistake, and both names are on record.
 */
typedef struct Admin {
    char name[GRANT_ADMIN_SIZE];
    bool is_known; /* a person, by name; root is an account that several may use */
} Admin;

Admin admin_at_work(void);

/* Whether @name, that of an Admin, is a person's. */
bool admin_is_person(const char *name);

#endif
