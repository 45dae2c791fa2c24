/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's command line as QEMU reads it: one dash or two, the value in the next argument,
 * options inside a value as `first,key=value,key=a,,b`, of which the last of a key holds.
 * Source: QEMU, system/vl.c (lookup_opt) and util/qemu-option.c.
 */
#ifndef QG_QEMU_ARGUMENTS_H
#define QG_QEMU_ARGUMENTS_H

#include "util/string_list.h"

#include <stdbool.h>

/*
 * The name in `-name`, `--name` or `-name=value`, as a new string (caller frees); NULL for
 * what is no option, or out of memory. (QEMU refuses the last form. A wrapper may not.)
 */
char *qemu_option_name(const char *argument);

/*
 * The value of the option at @index: behind its `=`, or the next argument, even when that
 * looks like an option itself. "" when there is none.
 */
const char *qemu_option_value(const StringList *arguments, size_t index);

/*
 * The value of @key in the options @text, as a new string (caller frees); NULL when it is
 * not there, or out of memory. @implied: the first one may leave its key, this, out.
 */
char *qemu_suboption(const char *text, const char *key, bool implied);

/* Calls @visit for each value of the option @name; stops when it returns true. */
typedef bool (*QemuOptionVisitor)(void *data, const char *value);
bool qemu_option_any(const StringList *arguments, const char *name, QemuOptionVisitor visit,
                     void *data);

#endif
