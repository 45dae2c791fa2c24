/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name of a UNIX user, from the name service; any number of threads may ask. */
#ifndef QG_USER_NAME_H
#define QG_USER_NAME_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the name of @uid into @ret. Returns 0, or -1 when it has none, when the name service does
 * not answer, or when the name does not fit: cut, it would be another's.
 */
int user_name_read(uid_t uid, char *ret, size_t size);

#endif
