/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QG_REPLY_H
#define QG_REPLY_H

/* Longer than any of QEMU's QapiErrorClass. */
#define REPLY_CLASS_SIZE 64

/*
 * The class of the error that a monitor or an agent replied with, as {"error":{"class":...}} says:
 * in @ret, or "unknown" when it cannot be told. NULL for a reply that is no error.
 */
const char *reply_error_class(const char *reply, char ret[REPLY_CLASS_SIZE]);

#endif
