/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is to choose from, for whoever chose something else. */
#ifndef QG_CHOICE_H
#define QG_CHOICE_H

#include <stddef.h>

#define CHOICE_SIZE 160

/* `qmp, hmp or agent`, in @buffer; returns @buffer. What has no room is left out. */
const char *choice_tell(const char *const *words, size_t count, char buffer[CHOICE_SIZE]);

#endif
