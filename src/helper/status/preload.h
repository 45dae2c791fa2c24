/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does systemd start the daemon with the guard, and only with it? */
#ifndef QG_STATUS_PRELOAD_H
#define QG_STATUS_PRELOAD_H

#include "file_facts.h"

typedef struct PreloadFacts {
    Knowledge knowledge; /* NOT_THERE: systemd has no such unit */
    Reason why; /* not known: why */
    bool is_set; /* what holds for LD_PRELOAD in the end names the guard */
    bool is_unset; /* ... it is taken out of whatever was set */
    bool is_asserted; /* the unit fails when the guard is not there */
} PreloadFacts;

/* Where systemd looks for units, the strongest last; NULL behind it. Source: systemd.unit(5). */
extern const char *const unit_directories[];

/* Reads the unit @unit, `libvirtd.service`, and its drop-ins. */
void preload_read(const char *const *directories, const char *unit, PreloadFacts *ret);

#endif
