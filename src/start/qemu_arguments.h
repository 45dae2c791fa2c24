/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's command line as QEMU reads it: one dash or two, the value in the next argument,
 * options inside a value as `first,key=value,key=a,,b`. Source: QEMU, system/vl.c
 * (lookup_opt), util/qemu-option.c and util/keyval.c.
 *
 * The last two disagree in which of two equal keys holds and in what `nokey` means, and more
 * so by option and version. So nothing is made of such options: they are odd, and whoever
 * reads them takes them for the worst.
 */
#ifndef QG_QEMU_ARGUMENTS_H
#define QG_QEMU_ARGUMENTS_H

#include "util/string_list.h"

#include <stdbool.h>

/* False: a value, or a disk image. */
bool qemu_is_option(const char *argument);

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

/* Calls @visit for each value of the option @name. */
typedef void (*QemuOptionVisitor)(void *data, const char *value);
void qemu_option_each(const StringList *arguments, const char *name, QemuOptionVisitor visit,
                      void *data);

/* The options inside one value, in order: keys.items[i] has values.items[i]. */
typedef struct QemuOptions {
    StringList keys;
    StringList values;
    bool
        is_odd; /* a key twice, too many keys, a switch that is not known, JSON, or out of memory */
} QemuOptions;

/*
 * Reads the options @text, of which the first may leave its key, @implied, out (NULL: it may
 * not). Always released with qemu_options_clear().
 */
void qemu_options_read(const char *text, const char *implied, QemuOptions *ret);

/* The value of @key; NULL when it is not there. Borrowed. */
const char *qemu_options_get(const QemuOptions *options, const char *key);

void qemu_options_clear(QemuOptions *options);

#endif
